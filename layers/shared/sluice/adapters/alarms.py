"""CloudWatch: the alarms that watch a variant or a whole target, and their states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.domain import names
from sluice.domain.arming import AlarmState, Readings, alarming
from sluice.domain.release import System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient

    from sluice.domain.pushed import Alarms as Thresholds
    from sluice.domain.rollout import Deployed

_PERIOD = 60
_TAIL = {"Period": _PERIOD, "ExtendedStatistic": "p99"}
_BATCH = 100  # names per DescribeAlarms and DeleteAlarms
_KINDS = ("MetricAlarms", "CompositeAlarms", "LogAlarms")


class Alarms:
    """CloudWatch alarms on variants, named after what they watch."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def create(self, target: str, what: Deployed, thresholds: Thresholds) -> dict[str, str]:
        """Create a release's alarms; the ARN of each by its name. Safe to repeat.

        They are named after version and epoch, whatever its variant is called. No traffic means no
        data points: not breaching, whether there was traffic at all is asked for apart.
        """
        of_version = names.system_of(target) is System.BEDROCK
        rules = (
            _of_version(what, thresholds) if of_version else _of_variant(what, thresholds, target)
        )
        label = names.variant(what.package_version, epoch=what.epoch)
        wanted = {names.alarm(target, label, subject): rule for subject, rule in rules.items()}
        for name, rule in wanted.items():
            self._client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"Sluice watches {what.variant} of {target}.",
                EvaluationPeriods=thresholds.evaluation_periods,
                DatapointsToAlarm=thresholds.datapoints,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",
                **rule,
            )
        return {one["AlarmName"]: one["AlarmArn"] for one in self._described(wanted)}

    def states(self, alarm_names: Iterable[str]) -> dict[str, AlarmState]:
        """The state of each alarm that exists, of any kind."""
        found = self._described(alarm_names)
        return {one["AlarmName"]: AlarmState(one["StateValue"]) for one in found}

    def arns(self, alarm_names: Iterable[str]) -> dict[str, str]:
        """The ARN of each alarm that exists, of any kind, by name."""
        return {one["AlarmName"]: one["AlarmArn"] for one in self._described(alarm_names)}

    def read(self, alarm_names: Iterable[str]) -> Readings:
        """The states and the mutes; where CloudWatch does not answer, what trouble it has.

        A mute that cannot be read mutes nothing: a rollback in vain is better than a bad release.
        """
        asked = frozenset(alarm_names)
        try:
            states = self.states(asked)
        except (BotoCoreError, ClientError) as error:
            return Readings(trouble=str(error))
        missing = asked - states.keys()
        try:
            muted = frozenset(filter(self._muted, alarming(states)))
        except (BotoCoreError, ClientError) as error:
            return Readings(states, missing=missing, trouble=str(error))
        return Readings(states, muted, missing)

    def of_variants(self, target: str = "") -> Iterator[str]:
        """Names of all alarms that `create` has ever made and nobody deleted.

        Given a target, those of it, and of others whose names begin with its own.
        """
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=names.alarms_of(target), AlarmTypes=["MetricAlarm"]
        )
        return (
            one["AlarmName"]
            for page in pages
            for one in page["MetricAlarms"]
            if names.watched_variant(one["AlarmName"])
        )

    def delete(self, alarm_names: Iterable[str]) -> dict[str, str]:
        """Delete the alarms; the ARNs of those that existed, by name. Safe to repeat."""
        found = {one["AlarmName"]: one["AlarmArn"] for one in self._described(alarm_names)}
        if found:
            self._client.delete_alarms(AlarmNames=list(found))
        return found

    def _muted(self, name: str) -> bool:
        """Whether an alarm mute rule mutes the alarm now.

        A rule is `ACTIVE` while its window is open, `SCHEDULED` between two (GetAlarmMuteRule).
        """
        rules = self._client.list_alarm_mute_rules(
            AlarmName=name, Statuses=["ACTIVE"], MaxRecords=1
        )
        return bool(rules.get("AlarmMuteRuleSummaries"))

    def _described(self, alarm_names: Iterable[str]) -> list[Any]:
        asked = list(dict.fromkeys(alarm_names))
        found: list[Any] = []
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            # Without AlarmTypes only metric alarms are told of.
            answer: Any = self._client.describe_alarms(
                AlarmNames=batch,
                AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"],
                MaxRecords=_BATCH,
            )
            found += [one for kind in _KINDS for one in answer.get(kind, [])]
        return found


type _Rules = Mapping[str, dict[str, Any]]
"""What each alarm compares, by its subject; a threshold of None leaves its alarm out."""


def _of_variant(what: Deployed, thresholds: Thresholds, target: str) -> _Rules:
    """A variant's rates are averages of metrics that are 0 or 1 for each request.

    A threshold of 1 and above could never trip (monitoring-cloudwatch). `InvocationModelErrors`
    also counts what 5XX does not: time-outs and malformed answers. ModelLatency is in microseconds.
    """
    endpoint = {"EndpointName": names.name_of(target), "VariantName": what.variant}
    config = {"EndpointConfigName": what.metric_config} if what.metric_config else {}
    of_it = {"Namespace": "AWS/SageMaker", "Dimensions": _dimensions({**endpoint, **config})}
    rate = {**of_it, "Period": _PERIOD, "Statistic": "Average"}
    return _limited(
        {
            "errors": (thresholds.error_rate, {**rate, "MetricName": "Invocation5XXErrors"}),
            "model-errors": (
                thresholds.model_error_rate,
                {**rate, "MetricName": "InvocationModelErrors"},
            ),
            "latency": (
                thresholds.latency_ms and thresholds.latency_ms * 1000,
                {**of_it, **_TAIL, "MetricName": "ModelLatency"},
            ),
        }
    )


def _of_version(what: Deployed, thresholds: Thresholds) -> _Rules:
    """What a version of a function answers through the alias.

    "To calculate the error rate, divide the value of Errors by the value of Invocations"
    (monitoring-metrics-types); without requests that is no data point. Duration is in milliseconds.
    """
    dimensions = _dimensions(names.version_dimensions(what.model, what.variant))
    of_it = {"Namespace": "AWS/Lambda", "Dimensions": dimensions}
    counted = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {**of_it, "MetricName": name},
                "Period": _PERIOD,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for name in ("Errors", "Invocations")
    ]
    rate = {"Id": "rate", "Expression": "errors / invocations", "ReturnData": True}
    return _limited(
        {
            "errors": (thresholds.error_rate, {"Metrics": [*counted, rate]}),
            "latency": (thresholds.latency_ms, {**of_it, **_TAIL, "MetricName": "Duration"}),
        }
    )


def _limited(rules: Mapping[str, tuple[float | None, dict[str, Any]]]) -> _Rules:
    return {
        subject: {**metric, "Threshold": float(limit)}
        for subject, (limit, metric) in rules.items()
        if limit is not None
    }


def _dimensions(named: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in named.items()]
