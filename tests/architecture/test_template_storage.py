"""What holds state: the bucket with its vault, the ledger, and the keys that encrypt and sign."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.domain.retention import EXPIRED, TAG
from tests.architecture.project import identity_statements, listed, only, resources, takes

STATEFUL = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
}


def key(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = resources("AWS::KMS::Key")[name]["Properties"]
    return properties


def bucket_denials() -> dict[str, dict[str, Any]]:
    policy = only("AWS::S3::BucketPolicy")["PolicyDocument"]
    return {one["Sid"]: one for one in policy["Statement"] if one["Effect"] == "Deny"}


@pytest.mark.parametrize("kind", sorted(STATEFUL))
def test_what_holds_state_outlives_the_stack(kind: str) -> None:
    found = resources(kind)

    assert found
    for name, resource in found.items():
        assert resource["DeletionPolicy"] == "Retain", name
        assert resource["UpdateReplacePolicy"] == "Retain", name


def test_the_bucket_keeps_versions_encrypts_and_is_nobody_elses() -> None:
    bucket = only("AWS::S3::Bucket")

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["EncryptionKey", "Arn"]},
    }


def test_unfinished_uploads_are_kept_longer_than_any_copy_and_not_for_ever() -> None:
    rules = only("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    (rule,) = (one for one in rules if "AbortIncompleteMultipartUpload" in one)
    assert rule["Status"] == "Enabled"
    assert "Prefix" not in rule
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_nothing_travels_in_the_clear() -> None:
    tls = bucket_denials()["TlsOnly"]

    assert tls["Principal"] == "*"
    assert tls["Action"] == "s3:*"
    assert len(tls["Resource"]) == 2
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_the_vault_is_written_by_registration_and_deleted_by_nobody() -> None:
    writing = bucket_denials()["VaultIsWrittenByRegistration"]
    deleting = bucket_denials()["VaultIsNeverDeleted"]

    writer = writing["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    assert writer == {"Fn::GetAtt": ["RegisterPackageRole", "Arn"]}
    assert set(deleting["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert "Condition" not in deleting
    for one in (writing, deleting):
        assert str(one["Resource"]).count("/releases/*") == 1


def test_the_vault_is_tagged_by_those_alone_whom_the_operator_names() -> None:
    tagging = bucket_denials()["VaultIsTaggedByOperators"]

    assert tagging["Principal"] == "*"
    assert set(tagging["Action"]) == {
        f"s3:{verb}Object{version}Tagging"
        for verb in ("Put", "Delete")
        for version in ("", "Version")
    }
    assert str(tagging["Resource"]).count("/releases/*") == 1
    named, when, otherwise = tagging["Condition"]["Fn::If"]
    assert named == "HasRetentionRoles"
    assert str(when["ArnNotEquals"]["aws:PrincipalArn"]).count("RetentionRoleArns") == 1
    assert otherwise == {"Ref": "AWS::NoValue"}
    allowed = {action for _, one in identity_statements() for action in listed(one["Action"])}
    assert not {action for action in allowed if "Tagging" in action and "s3" in action}


def test_only_what_is_tagged_in_the_vault_expires_and_is_hidden_for_a_month_before() -> None:
    rules = only("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    expiring = [one for one in rules if any("Expiration" in name for name in one)]

    (rule,) = expiring
    assert rule["Prefix"] == "releases/"
    assert rule["TagFilters"] == [{"Key": TAG, "Value": EXPIRED}]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_the_ledger_can_be_restored_and_is_not_deleted_by_mistake() -> None:
    table = only("AWS::DynamoDB::Table")

    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["SSESpecification"]["KMSMasterKeyId"]


def test_who_verifies_writes_reminders_and_nothing_else_of_the_ledger() -> None:
    allowed = {
        action: one.get("Condition")
        for role, one in identity_statements()
        for action in listed(one["Action"])
        if role == "VerifyTargetsRole" and action.startswith("dynamodb:")
    }

    assert allowed == {
        "dynamodb:GetItem": None,
        "dynamodb:Query": None,
        "dynamodb:PutItem": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "TOLD#*"},
            "Null": {"dynamodb:LeadingKeys": False},
        },
    }


def test_workloads_use_the_key_through_services_alone() -> None:
    policy = key("EncryptionKey")["KeyPolicy"]
    by_sid = {one["Sid"]: one for one in policy["Statement"]}

    assert key("EncryptionKey")["EnableKeyRotation"] is True
    administer = listed(by_sid["AdministerByAccount"]["Action"])
    assert not {"kms:*", "kms:Decrypt", "kms:Encrypt"} & set(administer)
    use = by_sid["UseThroughServices"]["Condition"]["StringEquals"]
    assert use["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}
    assert use["kms:ViaService"]


DIGESTS_ALONE = {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}


def test_the_signing_key_signs_for_registration_alone() -> None:
    signing = key("SigningKey")
    granted: dict[str, list[dict[str, Any]]] = {}
    for one in signing["KeyPolicy"]["Statement"]:
        for action in listed(one["Action"]):
            granted.setdefault(action, []).append(one.get("Condition", {}))

    assert (signing["KeySpec"], signing["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    registration = {"aws:PrincipalArn": {"Fn::GetAtt": ["RegisterPackageRole", "Arn"]}}
    assert granted["kms:Sign"] == [{"ArnEquals": registration, "StringEquals": DIGESTS_ALONE}]
    assert not {"kms:*", "kms:S*", "kms:Create*", "kms:CreateGrant"} & granted.keys()


def test_a_role_signs_and_verifies_digests_with_named_keys() -> None:
    own = {"Fn::GetAtt": ["SigningKey", "Arn"]}
    both = {"Fn::Join": [",", [own, {"Ref": "TrustedKeyArns"}]]}
    trusted = {"Fn::If": ["HasTrustedKeys", {"Fn::Split": [",", both]}, own]}
    used = {
        (role, action): (one["Resource"], one["Condition"])
        for role, one in identity_statements()
        for action in listed(one["Action"])
        if action.startswith("kms:")
    }

    digests = {"StringEquals": DIGESTS_ALONE}
    assert used == {
        ("RegisterPackageRole", "kms:Sign"): (own, digests),
        ("RegisterPackageRole", "kms:Verify"): (trusted, digests),
        ("PrepareRolloutRole", "kms:Verify"): (trusted, digests),
        ("VerifyTargetsRole", "kms:Verify"): (trusted, digests),
    }


@pytest.mark.parametrize(
    ("arns", "taken"),
    [
        ("", True),
        ("arn:aws:kms:eu-west-1:123456789012:key/5169e000-0000-4000-8000-000000000001", True),
        ("arn:aws:kms:eu-west-1:123456789012:key/a,arn:aws:kms:us-east-1:1:key/b", False),
        (
            "arn:aws:kms:us-east-1:123456789012:key/mrk-1,arn:aws:kms:eu-west-1:210987654321:key/b",
            1,
        ),
        ("arn:aws:kms:eu-west-1:123456789012:key/*", False),
        ("arn:aws:kms:eu-west-1:123456789012:alias/sluice", False),
        ("*", False),
    ],
)
def test_an_operator_lists_trusted_keys_one_by_one(arns: str, taken: bool) -> None:
    assert takes("TrustedKeyArns", arns) == taken
