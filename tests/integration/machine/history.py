"""What happened before a test begins: versions captured, and the first of them rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.table import encode
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import digest_of, vault_key
from sluice.domain.pushed import ModelConfig
from sluice.domain.registration import Ready, plan_registration
from tests.builders import AT, BUCKET, a_config, a_noted, a_release
from tests.integration.machine.registry import FakePackage

if TYPE_CHECKING:
    from sluice.domain.manifest import Manifest
    from tests.integration.machine.account import Account

PLAN = {
    "steps": [10, 100],
    "bake_minutes": {"min": 1, "max": 5, "last": 2},
    "standby_minutes": 2,
}


def a_captured(version: int, **plan: Any) -> Manifest:
    """The manifest of a version of `churn`."""
    folder = f"churn-v{version}"
    config = a_config(rollout={**PLAN, **plan}, alarms={"error_rate": 0.05})
    planned = plan_registration(
        [
            a_noted(MODEL, folder=folder),
            a_noted(CONFIG, folder=folder, config=ModelConfig(**config)),
            a_noted(EVALUATION, folder=folder),
        ]
    )
    assert isinstance(planned, Ready)
    return planned.manifest


def given_version(account: Account, version: int, **plan: Any) -> None:
    """The version is captured, registered, and waits for its approval."""
    manifest = a_captured(version, **plan)
    text = manifest.canonical()
    digest = digest_of(text)
    name = manifest.release
    model_data = vault_key(name, digest, MODEL)
    release = a_release(f"churn-v{version}", digest=digest)
    package = FakePackage(
        group=name.group,
        version=version,
        image=manifest.image,
        model_data=f"s3://{BUCKET}/{model_data}",
        metadata={"version-folder": f"models/{name}", "release-digest": digest},
        modified=AT,
    )
    account.registry.packages[package.arn] = package
    copy = {"name": MODEL, "key": model_data, "version_id": "1", "size": 7, "etag": "e7a6"}
    account.vault[model_data] = {"VersionId": "1", "ContentLength": 7, "ETag": '"e7a6"'}
    _put(
        account,
        f"RELEASE#{name.group}",
        f"V#{version:06d}",
        **release.model_dump(mode="json", exclude_none=True),
    )
    _put(
        account,
        f"RELEASE#{name.group}",
        f"CAPTURE#{version:06d}",
        manifest=text,
        copies=[{**copy, "compared": "Stream"}],
    )
    _put(account, "GROUPS", name.group)


def _put(account: Account, pk: str, sk: str, **body: Any) -> None:
    account.ledger.items[pk, sk] = encode({"pk": pk, "sk": sk, **body})
