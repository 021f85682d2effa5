"""A version tells all it is made of: what captured it, and by CloudTrail who did what."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.constants import ACCOUNT, REGION
from localcloud.launcher import client_environment
from tests.e2e import folders
from tests.e2e.built import ROOT
from tests.e2e.folders import folder
from tests.e2e.line import Line
from tests.e2e.stack import NAME, Stack

SCRIPT = b"def input_fn(body):\n    return body\n"
SCRIPTS = [{"file": "code/pre.py", "version": "2.1"}]
_BIN = Path(sys.executable).parent
# As docs/operations.md has it.
_CHECK = (
    f"aws cloudformation get-template --stack-name {NAME} --template-stage Original"
    " --query TemplateBody --output text | python3 -c 'import hashlib, sys;"
    " print(hashlib.sha256(sys.stdin.buffer.read()[:-1]).hexdigest())'"
)


@pytest.fixture
def trails(stack: Stack) -> Iterator[None]:
    """CloudTrail records the bucket's objects and SageMaker's packages."""
    stack.control("trails", {"on": True})
    yield
    stack.control("trails", {"on": False})


class People:
    """Somebody who pushes and somebody who approves, each in a role of their own."""

    def __init__(self, line: Line) -> None:
        self._line, self._stack = line, line.stack

    def client(self, who: str, service: str, statement: dict[str, Any]) -> Any:
        """A client of a person, who may do this and nothing else."""
        role = f"{self._line.name}-{who}"
        person = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": person, "Action": "sts:AssumeRole"}
        iam = self._stack.client("iam")
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        allowed = _policy({"Effect": "Allow", **statement})
        iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=allowed)
        found = self._stack.client("sts").assume_role(RoleArn=arn, RoleSessionName=who)
        keys = found["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self._stack.endpoint_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def arn(self, who: str) -> str:
        """Whom CloudTrail tells."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self._line.name}-{who}/{who}"


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _environment(stack: Stack) -> dict[str, str]:
    path = f"{_BIN}:{os.environ['PATH']}"
    return {**os.environ, **client_environment(stack.endpoint_url), "PATH": path}


def _told(line: Line) -> dict[str, Any]:
    newest = line.history()[-1]["at"]
    ended = subprocess.run(
        [ROOT / "bin" / "sluice", "history", line.name, "--at", newest, "--json"],
        env={**_environment(line.stack), "SLUICE_STACK": NAME},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


@pytest.mark.usefixtures("trails")
def test_what_serves_is_told_with_all_it_is_made_of_and_with_who_did_it(churn: Line) -> None:
    people = People(churn)
    content = {**folder(1, inference_scripts=SCRIPTS), "code/pre.py": SCRIPT}

    _push(people, churn, content)
    arn = churn.until("v1 is registered", lambda: churn.package_arn(1) or None)
    _approve(people, arn)
    churn.until_event("Promoted", 1)
    told = churn.until("all is told by CloudTrail", lambda: _by_cloudtrail(_told(churn)))

    assert [one["by"] for one in told["pushed"]] == [people.arn("mia")] * len(content)
    assert told["approved"]["approver"]["by"] == people.arn("ada")
    made, by = told["made_of"], told["made_of"]["infrastructure"]
    assert by["template_sha256"] == _digest_of_the_template(churn.stack)
    assert (by["stack"], by["commit"]) == (NAME, "unknown"), "it was deployed without a commit"
    (script,) = made["scripts"]
    known = hashlib.sha256(SCRIPT).hexdigest()
    assert script == {"file": "code/pre.py", "version": "2.1", "sha256": known}
    report = hashlib.sha256(content[folders.EVALUATION]).hexdigest()
    assert made["evaluation"]["sha256"] == report
    said = churn.package(1)["CustomerMetadataProperties"]
    assert said["infrastructure-commit"] == "unknown"
    # The seed's names for what a package says of its version.
    seed = {"git-sha", "training-date", "base-model", "training-dataset-version", "eval-accuracy"}
    assert seed <= said.keys()


def _push(people: People, line: Line, content: dict[str, bytes]) -> None:
    inbox = f"arn:aws:s3:::{line.stack.bucket}/models/{line.name}-*"
    mia = people.client("mia", "s3", {"Action": "s3:PutObject", "Resource": inbox})
    for name, body in content.items():
        metadata = folders.METADATA if name == folders.MODEL else {}
        key = f"models/{line.name}-v1/{name}"
        mia.put_object(Bucket=line.stack.bucket, Key=key, Body=body, Metadata=metadata)


def _approve(people: People, arn: str) -> None:
    allowed = {"Action": "sagemaker:UpdateModelPackage", "Resource": arn}
    ada = people.client("ada", "sagemaker", allowed)
    ada.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


def _digest_of_the_template(stack: Stack) -> str:
    shell = ["bash", "-c", _CHECK]
    ended = subprocess.run(shell, env=_environment(stack), capture_output=True, check=True)
    return ended.stdout.decode().strip()


def _by_cloudtrail(told: dict[str, Any]) -> dict[str, Any] | None:
    who = [*told["pushed"], told["approved"]["approver"]]
    return told if {one["source"] for one in who} == {"CloudTrail"} else None
