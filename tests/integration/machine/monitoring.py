"""CloudWatch for the account: alarms in the state a test puts them in, requests by weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, REGION

if TYPE_CHECKING:
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
    per_minute: int = 100
    """Requests of all users to each endpoint."""

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
        """Requests by the variant's share now, over the whole minutes asked for."""
        minutes = (asked["EndTime"] - asked["StartTime"]).total_seconds() // 60
        results = []
        for query in asked["MetricDataQueries"]:
            dimensions = query["MetricStat"]["Metric"]["Dimensions"]
            of = {one["Name"]: one["Value"] for one in dimensions}
            share = self._share(of["EndpointName"], of.get("VariantName", ""))
            count = self.per_minute * minutes * share
            results.append({"Id": query["Id"], "Values": [count] if count else []})
        return {"MetricDataResults": results}

    def evaluate(self) -> None:
        """A minute went by: alarms that knew nothing yet have seen data."""
        for alarm in self.alarms.values():
            if not alarm.spoken:
                alarm.state, alarm.spoken = "OK", True

    def _share(self, endpoint: str, variant: str) -> float:
        found = self.sagemaker.endpoints.get(endpoint)
        weights = {name: one.weight for name, one in found.variants.items()} if found else {}
        total = sum(weights.values())
        return weights.get(variant, 0.0) / total if total else 0.0
