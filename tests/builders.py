"""Values with defaults for everything a test does not care about."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sluice.domain import names
from sluice.domain.alarm import Firing, Watched
from sluice.domain.arming import AlarmState
from sluice.domain.bedrock import BedrockConfig, Pinned, PinnedModel
from sluice.domain.bedrock_manifest import BedrockManifest
from sluice.domain.composing import numbered
from sluice.domain.inbox import (
    BEDROCK_CONFIG,
    CONFIG,
    EVALUATION,
    MODEL,
    Facts,
    Place,
    Upload,
)
from sluice.domain.judge import evaluate
from sluice.domain.judging import Evidence, Finding
from sluice.domain.manifest import Manifest
from sluice.domain.noted import Noted
from sluice.domain.pushed import ModelConfig
from sluice.domain.registration import Ready, plan_registration
from sluice.domain.release import (
    ApprovalChange,
    ApprovalStatus,
    Capture,
    Release,
    ReleaseName,
)
from sluice.domain.rollout import Deployed, Kind, Rollout, Step, Verdict
from sluice.domain.scalable import ScalableTarget, ScheduledAction, TrackingPolicy
from sluice.domain.sight import Sight
from sluice.domain.target import Cause, Signal, TargetState, Wanted
from sluice.domain.watching import EndpointView, VariantView

EVENTS = Path(__file__).parent.parent / "events"

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "sluice-artifacts"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn"
DIGEST = f"sha256:{'a' * 64}"
AT = datetime(2026, 5, 3, 14, 0, tzinfo=UTC)

METADATA = {
    "git-sha": "9f8d111c0ffee",
    "training-date": "2026-03-25",
    "base-model": "xgboost-2.1",
    "training-dataset-version": "v3.2",
    "eval-accuracy": "0.87",
}
WEIGHTS = gzip.compress(b"weights", mtime=0)
EVALUATION_RESULTS = {"accuracy": 0.87, "f1": 0.84}


def an_event(name: str) -> dict[str, Any]:
    """The event in `events/{name}.json`."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def a_config(**changes: Any) -> dict[str, Any]:
    """What an engineer writes into `config.json`."""
    config = {"image_uri": f"{REPOSITORY}:1.4", "instance_type": "ml.m5.large", **changes}
    return {name: value for name, value in config.items() if value is not ...}


def a_release_name(text: str = "churn-v4") -> ReleaseName:
    """`churn-v4` as a value."""
    group, _, version = text.rpartition("-v")
    return ReleaseName(group=group, version=int(version))


def an_upload(name: str = MODEL, *, folder: str = "churn-v4", **changes: Any) -> Upload:
    """One version of an object in a version folder."""
    defaults = {
        "bucket": BUCKET,
        "key": f"models/{folder}/{name}",
        "version_id": f"version-of-{name}",
        "sequencer": "10",
        "at": AT,
    }
    return Upload.model_validate({**defaults, **changes})


def some_facts(**changes: Any) -> Facts:
    """What S3 says of an object version."""
    return Facts.model_validate({"size": 7, "etag": "e7a6", "last_modified": AT, **changes})


def a_noted(name: str, *, folder: str = "churn-v4", **changes: Any) -> Noted:
    """An object as it was noted in its folder, with nothing against it."""
    found: dict[str, dict[str, Any]] = {
        MODEL: {"facts": some_facts(metadata=METADATA)},
        CONFIG: {"config": ModelConfig(**a_config()), "image": f"{REPOSITORY}@{DIGEST}"},
        EVALUATION: {"metrics": EVALUATION_RESULTS},
    }
    upload = an_upload(name, folder=folder)
    place = Place(release=a_release_name(folder), name=name)
    defaults = {"place": place, "upload": upload, "facts": some_facts(), **found.get(name, {})}
    return Noted.model_validate({**defaults, **changes})


def a_folder(**of: Noted) -> list[Noted]:
    """A complete version folder; `model`, `config` or `evaluation` replaces that object."""
    return [
        of.get("model", a_noted(MODEL)),
        of.get("config", a_noted(CONFIG)),
        of.get("evaluation", a_noted(EVALUATION)),
    ]


COMMIT = "9f8d111c0ffee9f8d111c0ffee9f8d111c0ffee0"
CONFIG_FILES = (BEDROCK_CONFIG, "prompts/p.txt", EVALUATION)


def a_pinned(**changes: Any) -> Pinned:
    """A Bedrock config and what it came to."""
    model = "anthropic.claude-sonnet-4-5-20251001-v2:0"
    config = {
        "model_id": model,
        "prompt_template_file": "prompts/p.txt",
        "prompt_template_version": COMMIT,
        **changes,
    }
    arn = f"arn:aws:bedrock:{REGION}::foundation-model/{model}"
    return Pinned(
        config=BedrockConfig(**config),
        application="support",
        model=PinnedModel(id=model, arns=(arn,), status="ACTIVE"),
    )


def a_noted_config(name: str, **changes: Any) -> Noted:
    """An object of a Bedrock configuration as it was noted, with nothing against it."""
    found: dict[str, dict[str, Any]] = {
        BEDROCK_CONFIG: {"pinned": a_pinned()},
        EVALUATION: {"metrics": EVALUATION_RESULTS},
    }
    defaults = {
        "place": Place(commit=COMMIT, name=name),
        "upload": an_upload(name, key=f"configs/{COMMIT}/{name}"),
        "facts": some_facts(),
        "sha256": "5" * 64,
        **found.get(name, {}),
    }
    return Noted.model_validate({**defaults, **changes})


def a_bedrock_manifest(**changes: Any) -> BedrockManifest:
    """The manifest of a complete Bedrock configuration, the second of its application."""
    planned = plan_registration([a_noted_config(name) for name in CONFIG_FILES])
    assert isinstance(planned, Ready)
    manifest = numbered(planned.manifest, newest=1)
    assert isinstance(manifest, BedrockManifest)
    return manifest.model_copy(update=changes)


def a_manifest(**changes: Any) -> Manifest:
    """The manifest of a complete version folder."""
    planned = plan_registration(a_folder())
    assert isinstance(planned, Ready)
    assert isinstance(planned.manifest, Manifest)
    return planned.manifest.model_copy(update=changes)


TARGET = "endpoint/churn"
EXECUTION = "churn-g1-e5"
ALARM = "sluice-churn-v4-e5-errors"
ALARM_ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{ALARM}"
STEPS = (
    Step(weight=10, min_seconds=300, max_seconds=1800),
    Step(weight=100, min_seconds=600, max_seconds=3600),
)


def after(seconds: float) -> datetime:
    """That many seconds after `AT`."""
    return AT + timedelta(seconds=seconds)


def a_package_arn(version: int, group: str = "churn") -> str:
    """The ARN of a model package."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{group}/{version}"


def a_release(text: str = "churn-v4", **changes: Any) -> Release:
    """A registered release; its package version is its folder's number."""
    name = a_release_name(text)
    defaults = {
        "name": name,
        "capture": Capture.REGISTERED,
        "digest": "d" * 64,
        "manifest_uri": f"s3://{BUCKET}/releases/{name.group}/v{name.version}-dddd/manifest.json",
        "target": "churn",
        "package_arn": a_package_arn(name.version, name.group),
        "package_version": name.version,
        "claimed_at": AT,
    }
    return Release.model_validate({**defaults, **changes})


def seen(
    status: ApprovalStatus = ApprovalStatus.APPROVED, *, modified: float = 0, actor: str = "alice"
) -> ApprovalChange:
    """An approval status as it was observed; `modified` seconds after `AT`."""
    return ApprovalChange(
        status=status, last_modified=after(modified), actor=actor, observed_at=after(modified + 1)
    )


def deployed(version: int = 4, *, epoch: int = 5, **changes: Any) -> Deployed:
    """A version of `churn` on its endpoint, made in `epoch`."""
    release = a_release(f"churn-v{version}")
    defaults = {
        "release": release.name,
        "digest": release.digest,
        "manifest_uri": release.manifest_uri,
        "package_arn": release.package_arn,
        "package_version": version,
        "epoch": epoch,
        "variant": names.variant(version, epoch=epoch),
        "model": names.model("churn", version, epoch=epoch),
        "endpoint_config": names.alone("churn", version, epoch=epoch),
        "alarms": (names.alarm("endpoint/churn", names.variant(version, epoch=epoch), "errors"),),
    }
    return Deployed.model_validate({**defaults, **changes})


STABLE = deployed(3, epoch=3)
CANARY = deployed(4, epoch=5)


def serverless(what: Deployed, *, by_config: bool = True) -> Deployed:
    """The same release on a serverless endpoint."""
    update = {"variant": names.SERVERLESS_VARIANT, "told_by_config": by_config}
    return what.model_copy(update=update)


def a_guarded(**changes: Any) -> Rollout:
    """Version 4 on its way to a serverless endpoint that serves version 3."""
    defaults = {
        "release": serverless(CANARY),
        "stable": serverless(STABLE),
        "provision_config": CANARY.endpoint_config,
        "steps": STEPS[-1:],
    }
    return a_rollout(Kind.GUARDRAIL, **{**defaults, **changes})


def a_rollout(kind: Kind = Kind.CANARY, **changes: Any) -> Rollout:
    """Version 4 on its way in epoch 5, as a canary beside version 3 unless told otherwise."""
    canary = kind is Kind.CANARY
    defaults = {
        "id": EXECUTION,
        "target": TARGET,
        "epoch": 5,
        "kind": kind,
        "release": CANARY,
        "stable": STABLE if canary else None,
        "replaced": STABLE if kind is Kind.ROLL_BACK else None,
        "approval_seq": 0 if kind is Kind.ROLL_BACK else 2,
        "started_at": AT,
        "steps": STEPS if canary else (),
        "provision_config": "churn-v3-v4-e5-both" if canary else CANARY.endpoint_config,
        "standby_seconds": 3600,
        "hold_seconds": 86400,
    }
    return Rollout.model_validate({**defaults, **changes})


def a_state(rollout: Rollout | None = None, **changes: Any) -> TargetState:
    """The target `churn`, serving version 3; held by `rollout` where one is given."""
    defaults: dict[str, Any] = {
        "target": TARGET,
        "owner": "churn",
        "revision": 7,
        "epoch": rollout.epoch if rollout else 4,
        "approval_seq": 2,
        "holder": rollout.id if rollout else "",
        "rollout": rollout,
        "live": STABLE,
        "last_good": (STABLE,),
    }
    return TargetState.model_validate({**defaults, **changes})


def a_wanted(version: int = 4, *, seq: int = 2) -> Wanted:
    """An approval of a version of `churn` that no rollout has consumed."""
    release = a_release(f"churn-v{version}")
    return Wanted(
        seq=seq,
        release=release.name,
        package_arn=release.package_arn,
        package_version=version,
        approved_at=AT,
    )


def a_signal(version: int = 4, *, cause: Cause = Cause.ALARM, blames: bool = True) -> Signal:
    """What an alarm or a rejection says of a version of `churn`."""
    return Signal(
        cause=cause,
        release=a_release_name(f"churn-v{version}"),
        reason="alarm errors: 0.5",
        at=AT,
        blames=blames,
    )


TRACKING = (
    '{"PredefinedMetricSpecification":{"PredefinedMetricType":'
    '"SageMakerVariantInvocationsPerInstance"},"TargetValue":70.0}'
)


def a_scalable_target(variant: str = STABLE.variant, **changes: Any) -> ScalableTarget:
    """What Application Auto Scaling knows of a variant: a policy and a scheduled action."""
    defaults = {
        "variant": variant,
        "min_capacity": 1,
        "max_capacity": 8,
        "policies": (TrackingPolicy(name="load", configuration=TRACKING),),
        "actions": (ScheduledAction(name="morning", schedule="cron(0 8 * * ? *)", min_capacity=4),),
    }
    return ScalableTarget.model_validate({**defaults, **changes})


def a_quota(value: float, instance_type: str = "ml.m5.large") -> dict[str, Any]:
    """How many instances of a type may serve, as Service Quotas lists it."""
    return {"QuotaName": f"{instance_type} for endpoint usage", "Value": value}


def watches(what: Deployed = CANARY) -> Watched:
    """What an alarm on that variant watches."""
    return Watched(target=TARGET, release=what.release, variant=what.variant, epoch=what.epoch)


def a_firing(**changes: Any) -> Firing:
    """An alarm that went into ALARM."""
    return Firing(**{"name": ALARM, "reason": "0.5 > 0.05", "at": AT, **changes})


def an_endpoint(
    status: str = "InService", *, config: str = "churn-v3-v4-e5-both", **weights: float
) -> EndpointView:
    """The endpoint with the variants and weights given, `v3_e3=90, v4_e5=10`."""
    variants = {
        name.replace("_", "-"): VariantView(weight=weight, instances=1)
        for name, weight in weights.items()
    }
    return EndpointView(status=status, config=config, variants=variants)


def a_sight(
    endpoint: EndpointView | None,
    *,
    alarm: AlarmState | None = AlarmState.OK,
    verdict: Verdict | None = None,
    requests: int = 100,
) -> Sight:
    """What a look sees; `alarm` is the canary's, None when it could not be read."""
    finding = Finding(verdict, "as the judge says", requests)
    return Sight(endpoint=endpoint, alarms={ALARM: alarm} if alarm else {}, finding=finding)


def an_evidence(**changes: Any) -> Evidence:
    """What a verdict of the judge stands on: four minutes with much worse answers of the canary."""
    minutes = [
        {"n_c": 50, "x_c": 20, "n_s": 950, "x_s": 1, "step": 0, "weight": 0.05} for _ in range(4)
    ]
    document = {"config": {}, "policy": {}, "metrics": {"errors": {"minutes": minutes}}}
    defaults = {"rollout": EXECUTION, "begins": AT, "document": document}
    given = {**defaults, "answer": evaluate(document), **changes}
    return Evidence.model_validate(given)
