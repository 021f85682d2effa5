"""One line of versions, from what people do to what they can see of it afterwards.

A line is a model package group and the endpoint it serves, both named alike and used by one test
alone, so that tests can run side by side on one cloud. What an application's line serves and what
is pushed to it, `application.py` knows.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e import folders
from tests.e2e.ledger import Ledger, assert_unbroken
from tests.e2e.stack import SPEED, Stack
from tests.e2e.users import Users, version_of

_LOOK_EVERY_SECONDS = 0.5
_SLACK_SECONDS = float(os.environ.get("SLUICE_E2E_SLACK_SECONDS", "90"))
"""Functions and containers start in real time, whatever the cloud's clock says."""


class Line:
    """Acts on one line of versions and reads what became of it."""

    def __init__(
        self,
        stack: Stack,
        name: str,
        *,
        kind: str = "endpoint",
        weights: Callable[[], dict[int, float]] | None = None,
    ) -> None:
        """`weights` tells how a target that is no endpoint splits its traffic."""
        self.stack = stack
        self.name = name
        self.ledger = Ledger(stack.client("dynamodb"), stack.resources["Ledger"], kind=kind)
        self._label = name if kind == "endpoint" else f"{kind}.{name}"
        self._told_weights = weights
        self.seen: list[dict[int, float]] = []
        """Every change of weights that was seen while waiting, in order."""
        self._users: list[Users] = []
        self._calls_seen = stack.calls_log.stat().st_size

    # What people do

    def upload(self, version: int, name: str, body: bytes, *, folder: str = "") -> tuple[str, str]:
        """Push one object of a version folder; its key and the version S3 gave it."""
        key = f"models/{folder or f'{self.name}-v{version}'}/{name}"
        metadata = folders.METADATA if name == folders.MODEL else {}
        put = self.stack.client("s3").put_object(
            Bucket=self.stack.bucket, Key=key, Body=body, Metadata=metadata
        )
        return key, put["VersionId"]

    def push(
        self,
        version: int,
        inference: str = "",
        *,
        order: Iterable[str] = folders.ALL_FILES,
        **config: Any,
    ) -> dict[str, tuple[str, str]]:
        """Push a version folder, one object after the other; wait until it is registered."""
        content = folders.folder(version, inference, **config)
        pushed = {name: self.upload(version, name, content[name]) for name in order}
        self.until(
            f"v{version} is registered", lambda: self.package_arn(version) or None, minutes=5
        )
        return pushed

    def approve(self, version: int) -> None:
        """Approve a registered version."""
        self._decide(version, "Approved", "looks good")

    def approve_again(self, version: int) -> None:
        """Set a version to pending and, at once, approve it: a person stands by it."""
        self._decide(version, "PendingManualApproval", "on second thoughts")
        self.approve(version)

    def reject(self, version: int) -> None:
        """Reject a version, for a person's reasons."""
        self._decide(version, "Rejected", "a person said so")

    @contextmanager
    def muted(self, alarm: str) -> Iterator[None]:
        """An alarm mute rule mutes the alarm for a while."""
        cloudwatch = self.stack.client("cloudwatch")
        began = datetime.fromisoformat(self.now())
        schedule = {"Expression": f"at({began:%Y-%m-%dT%H:%M})", "Duration": "P1D"}
        cloudwatch.put_alarm_mute_rule(
            Name=self.name, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": [alarm]}
        )
        yield
        cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=self.name)

    def users(self, rate: float = 8.0) -> Users:
        """Let users come; they stay until the test ends."""
        users = Users(self.stack.client("sagemaker-runtime"), self.name, rate)
        self._users.append(users)
        return users

    def serve_first(self, inference: str = "", **config: Any) -> Users:
        """Version 1 deployed, settled and proven by users, who stay."""
        self.push(1, inference, **config)
        self.approve(1)
        self.until_serving({1: 100})
        users = self.users()
        self.until_event("Settled", 1)
        assert self.last_good() == [1], self.picture()
        return users

    def leave(self) -> None:
        """Send the users home."""
        for users in self._users:
            users.stop()

    def vanish(self) -> None:
        """Leave nothing for the schedule to survey, the quotas to count or a model to serve.

        Sixty lines that have ended, looked at every five seconds, are more than a machine can do.
        """
        self.ledger.forget(self.name)
        if self.endpoint():
            with suppress(ClientError):  # it is being deleted, or updated, which ends by itself
                self.stack.client("sagemaker").delete_endpoint(EndpointName=self.name)

    # What people see

    def weights(self) -> dict[int, float]:
        """The percentage of traffic each version gets now; empty without an endpoint."""
        return self._told_weights() if self._told_weights else self._weights(self.endpoint())

    def endpoint(self) -> dict[str, Any]:
        """DescribeEndpoint's answer; empty when there is no endpoint."""
        try:
            found = self.stack.client("sagemaker").describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if "Could not find" not in str(error):
                raise
            return {}
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def packages(self) -> list[dict[str, Any]]:
        """What the registry has of this line, oldest first."""
        sagemaker = self.stack.client("sagemaker")
        try:
            listed = sagemaker.list_model_packages(
                ModelPackageGroupName=self.name, MaxResults=100, SortOrder="Ascending"
            )
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return []
        arns = [one["ModelPackageArn"] for one in listed["ModelPackageSummaryList"]]
        return [sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]

    def package(self, version: int) -> dict[str, Any]:
        """The registry's package of a version."""
        arn = self.package_arn(version)
        found: dict[str, Any] = self.stack.client("sagemaker").describe_model_package(
            ModelPackageName=arn
        )
        return found

    def package_arn(self, version: int) -> str:
        """Under which ARN a version was registered; empty if it is not, or not yet."""
        return str(self.ledger.release(self.name, version).get("package_arn", ""))

    def state(self) -> dict[str, Any]:
        """The ledger's state of the endpoint."""
        return self.ledger.state(self.name)

    def last_good(self) -> list[int]:
        """The versions a rollback may land on, best first."""
        return [one["release"]["version"] for one in self.state().get("last_good", [])]

    def events(self) -> list[tuple[str, int]]:
        """What the ledger remembers, oldest first: event and version."""
        return [(one["event"], one["release"]["version"]) for one in self.history()]

    def history(self) -> list[dict[str, Any]]:
        """The ledger's history of the endpoint, oldest first."""
        return self.ledger.history(self.name)

    def alarms(self) -> dict[str, str]:
        """The state of every alarm on this endpoint, by the alarm's name."""
        found = self.stack.client("cloudwatch").describe_alarms(
            AlarmNamePrefix=f"sluice-{self._label}-"
        )
        return {one["AlarmName"]: one["StateValue"] for one in found["MetricAlarms"]}

    def executions(self) -> dict[str, str]:
        """The status of every rollout of this line, by its name."""
        pages = (
            self.stack.client("stepfunctions")
            .get_paginator("list_executions")
            .paginate(stateMachineArn=self.stack.resources["RolloutStateMachine"])
        )
        return {
            one["name"]: one["status"]
            for page in pages
            for one in page["executions"]
            if one["name"].startswith(f"{self._label}-g")
        }

    def calls(self, *actions: str, since: str = "") -> list[str]:
        """The calls of these actions on this line's endpoint, in order.

        IAM is asked for each resource of a call; only the endpoint itself is counted.
        """
        return [
            call["action"]
            for call in self.stack.calls(self.name, since)
            if call["action"] in actions and call["resource"].endswith(f":endpoint/{self.name}")
        ]

    def now(self) -> str:
        """The cloud's time, as the record of calls spells it."""
        return str(self.stack.control("clock")["time"])

    # Waiting

    def until[T](self, what: str, look: Callable[[], T | None], *, minutes: float = 20) -> T:
        """What `look` finds, once it is not None; `minutes` are the cloud's."""
        deadline = time.monotonic() + minutes * 60 / SPEED + _SLACK_SECONDS
        while (found := look()) is None:
            self._sample()
            self.assert_nobody_was_denied()
            if time.monotonic() > deadline:
                pytest.fail(f"never saw that {what}\n{self.picture()}")
            time.sleep(_LOOK_EVERY_SECONDS)
        self._sample()
        return found

    def until_event(
        self, event: str, version: int, *, after: int = 0, minutes: float = 40
    ) -> dict[str, Any]:
        """The first entry of the history, beyond number `after`, that says `event` of a version."""

        def look() -> dict[str, Any] | None:
            later = (one for one in self.history() if one["n"] > after)
            named = (one for one in later if one["release"]["version"] == version)
            return next((one for one in named if one["event"] == event), None)

        return self.until(f"{event} of v{version}", look, minutes=minutes)

    def until_serving(self, weights: dict[int, float], *, minutes: float = 20) -> None:
        """Wait until the endpoint is in service with just these variants and weights."""

        def look() -> bool | None:
            if self._told_weights:
                return self._told_weights() == weights or None
            seen = self.endpoint()
            serving = seen.get("EndpointStatus") == "InService" and self._weights(seen) == weights
            return serving or None

        self.until(f"the weights are {weights}", look, minutes=minutes)

    def until_ended(self) -> dict[str, str]:
        """Wait until no rollout of this line runs; `Settled` is told by the last task of one."""

        def look() -> dict[str, str] | None:
            found = self.executions()
            return None if "RUNNING" in found.values() else found

        return self.until("its executions have ended", look)

    def until_phase(self, phase: str, *, minutes: float = 20) -> None:
        """Wait until the target is in a phase."""
        self.until(f"it is {phase}", lambda: self.state().get("phase") == phase or None)

    def picture(self) -> str:
        """The state of things, for a person who has to find out what went wrong."""
        seen, state = self.endpoint(), self.state()
        rest = {name: state.get(name) for name in ("phase", "holder", "signal", "wanted", "bad")}
        lines = [
            f"{self.name} at {self.now()}",
            f"endpoint: {seen.get('EndpointStatus', 'none')} {self.weights()}",
            f"failure: {seen.get('FailureReason', 'none')}",
            f"state: {rest}",
            f"executions: {self.executions()}",
            f"alarms: {self.alarms()}",
            *(
                f"registry: v{one['ModelPackageVersion']} {one['ModelApprovalStatus']} "
                f"{one.get('ApprovalDescription', '')}"
                for one in self.packages()
            ),
            *(
                f"history: {one['n']} {one['at']} {one['event']} v{one['release']['version']}: "
                f"{one['reason']}"
                for one in self.history()[-12:]
            ),
            *(f"users: {len(one.answers)} answers, {one.errors[-1:]}" for one in self._users),
        ]
        return "\n".join(lines)

    def assert_sound(self) -> None:
        """What must hold at any time, whatever the test was about."""
        assert_unbroken(self.history())
        self.assert_nobody_was_denied()
        folders_registered = [
            one["CustomerMetadataProperties"]["release-digest"] for one in self.packages()
        ]
        assert len(set(folders_registered)) == len(folders_registered), "registered twice"

    def assert_nobody_was_denied(self) -> None:
        """No role was refused anything since this was last asked: what is denied never comes."""
        denied, self._calls_seen = self.stack.denials(self._calls_seen)
        assert denied == [], denied

    def _decide(self, version: int, status: str, why: str) -> None:
        self.stack.client("sagemaker").update_model_package(
            ModelPackageArn=self.package_arn(version),
            ModelApprovalStatus=status,
            ApprovalDescription=why,
        )

    def _sample(self) -> None:
        weights = self.weights()
        if weights and (not self.seen or self.seen[-1] != weights):
            self.seen.append(weights)

    def _weights(self, endpoint: dict[str, Any]) -> dict[int, float]:
        variants = endpoint.get("ProductionVariants", [])
        total = sum(one["CurrentWeight"] for one in variants) or 1.0
        return {
            version_of(one["VariantName"]): round(100 * one["CurrentWeight"] / total, 1)
            for one in variants
        }
