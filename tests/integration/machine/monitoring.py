"""CloudWatch for the account: alarms in the state a test puts them in, requests by weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

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
    alarms: dict[str, FakeAlarm] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    per_minute: int = 100_000
    """Requests of all users to each endpoint."""
    failing: dict[str, float] = field(default_factory=dict)
    """Which share of its requests a variant answers with 5xx."""

    def put_metric_alarm(self, asked: Request) -> Request:
        """An alarm that exists keeps its state."""
        name = asked["AlarmName"]
        of = {one["Name"]: one["Value"] for one in asked.get("Dimensions", [])}
        if name not in self.alarms:
            self.alarms[name] = FakeAlarm(name, of.get("VariantName", ""), spoken=False)
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
            failing = self.failing.get(of["VariantName"], 0.0)
            rate = {"Invocations": 1.0, "Invocation5XXErrors": failing}
            each = self.per_minute * rate.get(metric["MetricName"], 0.0)
            found = {
                minute: each * share
                for minute in minutes
                if each and (share := self._share(of["EndpointName"], of["VariantName"], minute))
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

    def _share(self, endpoint: str, variant: str, minute: datetime) -> float:
        known = [
            shares
            for since, name, shares in self.sagemaker.shares
            if name == endpoint and since <= minute
        ]
        return known[-1].get(variant, 0.0) if known else 0.0


def _minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    minute = since.replace(second=0, microsecond=0)
    while minute < until:
        yield minute
        minute += timedelta(minutes=1)
