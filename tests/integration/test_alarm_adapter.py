"""CloudWatch alarms on a variant, and the traffic it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.alarms import Alarms
from sluice.domain.arming import AlarmState
from sluice.domain.pushed import Alarms as Thresholds
from tests.builders import CANARY, TARGET, deployed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.integration.rollouts import Wire, World


ALL = Thresholds(
    error_rate=0.05, model_error_rate=0.02, latency_ms=800, evaluation_periods=5, datapoints=3
)
ERRORS, MODEL_ERRORS, LATENCY = (
    f"sluice-churn-v4-e5-{subject}" for subject in ("errors", "model-errors", "latency")
)


@pytest.fixture
def alarms(aws: Callable[[str], Any]) -> Alarms:
    return Alarms(aws("cloudwatch"))


def described(aws: Callable[[str], Any]) -> dict[str, Any]:
    found = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    return {one["AlarmName"]: one for one in found}


def test_each_threshold_is_an_alarm_on_the_variant(
    alarms: Alarms, aws: Callable[[str], Any]
) -> None:
    arns = alarms.create(TARGET, CANARY, ALL)

    made = described(aws)
    assert {name: one["AlarmArn"] for name, one in made.items()} == arns
    assert {name: (one["MetricName"], one["Threshold"]) for name, one in made.items()} == {
        ERRORS: ("Invocation5XXErrors", 0.05),
        MODEL_ERRORS: ("InvocationModelErrors", 0.02),
        LATENCY: ("ModelLatency", 800_000.0),
    }
    for one in made.values():
        assert (one["Namespace"], one["Period"]) == ("AWS/SageMaker", 60)
        assert (one["EvaluationPeriods"], one["DatapointsToAlarm"]) == (5, 3)
        assert one["TreatMissingData"] == "notBreaching"
        assert {d["Name"]: d["Value"] for d in one["Dimensions"]} == {
            "EndpointName": "churn",
            "VariantName": "v4-e5",
        }


def test_a_rate_is_an_average_and_a_latency_its_tail(
    alarms: Alarms, aws: Callable[[str], Any]
) -> None:
    alarms.create(TARGET, CANARY, ALL)

    made = described(aws)
    assert made[ERRORS]["Statistic"] == "Average"
    assert made[LATENCY]["ExtendedStatistic"] == "p99"


def test_a_version_of_an_application_is_watched_through_its_alias(
    alarms: Alarms, aws: Callable[[str], Any]
) -> None:
    version = CANARY.model_copy(update={"variant": "7", "model": "serve"})

    alarms.create("application/support", version, ALL)

    errors, latency = described(aws).values()
    assert (errors["AlarmName"], latency["AlarmName"]) == (
        "sluice-application.support-v4-e5-errors",
        "sluice-application.support-v4-e5-latency",
    )
    through = {"FunctionName": "serve", "Resource": "serve:live", "ExecutedVersion": "7"}
    *counted, rate = errors["Metrics"]
    assert [one["MetricStat"]["Metric"]["MetricName"] for one in counted] == [
        "Errors",
        "Invocations",
    ]
    for metric in (*(one["MetricStat"]["Metric"] for one in counted), latency):
        assert metric["Namespace"] == "AWS/Lambda"
        assert {d["Name"]: d["Value"] for d in metric["Dimensions"]} == through
    assert (rate["Expression"], errors["Threshold"]) == ("errors / invocations", 0.05)
    assert (latency["MetricName"], latency["ExtendedStatistic"], latency["Threshold"]) == (
        "Duration",
        "p99",
        800.0,
    )


@pytest.mark.parametrize(
    ("thresholds", "made"),
    [
        pytest.param(Thresholds(), {ERRORS}, id="by default errors alone"),
        pytest.param(Thresholds(error_rate=None, latency_ms=9), {LATENCY}, id="null leaves it out"),
        pytest.param(Thresholds(error_rate=None), set(), id="no alarm at all"),
    ],
)
def test_only_what_has_a_threshold_is_watched(
    alarms: Alarms, aws: Callable[[str], Any], thresholds: Thresholds, made: set[str]
) -> None:
    assert set(alarms.create(TARGET, CANARY, thresholds)) == made
    assert set(described(aws)) == made


def test_making_them_twice_makes_them_once(alarms: Alarms, aws: Callable[[str], Any]) -> None:
    assert alarms.create(TARGET, CANARY, ALL) == alarms.create(TARGET, CANARY, ALL)
    assert len(described(aws)) == 3


def test_states_are_of_the_alarms_asked_for_and_silent_about_missing_ones(
    alarms: Alarms, aws: Callable[[str], Any]
) -> None:
    alarms.create(TARGET, CANARY, ALL)
    alarms.create(TARGET, deployed(5, epoch=6), ALL)
    for name, state in ((ERRORS, "ALARM"), (LATENCY, "OK")):
        aws("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    found = alarms.states([ERRORS, LATENCY, "sluice-churn-v9-e9-errors"])

    assert found == {ERRORS: AlarmState.ALARM, LATENCY: AlarmState.OK}


def test_asking_for_nothing_finds_nothing(alarms: Alarms, world: World) -> None:
    """DescribeAlarms without names would describe every alarm of the account."""
    alarms.create(TARGET, CANARY, ALL)

    assert alarms.states([]) == {}
    assert alarms.delete([]) == {}
    assert len(world.alarms()) == 3


def test_more_alarms_than_one_call_takes(alarms: Alarms, aws: Callable[[str], Any]) -> None:
    names = []
    for number in range(1, 36):
        names += list(alarms.create(TARGET, deployed(number, epoch=1), ALL))

    assert len(names) == 105
    assert set(alarms.states(names)) == set(names)


def test_deleting_tells_what_was_there_and_is_safe_to_repeat(alarms: Alarms, world: World) -> None:
    arns = alarms.create(TARGET, CANARY, ALL)
    alarms.create(TARGET, deployed(5, epoch=6), Thresholds())

    assert alarms.delete([ERRORS, LATENCY]) == {name: arns[name] for name in (ERRORS, LATENCY)}
    assert alarms.delete([ERRORS, LATENCY]) == {}
    assert world.alarms() == {MODEL_ERRORS, "sluice-churn-v5-e6-errors"}


def test_alarms_of_every_kind_are_asked_for_and_read(aws: Callable[[str], Any], wire: Wire) -> None:
    """DescribeAlarms tells of metric alarms alone unless AlarmTypes names the others."""
    wire.once(
        "DescribeAlarms",
        MetricAlarms=[{"AlarmName": "metric", "AlarmArn": "a:metric", "StateValue": "OK"}],
        CompositeAlarms=[{"AlarmName": "both", "AlarmArn": "a:both", "StateValue": "ALARM"}],
        LogAlarms=[{"AlarmName": "log", "AlarmArn": "a:log", "StateValue": "INSUFFICIENT_DATA"}],
    )
    wire.always("ListAlarmMuteRules", AlarmMuteRuleSummaries=[])

    readings = Alarms(aws("cloudwatch")).read(["metric", "both", "log", "gone"])

    (asked,) = wire.calls("DescribeAlarms")
    assert asked["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm", "LogAlarm"]
    assert readings.alarms == {
        "metric": AlarmState.OK,
        "both": AlarmState.ALARM,
        "log": AlarmState.INSUFFICIENT_DATA,
    }
    assert (readings.missing, readings.trouble) == ({"gone"}, "")
    assert [one["AlarmName"] for one in wire.calls("ListAlarmMuteRules")] == ["both"]
