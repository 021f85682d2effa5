"""Whether what serves a target is what was approved: what is expected beside what was found.

Nothing here reads or changes anything. What could not be read is a finding, too: it is never taken
for what was expected. Of what is gone or unread, nothing further is said.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sluice.domain.attestation import MISSING
from sluice.domain.gates import missed_by
from sluice.domain.manifest import manifest_uri
from sluice.domain.values import Value
from sluice.domain.vault import comparable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import CapturedObject
    from sluice.domain.release import ApprovalStatus, Release, ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.vault import Standing, VaultCopy

SIGNED = "by a trusted key"
_NOTHING = "nothing"


class Severity(StrEnum):
    """What became of something that is not as it should be."""

    DRIFT = "drift"
    """It is there, and is another."""
    GONE = "gone"
    UNREADABLE = "unreadable"
    """It could not be asked for: nobody knows."""


class Finding(Value):
    """One thing that is not known to be as it was approved."""

    what: str
    expected: str
    found: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Unread:
    """What stands in the place of something that could not be read."""

    reason: str
    edited: bool = False
    """Whether it is there, and says nothing that we would have written: then somebody else did."""


def known[T](found: T | Unread | None) -> T | None:
    """What was found, where something was."""
    return None if isinstance(found, Unread) else found


@dataclass(frozen=True, slots=True)
class Check:
    """One thing as it should be, and as it was found: None where it is gone."""

    what: str
    expected: Any
    found: Any
    opens: bool = False
    """Whether more is said once it is read: what it cannot be asked for, it hides."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """What the registry says of a package now."""

    approval: ApprovalStatus
    metadata: Mapping[str, str]
    specification: Mapping[str, Any] = field(default_factory=dict)
    """Its InferenceSpecification; of an application's package nothing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What ledger and vault hold of a release."""

    record: Release | Unread | None
    """`RELEASE#…`."""
    manifest: str | Unread | None
    """The digest that the ledger's copy of the manifest has."""
    vaulted: str | Unread | None
    """The digest that the vault's has."""

    def digest(self, live: Deployed) -> str:
        """The digest that most of STATE, the release's record and both manifests agree upon.

        STATE's where none has more. STATE was written from the record, so what they agree upon is
        said once: or else a record that was edited before its approval would be believed.
        """
        record = known(self.record)
        written = dict.fromkeys((live.digest, record and record.digest))
        said = (*written, self.manifest, self.vaulted)
        return Counter(one for one in said if isinstance(one, str)).most_common(1)[0][0]


def findings(checks: Iterable[Check]) -> tuple[Finding, ...]:
    """What is not as it should be, in the order of the checks."""
    return tuple(_finding(one) for one in checks if one.expected != one.found)


def ledger_checks(
    live: Deployed, kept: Kept, manifest: AnyManifest | None, *, where: str = "STATE"
) -> Iterator[Check]:
    """What STATE, the release's record and both copies of its manifest say of each other.

    `manifest` is None where none that has the digest could be found; `where` STATE says it.
    """
    yield from state_checks(live, kept, manifest, where=where)
    name, digest, record = live.release, kept.digest(live), known(kept.record)
    if record:
        yield Check(f"digest of {name} in its record", digest, record.digest)
    else:
        yield Check(f"record of {name} in the ledger", digest, kept.record)
    yield Check(f"manifest of {name} in the ledger", digest, kept.manifest, opens=True)
    yield Check(f"manifest of {name} in the vault", digest, kept.vaulted, opens=True)
    if manifest and record:
        uri = manifest_uri(manifest.bucket, name, digest)
        yield Check(f"place of {name} in its record", uri, record.manifest_uri)
        yield Check(f"target of {name} in its record", manifest.target, record.target)
        missed = list(missed_by(manifest.gates))
        yield Check(f"missed gates of {name} in its record", missed, list(record.missed))


def record_check(name: ReleaseName, wrong: Unread) -> Check:
    """The record of a release that stands nowhere: nobody can deploy it until it is put right."""
    return Check(f"record of {name} in the ledger", "the record of a release", wrong)


def state_checks(
    live: Deployed, kept: Kept, manifest: AnyManifest | None, *, where: str = "STATE"
) -> Iterator[Check]:
    """What STATE says of a release, by what the others agree upon."""
    name, digest, record = live.release, kept.digest(live), known(kept.record)
    yield Check(f"digest of {name} in {where}", digest, live.digest)
    if record:
        yield Check(f"package of {name} in {where}", record.package_arn, live.package_arn)
    if manifest:
        uri = manifest_uri(manifest.bucket, name, digest)
        yield Check(f"place of {name} in {where}", uri, live.manifest_uri)


def vault_checks(
    manifest: AnyManifest,
    copies: Iterable[VaultCopy],
    standing: Mapping[str, Standing | Unread | None],
) -> Iterator[Check]:
    """Each object that the manifest names, beside what stands under its copy's key.

    What the manifest says of an object goes before what the ledger says of its copy.
    """
    kept = {one.name: one for one in copies}
    for source in sorted(manifest.objects, key=lambda one: one.name):
        what, found = f"{source.name} of {manifest.release}", standing.get(source.name)
        if source.name not in kept:
            yield Check(f"copy of {what} in the ledger", f"{source.size} bytes", None)
        elif found is None or isinstance(found, Unread):
            yield Check(f"{what} in the vault", kept[source.name].key, found)
        else:
            yield _object_check(what, source, kept[source.name], found)
            if found.sha256 and not _recorded(source, kept[source.name]):
                nobody = Unread("no SHA-256 of it was recorded, so nobody can tell")
                yield Check(f"content of {what} in the vault", "as it was captured", nobody)


def _recorded(source: CapturedObject, copy: VaultCopy) -> str:
    return source.sha256 or copy.sha256


def beside_check(
    manifest: AnyManifest,
    copies: Iterable[VaultCopy],
    prefix: str,
    listed: Iterable[str] | Unread,
) -> Check:
    """What would be loaded with an uncompressed model: of its prefix SageMaker takes everything."""
    what = f"what else lies under {prefix} of {manifest.release} in the vault"
    if isinstance(listed, Unread):
        return Check(what, [], listed)
    return Check(what, [], sorted(set(listed) - {one.key for one in copies}))


def _object_check(what: str, source: CapturedObject, copy: VaultCopy, found: Standing) -> Check:
    of_source = {one: source.checksums[one] for one in comparable(source, found)}
    sums = {**copy.checksums, **of_source}
    seen = {one: found.checksums.get(one, _NOTHING) for one in sums}
    if found.sha256 and _recorded(source, copy):
        sums["sha256"], seen["sha256"] = _recorded(source, copy), found.sha256
    return Check(
        f"{what} in the vault",
        {"version": copy.version_id, "size": source.size, "etag": copy.etag, **sums},
        {"version": found.version_id, "size": found.size, "etag": found.etag, **seen},
    )


def signature_check(manifest: AnyManifest, complaint: str | Unread) -> Check:
    """Whether a trusted key has signed the manifest, by what stands against it."""
    found: str | Unread | None = complaint or SIGNED
    if isinstance(complaint, str) and complaint.startswith(MISSING):
        found = None
    return Check(f"signature of {manifest.release}", SIGNED, found)


def _finding(check: Check) -> Finding:
    expected, found, severity = check.expected, check.found, Severity.DRIFT
    if isinstance(found, Unread):
        severity = Severity.DRIFT if found.edited else Severity.UNREADABLE
        found = found.reason
    elif found is None:
        severity = Severity.GONE
    elif isinstance(expected, dict) and isinstance(found, dict):
        both = expected.keys() | found.keys()
        other = {one for one in both if expected.get(one) != found.get(one)}
        expected, found = (
            {one: value for one, value in side.items() if one in other}
            for side in (expected, found)
        )
    return Finding(what=check.what, expected=_told(expected), found=_told(found), severity=severity)


def _told(value: Any) -> str:
    if value in (None, "", {}, [], ()):
        return _NOTHING
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
