"""One local cloud for all end-to-end tests, with the stack deployed, whoever runs them.

Several pytest-xdist workers share it: the first one starts it, the others find it, and the first
one stops it when the last is done.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud.constants import ACCOUNT, REGION
from localcloud.launcher import LocalCloud, client_environment, control
from tests.e2e.built import ROOT, built_template, deployable
from tests.e2e.folders import IMAGE_TAG, MANIFEST, REPOSITORY

SPEED = 60.0
"""Virtual seconds per second: a minute of the cloud lasts a second."""

NAME = "sluice"
APPLICATIONS = tuple(f"app{n}" for n in range(1, 19))
"""Applications with a function of their own: each test takes one."""
DEFAULT_APPLICATION = "support"
"""The one that the stack's own function answers for."""
_DURATIONS = {"deployment_seconds": 30, "weights_seconds": 5, "deletion_seconds": 5}
# Each event of S3, SageMaker, CloudWatch and Step Functions comes twice, under two ids.
_TOLD_TWICE = ("aws.s3", "aws.sagemaker", "aws.cloudwatch", "aws.states")
_LAST_USER_SECONDS = 600.0
_RETRIED = {"ContentionError", "DisplacedError", "EndpointBusyError", "SignalPendingError"}


def function_of(application: str) -> str:
    """The function that answers for an application of `APPLICATIONS`."""
    return f"answers-of-{application}"


_FUNCTIONS = {name: function_of(name) for name in APPLICATIONS}
_ARNS = [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{one}" for one in _FUNCTIONS.values()]
KEEPER = f"arn:aws:iam::{ACCOUNT}:role/keeper"
"""Who may tag objects of the vault; a test makes it."""
_SETTINGS = (
    f"RetentionRoleArns={KEEPER}",
    "Architecture=x86_64",
    "MinimumBakeMinutes=1",
    "EvaluationFloors=accuracy=0.5",
    f"DefaultApplication={DEFAULT_APPLICATION}",
    f"ApplicationFunctions={','.join(f'{one}={name}' for one, name in _FUNCTIONS.items())}",
    f"ApplicationFunctionArns={','.join(_ARNS)}",
)
FORGER = "forger"
"""The role of whoever tests try to do what only the stack's roles may: it is meant to be denied."""
UNREADABLE = "meant to be unreadable"
"""Is in every event that a test sends to see it fail."""
TOO_LONG = "Input is too long for requested model"
"""What Bedrock says to versions of applications that tests push to see them fail."""
_session: Any = boto3.session.Session()


@dataclass(frozen=True)
class Stack:
    """The deployed stack and how to reach everything in it."""

    endpoint_url: str
    calls_log: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of `service` with the rights of the account's root."""
        if service not in self._clients:
            self._clients[service] = _session.client(
                service,
                region_name="us-east-1",
                endpoint_url=self.endpoint_url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                    max_pool_connections=20,
                ),
            )
        return self._clients[service]

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """One of the local cloud's own paths."""
        return control(self.endpoint_url, path, body)

    @cached_property
    def resources(self) -> dict[str, str]:
        """The physical id of each resource of the template, by its logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages.paginate(StackName=NAME)
            for one in page["StackResourceSummaries"]
        }

    @property
    def bucket(self) -> str:
        """Where engineers push to."""
        return self.resources["ArtifactsBucket"]

    def take_application(self) -> str:
        """The name of an application that no other test of this run has."""
        for name in APPLICATIONS:
            with contextlib.suppress(FileExistsError):
                (self.calls_log.parent / f"taken-{name}").touch(exist_ok=False)
                return name
        message = "more tests want an application than APPLICATIONS has"
        raise LookupError(message)

    def calls(self, about: str, since: str = "") -> list[dict[str, Any]]:
        """Every API call on a resource whose ARN names `about`, oldest first."""
        with self.calls_log.open() as log:
            found = [json.loads(line) for line in log if about in line]
        return [one for one in found if about in (one["resource"] or "") and one["time"] > since]

    def denials(self, since: int) -> tuple[list[dict[str, Any]], int]:
        """Every call beyond a position in the log that was denied, but FORGER's; where it ends."""
        with self.calls_log.open("rb") as log:
            log.seek(since)
            lines = log.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        denied = [json.loads(line) for line in whole if b'"allowed": false' in line]
        denied = [one for one in denied if f":assumed-role/{FORGER}/" not in one["principal"]]
        return denied, since + sum(map(len, whole))

    def failures(self) -> list[str]:
        """What the functions logged as errors, but for what the state machine retries."""
        pages = self.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=self.resources["FunctionLogs"], filterPattern='"ERROR"')
        messages = [one["message"] for page in found for one in page["events"]]
        records = [json.loads(one) for one in messages if one.startswith("{")]
        return [
            json.dumps(record)
            for record in records
            if record.get("level") == "ERROR"
            and record.get("errorType") not in _RETRIED
            and UNREADABLE not in str(record.get("errorMessage"))
            and not str(record.get("errorMessage")).endswith(f"{TOO_LONG}.")
        ]

    def dead_letters(self) -> list[str]:
        """What nobody could handle: never anything but what tests sent to be just that."""
        sqs, bodies = self.client("sqs"), []
        for queue in (self.resources["DeadLetters"], self.resources["UploadDeadLetters"]):
            found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            bodies += [message["Body"] for message in found.get("Messages", [])]
        return [body for body in bodies if UNREADABLE not in body]


@contextlib.contextmanager
def shared_stack(folder: Path) -> Iterator[Stack]:
    """The stack that all workers of this run share through `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    user = folder / f"user-{os.getpid()}"
    with contextlib.ExitStack() as ours:
        with _locked(folder):
            user.touch()
            ours.callback(user.unlink, missing_ok=True)
            where = folder / "stack.json"
            if not where.exists():
                ours.enter_context(_started(folder, where, user))
            said = json.loads(where.read_text())
        yield Stack(said["endpoint_url"], Path(said["calls_log"]))


def deployed(cloud: LocalCloud) -> Stack:
    """The stack, deployed into a local cloud that runs."""
    template = deployable(built_template())
    stack = Stack(cloud.endpoint_url, cloud.files.calls)
    stack.control("sagemaker", {**_DURATIONS, "duplicate_events": 0})
    for source in _TOLD_TWICE:
        twice = {"kind": "duplicate", "source": source, "fresh_ids": True}
        stack.control("deliveries", {"name": f"{source} twice", **twice})
    _put_image(stack)
    _deploy(template, cloud.endpoint_url)
    return stack


@contextlib.contextmanager
def _started(folder: Path, where: Path, user: Path) -> Iterator[None]:
    with LocalCloud(folder / f"cloud-{os.getpid()}", speed=SPEED) as cloud:
        stack = deployed(cloud)
        where.write_text(
            json.dumps({"endpoint_url": stack.endpoint_url, "calls_log": str(stack.calls_log)})
        )
        yield
        user.unlink()
        _wait_for_the_others(folder, where)
        failures, letters = stack.failures(), stack.dead_letters()
        shapeless = stack.control("answers")["faults"]
        assert shapeless == [], shapeless
        assert failures == [], failures
        assert letters == [], letters


def _wait_for_the_others(folder: Path, where: Path) -> None:
    deadline = time.monotonic() + _LAST_USER_SECONDS
    while time.monotonic() < deadline:
        with _locked(folder):
            if not list(folder.glob("user-*")):
                break
        time.sleep(0.1)
    where.unlink()  # whoever comes later starts one of his own


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _put_image(stack: Stack) -> None:
    ecr = stack.client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    ecr.put_image(repositoryName=REPOSITORY, imageTag=IMAGE_TAG, imageManifest=json.dumps(MANIFEST))


def _deploy(template: Path, endpoint_url: str) -> None:
    """Stock `sam deploy` with the local settings of samconfig.toml, an evaluation floor added."""
    sam = Path(sys.executable).parent / "sam"
    ended = subprocess.run(
        [
            *(str(sam), "deploy", "--template-file", str(template)),
            *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
            *("--parameter-overrides", " ".join(_SETTINGS)),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            **client_environment(endpoint_url),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
