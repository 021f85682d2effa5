"""A pipeline's commands, typed as in the recipes, under the role that the recipes come with."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.constants import ACCOUNT
from localcloud.launcher import client_environment
from tests.e2e.application import Application
from tests.e2e.built import ROOT
from tests.e2e.folders import plan
from tests.e2e.stack import NAME, Stack
from tests.integration.repository import Repository

ROLE = ROOT / "examples" / "ci" / "push-role.yaml"
LEGACY = "anthropic.claude-3-haiku-20240307-v1:0"
_QUICKLY = ("--timeout", "3", "--every", "0.3", "--json")


@pytest.fixture
def pipeline(stack: Stack) -> Iterator[dict[str, str]]:
    """The environment of a job that has assumed the role; here by a person, not by a token."""
    formation, name = stack.client("cloudformation"), f"push-{uuid.uuid4().hex[:8]}"
    parameters = {
        "Subject": "repo:us/support:ref:refs/heads/main",
        "ArtifactsBucketName": stack.bucket,
        "LedgerTableName": stack.resources["Ledger"],
    }
    formation.create_stack(
        StackName=name,
        TemplateBody=ROLE.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    outputs = formation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    yield _assumed(stack, outputs[0]["OutputValue"])
    formation.delete_stack(StackName=name)


def _assumed(stack: Stack, arn: str) -> dict[str, str]:
    person = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Effect": "Allow", "Principal": person, "Action": "sts:AssumeRole"}
    stack.client("iam").update_assume_role_policy(
        RoleName=arn.rpartition("/")[2],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    session = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="pipeline")
    found = session["Credentials"]
    return {
        **os.environ,
        **client_environment(stack.endpoint_url),
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
        "SLUICE_STACK": NAME,
    }


def sluice(pipeline: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a command, and what it told."""
    ended = subprocess.run(
        [ROOT / "bin" / "sluice", *arguments, *_QUICKLY],
        env=pipeline,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, told


def test_a_merge_is_pushed_approved_and_promoted(
    support: Application, pipeline: dict[str, str], tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "support")
    commit = repository.configure(application=support.name, rollout=plan())
    config = str(repository.config)

    code, pushed = sluice(pipeline, "push", config, "--wait", "registered")
    assert (code, pushed["release"]) == (0, f"{support.name}-v1"), pushed
    assert pushed["package_arn"] == support.line.package_arn(1)
    code, again = sluice(pipeline, "push", config)
    assert (code, again["uploaded"], again["files"]) == (0, [], pushed["files"])

    support.line.approve(1)
    code, outcome = sluice(pipeline, "wait", f"configs/{commit}", "--for", "promoted")
    assert (code, outcome["approval"]) == (0, "Approved"), outcome
    assert support.weights() == {1: 100}

    support.line.until_event("Settled", 1)
    retired = repository.configure(application=support.name, model_id=LEGACY)
    code, refused = sluice(pipeline, "push", config, "--wait", "registered")
    assert (code, refused["folder"]) == (1, f"configs/{retired}")
    assert "LegacyModel" in refused["said"]
    assert [one["ModelPackageVersion"] for one in support.line.packages()] == [1]
