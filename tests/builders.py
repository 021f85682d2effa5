"""Values with defaults for everything a test does not care about."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL, Facts, Noted, Place, Upload
from sluice.domain.pushed import ModelConfig
from sluice.domain.registration import Ready, plan_registration
from sluice.domain.release import ReleaseName

if TYPE_CHECKING:
    from sluice.domain.manifest import Manifest

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


def a_manifest(**changes: Any) -> Manifest:
    """The manifest of a complete version folder."""
    planned = plan_registration(a_folder())
    assert isinstance(planned, Ready)
    return planned.manifest.model_copy(update=changes)
