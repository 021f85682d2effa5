"""What is expected beside what was found: one changed thing is one finding, nothing is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.manifest import digest_of, manifest_uri
from sluice.domain.package import customer_metadata, specification
from sluice.domain.packaged import package_checks
from sluice.domain.release import ApprovalStatus
from sluice.domain.vault import Comparison, Standing, VaultCopy
from sluice.domain.verifying import (
    Check,
    Kept,
    Packaged,
    Severity,
    Unread,
    findings,
    ledger_checks,
    vault_checks,
)
from tests.builders import a_bedrock_manifest, a_manifest, a_release, deployed

if TYPE_CHECKING:
    from sluice.domain.verifying import Finding

MANIFEST = a_manifest()
DIGEST, OTHER = digest_of(MANIFEST.canonical()), "e" * 64
URI = manifest_uri(MANIFEST.bucket, MANIFEST.release, DIGEST)
LIVE = deployed(4, digest=DIGEST, manifest_uri=URI)
RECORD = a_release("churn-v4", digest=DIGEST, manifest_uri=URI)
KEPT = Kept(RECORD, DIGEST, DIGEST)
PACKAGE = Packaged(
    ApprovalStatus.APPROVED,
    customer_metadata(MANIFEST, DIGEST),
    specification(MANIFEST, DIGEST),
)
UNREAD = Unread("AccessDenied")


def told(found: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(one.severity, one.what) for one in found]


# What the ledger says.


@pytest.mark.parametrize(
    ("live", "kept", "expected"),
    [
        pytest.param({}, {}, [], id="nothing changed"),
        pytest.param({"digest": OTHER}, {}, [("drift", "digest of churn-v4 in STATE")], id="state"),
        pytest.param(
            {"manifest_uri": "s3://b/k"}, {}, [("drift", "place of churn-v4 in STATE")], id="place"
        ),
        pytest.param(
            {"package_arn": "arn:x"}, {}, [("drift", "package of churn-v4 in STATE")], id="package"
        ),
        pytest.param(
            {},
            {"record": RECORD.model_copy(update={"digest": OTHER})},
            [("drift", "digest of churn-v4 in its record")],
            id="record",
        ),
        pytest.param(
            {},
            {"record": RECORD.model_copy(update={"manifest_uri": "s3://b/k"})},
            [("drift", "place of churn-v4 in its record")],
            id="place in the record",
        ),
        pytest.param(
            {}, {"record": None}, [("gone", "record of churn-v4 in the ledger")], id="no record"
        ),
        pytest.param(
            {},
            {"manifest": OTHER},
            [("drift", "manifest of churn-v4 in the ledger")],
            id="manifest",
        ),
        pytest.param(
            {},
            {"manifest": UNREAD},
            [("unreadable", "manifest of churn-v4 in the ledger")],
            id="unread",
        ),
        pytest.param(
            {}, {"vaulted": OTHER}, [("drift", "manifest of churn-v4 in the vault")], id="vault"
        ),
        pytest.param(
            {}, {"vaulted": None}, [("gone", "manifest of churn-v4 in the vault")], id="vault empty"
        ),
    ],
)
def test_one_changed_record_is_one_finding(
    live: dict[str, Any], kept: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    checks = ledger_checks(LIVE.model_copy(update=live), replace(KEPT, **kept), MANIFEST)

    assert told(findings(checks)) == expected


def test_two_against_two_is_told_by_what_state_says() -> None:
    forged = replace(KEPT, vaulted=OTHER)
    other = LIVE.model_copy(update={"digest": OTHER})

    assert replace(forged, manifest="f" * 64).digest(LIVE) == DIGEST
    assert replace(forged, manifest=OTHER, record=None).digest(LIVE) == OTHER
    assert forged.digest(other) == OTHER


def test_a_record_that_was_edited_before_its_approval_is_no_second_witness_to_state() -> None:
    other = {"digest": OTHER}
    kept = replace(KEPT, record=RECORD.model_copy(update=other))

    found = findings(ledger_checks(LIVE.model_copy(update=other), kept, MANIFEST))

    assert [(one.what, one.expected, one.found) for one in found] == [
        ("digest of churn-v4 in STATE", DIGEST, OTHER),
        ("digest of churn-v4 in its record", DIGEST, OTHER),
    ]


# What the vault holds.


COPIES = tuple(
    VaultCopy(
        name=one.name,
        key=f"releases/churn/v4-x/{one.name}",
        version_id="v1",
        size=one.size,
        etag="etag",
        checksums={"SHA256": "sum"},
        compared=Comparison.CHECKSUM,
    )
    for one in MANIFEST.objects
)
STANDING = {
    one.name: Standing(version_id="v1", size=one.size, etag="etag", checksums={"SHA256": "sum"})
    for one in COPIES
}


@pytest.mark.parametrize(
    ("changed", "severity"),
    [
        (None, Severity.GONE),
        (UNREAD, Severity.UNREADABLE),
        ({"version_id": "v2"}, Severity.DRIFT),
        ({"size": 1}, Severity.DRIFT),
        ({"etag": "other"}, Severity.DRIFT),
        ({"checksums": {"SHA256": "other"}}, Severity.DRIFT),
        ({"checksums": {}}, Severity.DRIFT),
    ],
)
def test_one_object_that_is_another_is_one_finding(changed: Any, severity: Severity) -> None:
    name = "model.tar.gz"
    as_it_is = STANDING[name]
    found = as_it_is.model_copy(update=changed) if isinstance(changed, dict) else changed

    assert findings(vault_checks(MANIFEST, COPIES, STANDING)) == ()
    assert told(findings(vault_checks(MANIFEST, COPIES, {**STANDING, name: found}))) == [
        (severity, f"{name} of churn-v4 in the vault")
    ]


def test_only_what_differs_of_an_object_is_told() -> None:
    other = STANDING["config.json"].model_copy(update={"etag": "other"})

    (found,) = findings(vault_checks(MANIFEST, COPIES, {**STANDING, "config.json": other}))

    assert (found.expected, found.found) == ('{"etag": "etag"}', '{"etag": "other"}')


def test_the_manifest_goes_before_what_the_ledger_says_of_a_copy() -> None:
    shorter = tuple(one.model_copy(update={"size": 1}) for one in COPIES)
    found = {name: one.model_copy(update={"size": 1}) for name, one in STANDING.items()}

    assert len(findings(vault_checks(MANIFEST, shorter, found))) == len(MANIFEST.objects)
    assert told(findings(vault_checks(MANIFEST, COPIES[1:], STANDING))) == [
        ("gone", f"copy of {COPIES[0].name} of churn-v4 in the ledger")
    ]


def test_a_checksum_in_the_manifest_outlives_the_one_in_the_ledger() -> None:
    whole = {"checksums": {"CRC64NVME": "pushed"}, "checksum_type": "FULL_OBJECT"}
    objects = tuple(one.model_copy(update=whole) for one in MANIFEST.objects)
    manifest = MANIFEST.model_copy(update={"objects": objects})
    forged = {"checksums": {"CRC64NVME": "other"}, "checksum_type": "FULL_OBJECT"}
    name = objects[0].name
    copies = tuple(one.model_copy(update={"checksums": {}}) for one in COPIES)
    standing = {one: found.model_copy(update=whole) for one, found in STANDING.items()}

    assert findings(vault_checks(manifest, copies, standing)) == ()
    standing[name] = standing[name].model_copy(update=forged)
    assert told(findings(vault_checks(manifest, copies, standing))) == [
        ("drift", f"{name} of churn-v4 in the vault")
    ]


def test_what_was_read_is_held_against_what_was_read_when_it_was_captured() -> None:
    first, *_ = MANIFEST.objects
    known = first.model_copy(update={"sha256": "5" * 64})
    manifest = MANIFEST.model_copy(update={"objects": (known,)})
    standing = {first.name: STANDING[first.name].model_copy(update={"sha256": "6" * 64})}

    (finding,) = findings(vault_checks(manifest, COPIES, standing))

    assert finding.expected == f'{{"sha256": "{"5" * 64}"}}'
    assert finding.found == f'{{"sha256": "{"6" * 64}"}}'


def test_what_was_read_and_never_before_is_nobodys_to_tell() -> None:
    first, *_ = MANIFEST.objects
    assert not first.sha256
    manifest = MANIFEST.model_copy(update={"objects": (first,)})
    standing = {first.name: STANDING[first.name].model_copy(update={"sha256": "6" * 64})}

    assert told(findings(vault_checks(manifest, COPIES, standing))) == [
        ("unreadable", f"content of {first.name} of churn-v4 in the vault")
    ]


# What the registry says.


def respecified(**changes: Any) -> Packaged:
    return replace(PACKAGE, specification={**PACKAGE.specification, **changes})


def contained(**changes: Any) -> Packaged:
    (container,) = PACKAGE.specification["Containers"]
    return respecified(Containers=[{**container, **changes}])


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        pytest.param(PACKAGE, [], id="nothing changed"),
        pytest.param(contained(Image="other"), [("drift", "Image of the ")], id="image"),
        pytest.param(contained(ModelDataUrl="x"), [("drift", "ModelDataUrl of the ")], id="data"),
        pytest.param(
            contained(Environment={"A": "b"}), [("drift", "environment of the ")], id="environment"
        ),
        pytest.param(
            contained(AdditionalS3DataSource={"S3DataType": "S3Prefix", "S3Uri": "s3://x"}),
            [("drift", "what else the container of the ")],
            id="more data",
        ),
        pytest.param(contained(ImageDigest="told by SageMaker"), [], id="told by SageMaker"),
        pytest.param(
            respecified(SupportedTransformInstanceTypes=["ml.m5.large"]),
            [("drift", "what else the ")],
            id="batch transforms",
        ),
        pytest.param(respecified(Containers=[]), [("drift", "containers of the ")], id="none"),
        pytest.param(
            respecified(SupportedContentTypes=["text/csv"]),
            [("drift", "SupportedContentTypes of the ")],
            id="content types",
        ),
        pytest.param(
            respecified(SupportedRealtimeInferenceInstanceTypes=["ml.t2.medium"]),
            [("drift", "SupportedRealtimeInferenceInstanceTypes of the ")],
            id="instances",
        ),
        pytest.param(
            replace(PACKAGE, approval=ApprovalStatus.REJECTED),
            [("drift", "approval of the ")],
            id="rejected",
        ),
        pytest.param(
            replace(PACKAGE, metadata={**PACKAGE.metadata, "release-digest": OTHER}),
            [("drift", "release-digest of the ")],
            id="digest",
        ),
        pytest.param(None, [("gone", "")], id="deleted"),
        pytest.param(UNREAD, [("unreadable", "")], id="unread"),
    ],
)
def test_one_change_of_a_package_is_one_finding(
    package: Packaged | Unread | None, expected: list[tuple[str, str]]
) -> None:
    found = findings(package_checks(LIVE, MANIFEST, DIGEST, package))

    assert told(found) == [
        (how, f"{what}package of churn-v4{' has' * what.startswith('what else')}")
        for how, what in expected
    ]


def test_what_is_leaving_may_have_been_rejected() -> None:
    rejected = replace(PACKAGE, approval=ApprovalStatus.REJECTED)

    assert findings(package_checks(LIVE, MANIFEST, DIGEST, rejected, leaving=True)) == ()


def test_the_package_of_an_application_runs_nothing() -> None:
    manifest = a_bedrock_manifest()
    package = Packaged(ApprovalStatus.APPROVED, customer_metadata(manifest, DIGEST))

    assert findings(package_checks(LIVE, manifest, DIGEST, package)) == ()
    added = replace(package, specification={"Containers": [{"Image": "i"}]})
    assert told(findings(package_checks(LIVE, manifest, DIGEST, added))) == [
        ("drift", "containers of the package of churn-v4")
    ]


def test_findings_keep_the_order_and_both_values() -> None:
    checks = [Check("b", "1", "2"), Check("same", 1, 1), Check("a", ["x"], None)]

    found = [(one.what, one.expected, one.found) for one in findings(checks)]

    assert found == [("b", "1", "2"), ("a", '["x"]', "nothing")]
