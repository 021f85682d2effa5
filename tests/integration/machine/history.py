"""What happened before a test begins: versions captured, and the first of them rolled out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.table import encode
from sluice.domain.attestation import ENVELOPE, signed_by, statement, to_sign
from sluice.domain.bedrock import FunctionCode
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import MANIFEST, digest_of, manifest_uri, vault_key
from sluice.domain.package import specification
from sluice.domain.pushed import ModelConfig
from sluice.domain.registration import Ready, plan_registration
from sluice.domain.release import ReleaseName, System
from tests.builders import (
    AT,
    BUCKET,
    a_bedrock_manifest,
    a_config,
    a_noted,
    a_pinned,
    a_release,
)
from tests.integration.lambdas import CODE, FUNCTION, LAYER
from tests.integration.machine.account import signature
from tests.integration.machine.registry import FakePackage
from tests.integration.signing import SIGNING_KEY

if TYPE_CHECKING:
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import Manifest
    from sluice.domain.release import Release
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
    if account.target.startswith("application/"):
        given_config(account, version, **plan)
        return
    manifest = a_captured(version, **plan)
    text = manifest.canonical()
    digest = digest_of(text)
    name = manifest.release
    uri = manifest_uri(BUCKET, name, digest)
    release = a_release(f"churn-v{version}", digest=digest, manifest_uri=uri)
    package = FakePackage(
        group=name.group,
        version=version,
        specification=specification(manifest, digest),
        metadata={"version-folder": f"models/{name}", "release-digest": digest, "manifest": uri},
        modified=AT,
    )
    account.registry.packages[package.arn] = package
    _record(account, release, manifest)


def given_config(account: Account, version: int, *, group: str = "churn", **plan: Any) -> None:
    """The version of an application is captured, registered, and waits for its approval."""
    pinned = a_pinned(rollout={**PLAN, **plan}, alarms={"error_rate": 0.05})
    name, code = (
        ReleaseName(group=group, version=version),
        FunctionCode(function=FUNCTION, sha256=CODE, layers=(LAYER,)),
    )
    manifest = a_bedrock_manifest(
        release=name, target=group, config=pinned.config, code=code, commit=f"{version:040x}"
    )
    text = manifest.canonical()
    digest = digest_of(text)
    uri = manifest_uri(BUCKET, name, digest)
    package = FakePackage(
        group=name.group,
        version=version,
        metadata={"version-folder": manifest.folder, "release-digest": digest, "manifest": uri},
        modified=AT,
    )
    account.registry.packages[package.arn] = package
    given = {"digest": digest, "manifest_uri": uri, "system": System.BEDROCK, "target": group}
    release = a_release(str(name), **given)
    _record(account, release, manifest)


def _record(account: Account, release: Release, manifest: AnyManifest) -> None:
    group, version = release.name.group, release.name.version
    text, digest = manifest.canonical(), release.digest
    kept = []
    for one in manifest.objects:
        key = vault_key(release.name, digest, one.name)
        account.vault[key] = {"VersionId": "1", "ContentLength": one.size, "ETag": '"e7a6"'}
        copy = {"name": one.name, "key": key, "version_id": "1", "size": one.size, "etag": "e7a6"}
        kept.append({**copy, "compared": "Stream"})
    account.texts[vault_key(release.name, digest, MANIFEST)] = text
    payload = statement(text, digest=digest, objects=manifest.objects)
    sig = signature(SIGNING_KEY, hashlib.sha256(to_sign(payload)).digest())
    envelope = signed_by(SIGNING_KEY, sig, payload=payload).spelled()
    account.texts[vault_key(release.name, digest, ENVELOPE)] = envelope.decode()
    body = release.model_dump(mode="json", exclude_none=True)
    _put(account, f"RELEASE#{group}", f"V#{version:06d}", **body)
    _put(account, f"RELEASE#{group}", f"CAPTURE#{version:06d}", manifest=text, copies=kept)
    _put(account, "GROUPS", group)


def _put(account: Account, pk: str, sk: str, **body: Any) -> None:
    account.ledger.items[pk, sk] = encode({"pk": pk, "sk": sk, **body})
