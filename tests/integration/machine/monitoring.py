"""CloudWatch for the account: alarms in the state a test puts them in, requests by weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.integration.machine.application import FakeLambda
    from tests.integration.machine.clock import Clock
    from tests.integration.machine.endpoint import FakeSageMaker

type Request = dict[str, Any]


@dataclass
class FakeAlarm:
    """One alarm."""

    name: str
    variant: str
    state: str = "INSUFFICIENT_DATA"
    spoken: bool = True
    """Whether its state is the test's, not to become OK by itself."""

    @property
    def arn(self) -> str:
        """What the ledger knows it by."""
        return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{self.name}"


@dataclass
class FakeCloudWatch:
    """Alarms and metrics."""

    clock: Clock
    sagemaker: FakeSageMaker
    function: FakeLambda
    alarms: dict[str, FakeAlarm] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    per_minute: int = 100_000
    """Requests of all users to each endpoint."""
    failing: dict[str, float] = field(default_factory=dict)
    """Which share of its requests a variant answers with 5xx."""

    def put_metric_alarm(self, asked: Request) -> Request:
        """An alarm that exists keeps its state."""
        name = asked["AlarmName"]
        summands = (one["MetricStat"]["Metric"] for one in asked.get("Metrics", [])[:-1])
        metric = next(summands, asked)  # a rate is an expression, and comes last
        of = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        if name not in self.alarms:
            self.alarms[name] = FakeAlarm(name, self._called(of), spoken=False)
        return {}

    def describe_alarms(self, asked: Request) -> Request:
        """Those asked for, by name or by how their names begin, that exist."""
        names = asked.get("AlarmNames", sorted(self.alarms))
        prefix = asked.get("AlarmNamePrefix", "")
        found = [self.alarms[one] for one in names if one in self.alarms and one.startswith(prefix)]
        return {
            "MetricAlarms": [
                {"AlarmName": one.name, "AlarmArn": one.arn, "StateValue": one.state}
                for one in found
            ]
        }

    def list_alarm_mute_rules(self, asked: Request) -> Request:
        """The rule that mutes the alarm now, if one does."""
        muted = asked["AlarmName"] in self.muted
        return {"AlarmMuteRuleSummaries": [{"Status": "ACTIVE"}] if muted else []}

    def delete_alarms(self, asked: Request) -> Request:
        """Nothing watches any more."""
        for name in asked["AlarmNames"]:
            self.alarms.pop(name, None)
        return {}

    def get_metric_data(self, asked: Request) -> Request:
        """Requests by the variant's share in each minute, and those that failed."""
        minutes = list(_minutes(asked["StartTime"], asked["EndTime"]))
        results = []
        for query in asked["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            of = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            failing = self.failing.get(self._called(of), 0.0)
            rate = {"Invocations": 1.0, "Invocation5XXErrors": failing, "Errors": failing}
            each = self.per_minute * rate.get(metric["MetricName"], 0.0)
            found = {
                minute: each * share
                for minute in minutes
                if each and (share := self._share(of, minute))
            }
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": list(found),
                    "Values": list(found.values()),
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results}

    def evaluate(self) -> None:
        """A minute went by: alarms that knew nothing yet have seen data."""
        for alarm in self.alarms.values():
            if not alarm.spoken:
                alarm.state, alarm.spoken = "OK", True

    def _called(self, of: dict[str, str]) -> str:
        """The variant that dimensions name: a function's version by the release it serves."""
        if "ExecutedVersion" in of:
            assert of["Resource"] == f"{of['FunctionName']}:live"
            return self.function.label(of["ExecutedVersion"])
        return of.get("VariantName", "")

    def _share(self, of: dict[str, str], minute: datetime) -> float:
        if "ExecutedVersion" in of:
            seen = [shares for since, shares in self.function.shares if since <= minute]
            return seen[-1].get(of["ExecutedVersion"], 0.0) if seen else 0.0
        known = [
            shares
            for since, name, shares in self.sagemaker.shares
            if name == of["EndpointName"] and since <= minute
        ]
        return known[-1].get(of["VariantName"], 0.0) if known else 0.0


def _minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    minute = since.replace(second=0, microsecond=0)
    while minute < until:
        yield minute
        minute += timedelta(minutes=1)
