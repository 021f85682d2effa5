"""Whether a rollout may begin, and the plan it follows, from what was re-read about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.differing import package_objection
from sluice.domain.lease import held
from sluice.domain.plan import BakeMinutes, OnInconclusive, Strategy
from sluice.domain.policy import policy_of
from sluice.domain.release import System
from sluice.domain.rollout import Action, Kind, Rollout, Step, Trial
from sluice.domain.statuses import Allowed
from sluice.domain.target import Change, TargetState
from sluice.domain.unsafe import endpoint_objection

if TYPE_CHECKING:
    from collections.abc import Set

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import Manifest
    from sluice.domain.plan import RolloutPlan
    from sluice.domain.refusal import Reason
    from sluice.domain.rollout import Deployed
    from sluice.domain.verifying import Packaged
    from sluice.domain.watching import EndpointView

_ON_INCONCLUSIVE = {
    OnInconclusive.HOLD: Action.HOLD,
    OnInconclusive.PROMOTE: Action.PROMOTE,
    OnInconclusive.ROLLBACK: Action.ROLL_BACK,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What the services say about a release now, beside the manifest that was captured."""

    package: Packaged | None
    """None when it was deleted."""
    vault_complaint: str
    """What is wrong with the captured bytes, or nothing."""
    unsigned: str
    """Why no trusted key has signed the manifest, or nothing."""
    image_present: bool
    role_allowed: bool
    """Whether what the model is to run as is still on the operator's list."""


def objection(release: Deployed, manifest: Manifest, truth: Truth) -> str:
    """Why this release must not be deployed now, or nothing: what was approved is what runs."""
    changed = package_objection(release, manifest, truth.package)
    if changed:
        return changed
    if truth.unsigned:
        return truth.unsigned
    if truth.vault_complaint:
        return f"ARTIFACT_CHANGED: {truth.vault_complaint}"
    if not truth.image_present:
        return f"IMAGE_GONE: {manifest.image} is not in its repository any more"
    if not truth.role_allowed:
        role = manifest.config.execution_role_arn
        return f"ROLE_NOT_ALLOWED: {role} is not in execution_roles any more"
    return ""


def target_objection(
    rollout: Rollout, endpoint: EndpointView | None, features: Set[Reason] = frozenset()
) -> str:
    """Why this endpoint, with what it has that ours have not, cannot take the rollout; or nothing.

    A rollback is not even looked at for features: what would be lost is less than what is broken.
    """
    fresh = rollout.kind in {Kind.ALL_AT_ONCE, Kind.ROLL_BACK}
    if endpoint is None:
        return "" if fresh else "ENDPOINT_GONE: it was deleted by hand"
    if features:
        return endpoint_objection(rollout.target_name, features)
    failed = endpoint.allowed is Allowed.RECREATE
    if failed and fresh and names.is_config(endpoint.config, rollout.target_name):
        return ""
    ours = rollout.kind is not Kind.ALL_AT_ONCE or rollout.replaced is not None
    if not ours and endpoint.config != rollout.release.endpoint_config:
        return "ENDPOINT_NOT_OURS: an endpoint of this name exists that Sluice did not create"
    if failed:
        return "ENDPOINT_FAILED: SageMaker allows only its deletion"
    if rollout.stable and rollout.stable.variant not in endpoint.variants:
        return f"STABLE_GONE: {rollout.stable.variant} is not on the endpoint"
    return ""


def way_in(rollout: Rollout, endpoint: EndpointView | None) -> Action:
    """How the release gets onto its endpoint: by an update, or by a creation where none can be."""
    first = rollout.kind is Kind.ALL_AT_ONCE and rollout.replaced is None
    lost = endpoint is None or endpoint.allowed is Allowed.RECREATE
    return Action.CREATE if first or lost else Action.UPDATE


def in_its_kind(rollout: Rollout, manifest: Manifest) -> Rollout:
    """The rollout as its release's fleet wants it: a serverless endpoint holds one variant.

    Its metrics are told apart by configuration. CloudWatch has that dimension once a new fleet
    takes traffic, and keeps it after the update (deployment-guardrails-configuration); an endpoint
    that was only created is not said to have it, and has nobody to be confused with.
    """
    if manifest.config.serverless is None:
        return rollout
    kind = Kind.GUARDRAIL if rollout.kind is Kind.CANARY else rollout.kind
    update = {
        "variant": names.SERVERLESS_VARIANT,
        "told_by_config": kind is not Kind.ALL_AT_ONCE,
    }
    release = rollout.release.model_copy(update=update)
    return rollout.model_copy(update={"kind": kind, "release": release})


def fleet_objection(manifest: Manifest, standing: Manifest) -> str:
    """Why an endpoint that serves `standing` cannot become what `manifest` wants, or nothing."""
    before, after = standing.config.serverless, manifest.config.serverless
    if (before is None) is (after is None):
        return ""
    return (
        f"OTHER_FLEET: {standing.release} runs on {_fleet(standing)}, {manifest.release} on "
        f"{_fleet(manifest)}: deploy it to an endpoint of its own"
    )


def also_told(rollout: Rollout, broken: str) -> Rollout:
    """The rollback that goes on although its target's history is `broken`, and says so."""
    if not broken:
        return rollout
    return rollout.model_copy(update={"reason": f"{rollout.reason}; all the same, {broken}"})


def recorded(state: TargetState | None, made: Rollout) -> Change:
    """Remember the plan before anything follows it: whoever takes over must know the way back.

    Raises DisplacedError.
    """
    return Change(held(state, made).model_copy(update={"rollout": made, "edited": ""}))


def _fleet(manifest: Manifest) -> str:
    return "instances" if manifest.config.serverless is None else "a serverless endpoint"


def planned(rollout: Rollout, manifest: AnyManifest) -> Rollout:
    """The rollout with its plan, ready to provision but for its alarms."""
    plan = manifest.config.rollout
    beside = rollout.kind in {Kind.CANARY, Kind.GUARDRAIL}
    settings = manifest.config.alarms
    release = rollout.release.model_copy(
        update={
            "watch": tuple(name for name in settings.watch if name in rollout.watch),
            "auto_rollback_seconds": (settings.auto_rollback_hours or 0) * 3600,
        }
    )
    standby = plan.standby_minutes if beside else plan.bake_minutes.last
    return rollout.model_copy(
        update={
            "release": release,
            "steps": steps(plan) if beside else (),
            "provision_config": _provision_config(rollout),
            "standby_seconds": standby * 60,
            "hold_seconds": plan.hold_max_hours * 3600,
            "policy": policy_of(manifest.config),
            "trial": Trial() if manifest.config.smoke_test else None,
            "on_inconclusive": _ON_INCONCLUSIVE[plan.on_inconclusive],
            "action": Action.CREATE if rollout.kind is Kind.ALL_AT_ONCE else Action.UPDATE,
        }
    )


def steps(plan: RolloutPlan) -> tuple[Step, ...]:
    """The plan's steps with their bake times.

    The last step before all traffic passes on evidence only: it has as long as all traffic bakes.
    """
    weights = plan.steps if plan.strategy is Strategy.CANARY else (100,)
    *earlier, last = weights
    bake = plan.bake_minutes
    longest = dict.fromkeys(earlier, bake.max) | dict.fromkeys(
        earlier[-1:], max(bake.max, bake.last)
    )
    data = bake.min * 60
    return (
        *(
            Step(weight=one, min_seconds=data, data_seconds=data, max_seconds=longest[one] * 60)
            for one in earlier
        ),
        Step(
            weight=last,
            min_seconds=bake.last * 60,
            data_seconds=data,
            max_seconds=_last_max(bake) * 60,
        ),
    )


def _last_max(bake: BakeMinutes) -> int:
    return bake.last + bake.max - bake.min


def _provision_config(rollout: Rollout) -> str:
    if rollout.kind is not Kind.CANARY or rollout.stable is None:
        return rollout.release.endpoint_config
    if names.system_of(rollout.target) is System.BEDROCK:
        return names.together((rollout.stable.variant, rollout.release.variant))
    return names.beside(
        rollout.target_name,
        stable=rollout.stable.package_version,
        canary=rollout.release.package_version,
        epoch=rollout.release.epoch,
    )
