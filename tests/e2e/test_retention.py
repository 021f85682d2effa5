"""What nothing needs is retired by an operator's role, and deployed no more; the rest is kept."""

import json
import os
import subprocess
from typing import Any

import pytest

from localcloud.launcher import client_environment
from tests.e2e.built import ROOT
from tests.e2e.folders import ALL_FILES
from tests.e2e.line import Line
from tests.e2e.stack import KEEPER, NAME, Stack

_EAGERLY = ("--keep", "0", "--older-than", "0", "--grace", "0")
_TAG = {"Key": "sluice-retention", "Value": "expired"}


@pytest.fixture
def keeper(stack: Stack) -> dict[str, str]:
    """The environment of the operator whom the stack's parameter names."""
    session = stack.client("sts").assume_role(RoleArn=_role(stack), RoleSessionName="keeper")
    found = session["Credentials"]
    return {
        **os.environ,
        **client_environment(stack.endpoint_url),
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
        "SLUICE_STACK": NAME,
    }


def _role(stack: Stack) -> str:
    """May read what is asked, write the ledger, and tag in the vault, as operations.md says."""
    ledger = f"arn:aws:dynamodb:*:*:table/{stack.resources['Ledger']}"
    bucket = f"arn:aws:s3:::{stack.bucket}"
    vault = ["s3:GetObject", "s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging"]
    allowed = {
        ledger: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
        f"{ledger}*": ["dynamodb:ConditionCheckItem"],
        bucket: ["s3:ListBucket", "s3:ListBucketVersions"],
        f"{bucket}/releases/*": vault,
        "*": ["sagemaker:DescribeModelPackage", "cloudformation:DescribeStacks"],
    }
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": resource}
        for resource, actions in allowed.items()
    ]
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam, name = stack.client("iam"), KEEPER.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="keep", PolicyDocument=_policy(statements))
    return KEEPER


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def sluice(keeper: dict[str, str], *arguments: str) -> str:
    """What `sluice retention …` told."""
    ended = subprocess.run(
        [ROOT / "bin" / "sluice", "retention", *arguments],
        env=keeper,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def expiring(line: Line) -> dict[str, set[str]]:
    """What of the line's part of the vault is tagged to expire, by the folder of its version."""
    s3, found = line.stack.client("s3"), dict[str, set[str]]()
    listed = s3.list_object_versions(Bucket=line.stack.bucket, Prefix=f"releases/{line.name}/")
    for one in listed["Versions"]:
        folder, _, name = one["Key"].removeprefix(f"releases/{line.name}/").partition("/")
        tags = s3.get_object_tagging(
            Bucket=line.stack.bucket, Key=one["Key"], VersionId=one["VersionId"]
        )["TagSet"]
        names = found.setdefault(folder.partition("-")[0], set())
        names.update({name} if _TAG in tags else ())
    return found


def test_what_nothing_needs_is_retired_and_not_deployed_again(
    churn: Line, keeper: dict[str, str]
) -> None:
    churn.serve_first()
    for version in (2, 3):
        churn.push(version)
    churn.reject(2)
    churn.until_event("Rejected", 2)

    asked = ("--group", churn.name, *_EAGERLY, "--json")
    told = json.loads(sluice(keeper, *asked))
    assert [one["release"] for one in told["free"]] == [f"{churn.name}-v2"]
    kept = {one["release"]: one["reasons"] for one in told["kept"]}
    assert {
        f"serves endpoint/{churn.name}",
        f"may be gone back to on endpoint/{churn.name}",
    } <= set(kept[f"{churn.name}-v1"])
    assert kept[f"{churn.name}-v3"] == ["waits for a person's decision"]

    sluice(keeper, *asked, "--apply")
    assert expiring(churn) == {"v1": set(), "v2": set(ALL_FILES), "v3": set()}

    churn.approve(2)
    refused = churn.until_event("Aborted", 2)
    assert refused["reason"].startswith(f"RETIRED: {churn.name}-v2 was retired at")
    assert churn.weights() == {1: 100}

    sluice(keeper, "--undo", f"{churn.name}-v2")
    assert expiring(churn)["v2"] == set()
    assert "retired" not in churn.ledger.release(churn.name, 2)
