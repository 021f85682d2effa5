"""`watch_rollout`: the schedule or an endpoint's event in; the woken machine out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.evidence import Evidences
from sluice.adapters.queue import MOST_AT_ONCE, NotSentError
from sluice.domain.judging import Evidence
from sluice.domain.rollout import Phase, Rollout
from sluice.events.triggers import look_at
from tests.builders import (
    ALARM,
    AT,
    CANARY,
    EXECUTION,
    TARGET,
    a_rollout,
    a_signal,
    a_state,
    after,
    an_event,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

BOTH = "churn-v3-v4-e5-both"
MINUTE = 60


def watch(world: World, *, at: datetime, because: str = "events_scheduled") -> dict[str, str]:
    event = {**an_event(because), "time": at.isoformat()}
    woken: dict[str, str] = world.call("watch_rollout", event)["woken"]
    return woken


def parked(world: World, rollout: Rollout, phase: Phase, **changes: Any) -> None:
    world.given(a_state(rollout, token="t-1", parked_at=AT, phase=phase, **changes))


def many(world: World, count: int) -> list[str]:
    """So many rollouts in flight, each of an endpoint of its own, all waiting."""
    targets = [f"endpoint/many-{number:03d}" for number in range(count)]
    for target in targets:
        rollout = a_rollout(id=f"{target}-g1-e5", target=target)
        state = a_state(
            rollout, target=target, token=f"t-{target}", parked_at=AT, signal=a_signal()
        )
        world.given(state)
    return targets


def asked_for(world: World) -> list[str]:
    """The looks in the queue, taken from it."""
    sqs, url = world.aws("sqs"), os.environ["LOOKS_QUEUE_URL"]
    bodies = list[str]()
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [one["Body"] for one in found]
        for one in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return bodies


def deliver(world: World, body: str) -> dict[str, str]:
    batch = {"Records": [{"messageId": "m-1", "body": body, "eventSource": "aws:sqs"}]}
    woken: dict[str, str] = world.call("watch_rollout", batch)["woken"]
    return woken


def sent(wire: Wire) -> dict[str, Any]:
    (one,) = wire.calls("SendTaskSuccess")
    assert one["taskToken"] == "t-1"
    rollout: dict[str, Any] = json.loads(one["output"])
    return rollout


@pytest.fixture
def baking(world: World, wire: Wire) -> World:
    """Version 4 has 10 %, its alarm is OK, and requests came in for twelve minutes, to both."""
    given_canary(world, wire)
    world.given_requests("v4-e5", 500, at=AT, minutes=12)
    return world


def given_canary(world: World, wire: Wire) -> None:
    """Version 4 has 10 %, its alarm is OK, and requests come in to version 3."""
    wire.always("SendTaskSuccess")
    world.given_endpoint(BOTH, v3_e3=90, v4_e5=10)
    world.given_alarm(CANARY)
    world.given_requests("v3-e3", 900, at=after(-180 * MINUTE), minutes=192)
    parked(world, a_rollout(position=0), Phase.BAKING)


def names_of(asked: Any) -> set[tuple[str, str]]:
    """Metric and variant of each query."""
    metrics = [query["MetricStat"]["Metric"] for query in asked["MetricDataQueries"]]
    variants = [{d["Name"]: d["Value"] for d in one["Dimensions"]} for one in metrics]
    named = zip(metrics, variants, strict=True)
    return {(one["MetricName"], of["VariantName"]) for one, of in named}


def evidence(world: World) -> dict[str, Evidence]:
    """What is stored of the target's verdicts, by name."""
    stored = Evidences(world.table).of(TARGET)
    return {name: Evidence.model_validate_json(text) for name, text in stored}


def test_a_bake_that_is_not_over_is_left_alone(baking: World, wire: Wire) -> None:
    assert watch(baking, at=after(4 * MINUTE)) == {}
    assert wire.calls("SendTaskSuccess") == []


def test_a_canary_that_is_proven_goes_on_to_the_next_step(baking: World, wire: Wire) -> None:
    (woken,) = watch(baking, at=after(11 * MINUTE)).values()

    assert woken.startswith("Shift: the canary is not materially worse; ")
    rollout = sent(wire)
    assert (rollout["action"], rollout["position"]) == ("Shift", 1)
    assert (rollout["verdict"], rollout["blames"]) == ("Passed", False)


def test_a_canary_that_does_worse_than_stable_is_rolled_back(baking: World, wire: Wire) -> None:
    baking.given_requests("v4-e5", 500, at=AT, minutes=6, errors=20)

    watch(baking, at=after(8 * MINUTE))

    rollout = sent(wire)
    assert (rollout["action"], rollout["verdict"], rollout["blames"]) == (
        "RollBack",
        "Failed",
        True,
    )
    assert "stable 0 bad of 5,400 (0 %)" in rollout["reason"]


def test_a_canary_without_requests_is_held(world: World, wire: Wire) -> None:
    given_canary(world, wire)

    assert watch(world, at=after(6 * MINUTE)) == {}
    watch(world, at=after(7 * MINUTE))

    assert (sent(wire)["action"], sent(wire)["verdict"]) == ("Hold", "Inconclusive")
    assert "blind" in sent(wire)["reason"]


def test_a_verdict_comes_with_evidence_that_replays(baking: World, wire: Wire) -> None:
    watch(baking, at=after(11 * MINUTE))

    ((name, stored),) = evidence(baking).items()
    assert name == f"{EXECUTION}/{sent(wire)['evidence']}"
    assert stored.replayed().canonical() == stored.canonical()
    assert stored.answer["reason"] in sent(wire)["reason"]


def test_without_a_verdict_there_is_no_evidence(baking: World, wire: Wire) -> None:
    watch(baking, at=after(4 * MINUTE))

    assert evidence(baking) == {}


def test_a_look_asks_cloudwatch_once_and_for_history_in_the_first_one_only(
    baking: World, wire: Wire
) -> None:
    for minute in range(3, 12):
        watch(baking, at=after(minute * MINUTE))

    asked = wire.calls("GetMetricData")
    assert len(asked) == 9
    metrics = {"Invocations", "Invocation5XXErrors", "InvocationModelErrors"}
    both = {(metric, variant) for metric in metrics for variant in ("v3-e3", "v4-e5")}
    assert [names_of(one) for one in asked] == [both] * 9
    spans = [(one["EndTime"] - one["StartTime"]) / MINUTE for one in asked]
    assert spans == [181, 6, 6, 6, 6, 6, 6, 6, 6]


def test_two_looks_in_a_minute_ask_cloudwatch_once(baking: World, wire: Wire) -> None:
    watch(baking, at=after(8 * MINUTE))
    watch(baking, at=after(8 * MINUTE + 30))

    assert len(wire.calls("GetMetricData")) == 1


def test_a_look_whose_time_has_passed_changes_nothing(baking: World, wire: Wire) -> None:
    watch(baking, at=after(8 * MINUTE))
    before = Evidences(baking.table).tally(TARGET, EXECUTION)

    watch(baking, at=after(5 * MINUTE))

    assert Evidences(baking.table).tally(TARGET, EXECUTION) == before


def test_minutes_before_the_weight_is_in_effect_are_not_the_steps(world: World, wire: Wire) -> None:
    given_canary(world, wire)
    world.endpoint_becomes("Updating")
    assert [watch(world, at=after(minute * MINUTE)) for minute in range(1, 9)] == [{}] * 8
    world.endpoint_becomes("InService")

    watch(world, at=after(9 * MINUTE))

    tally = Evidences(world.table).tally(TARGET, EXECUTION)
    assert tally
    assert [one.since for one in tally.starts] == [after(9 * MINUTE)]
    assert wire.calls("SendTaskSuccess") == [], "nobody is blind who had no weight"


def test_nothing_is_asked_of_cloudwatch_before_there_is_weight(world: World, wire: Wire) -> None:
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    world.endpoint_becomes("Updating")
    parked(world, a_rollout(), Phase.PROVISIONING)

    watch(world, at=after(5 * MINUTE))

    assert wire.calls("GetMetricData") == []


def test_metrics_that_cannot_be_read_end_in_a_hold(
    baking: World, wire: Wire, faults: Faults
) -> None:
    with faults.refusing("GetMetricData", "AccessDenied"):
        for minute in range(3, 12):
            assert watch(baking, at=after(minute * MINUTE)) == {}
        watch(baking, at=after(12 * MINUTE))

    assert sent(wire)["action"] == "Hold"
    assert "CloudWatch did not answer 10 looks in a row" in sent(wire)["reason"]


def test_a_verdict_is_for_the_release_only_with_every_alarm_ok(baking: World, wire: Wire) -> None:
    baking.given_alarm(CANARY, "INSUFFICIENT_DATA")

    assert watch(baking, at=after(11 * MINUTE)) == {}


def test_an_alarm_that_nobody_told_of_is_seen(baking: World, wire: Wire) -> None:
    baking.given_alarm(CANARY, "ALARM")

    watch(baking, at=after(MINUTE))

    rollout = sent(wire)
    assert (rollout["action"], rollout["blames"]) == ("RollBack", True)
    assert rollout["reason"] == f"alarm {ALARM} while v4-e5 had 10 %"


@pytest.mark.parametrize("trouble", ["deleted", "INSUFFICIENT_DATA"])
def test_an_alarm_that_cannot_be_read_adds_no_weight(
    baking: World, wire: Wire, trouble: str
) -> None:
    if trouble == "deleted":
        baking.aws("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    else:
        baking.given_alarm(CANARY, trouble)

    assert watch(baking, at=after(29 * MINUTE)) == {}
    watch(baking, at=after(30 * MINUTE))

    assert sent(wire)["action"] == "Hold"


def test_a_cloudwatch_that_does_not_answer_adds_no_weight(
    baking: World, wire: Wire, faults: Faults
) -> None:
    with faults.refusing("DescribeAlarms", "AccessDenied"):
        assert watch(baking, at=after(29 * MINUTE)) == {}
        watch(baking, at=after(30 * MINUTE))

    assert sent(wire)["action"] == "Hold"
    assert baking.history() == ["AlarmsUnread"]


def test_an_endpoint_event_says_where_to_look(world: World, wire: Wire) -> None:
    wire.always("SendTaskSuccess")
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    world.given_alarm(CANARY)
    parked(world, a_rollout(), Phase.PROVISIONING)

    answer = world.call("watch_rollout", an_event("sagemaker_endpoint_in_service"))

    assert answer == {"woken": {TARGET: "Shift: provisioned"}}
    assert sent(wire)["position"] == 0


def test_an_endpoint_in_progress_is_waited_for(world: World, wire: Wire) -> None:
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    world.endpoint_becomes("Updating")
    parked(world, a_rollout(), Phase.PROVISIONING)

    assert watch(world, at=after(90 * MINUTE)) == {}


def test_an_update_that_sagemaker_rolled_back_is_no_success(world: World, wire: Wire) -> None:
    wire.always("SendTaskSuccess")
    world.given_endpoint("churn-v3-e3", v3_e3=100)
    parked(world, a_rollout(reason="no capacity"), Phase.PROVISIONING)

    watch(world, at=after(2 * MINUTE))

    assert (sent(wire)["action"], sent(wire)["reason"]) == (
        "RollBack",
        "provisioning failed: no capacity",
    )


def test_a_lost_wake_up_is_sent_again(baking: World, wire: Wire) -> None:
    parked(baking, a_rollout(position=0), Phase.BAKING, signal=a_signal())

    watch(baking, at=after(MINUTE))

    assert (sent(wire)["action"], sent(wire)["reason"]) == ("RollBack", a_signal().reason)


def test_a_machine_somebody_else_woke_is_not_reported_as_woken(baking: World, wire: Wire) -> None:
    wire.refuse("SendTaskSuccess", "TaskTimedOut")

    assert watch(baking, at=after(11 * MINUTE)) == {}


def test_looking_writes_what_was_counted_and_nothing_else(baking: World, wire: Wire) -> None:
    before = baking.state
    wire.asked.clear()

    watch(baking, at=after(4 * MINUTE))

    assert baking.state == before
    written = wire.calls("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
    assert [one["Item"]["pk"]["S"] for one in written] == [f"EVIDENCE#{TARGET}"]


def test_nobody_in_flight_nobody_asked(world: World, faults: Faults) -> None:
    world.given(a_state())

    with faults.recorded() as operations:
        assert watch(world, at=AT) == {}

    assert operations == ["Query"]


def test_one_target_in_trouble_does_not_keep_the_others_waiting(baking: World, wire: Wire) -> None:
    stuck = a_rollout(id="aaa-g1-e5", target="endpoint/aaa")
    baking.given(a_state(stuck, target="endpoint/aaa", token="t-0", parked_at=AT))
    item = baking.table.get("TARGET#endpoint/aaa", "STATE")
    baking.table.write(baking.table.put({**(item or {}), "phase": "Unheard"}))

    with pytest.raises(ExceptionGroup):
        watch(baking, at=after(11 * MINUTE))

    assert sent(wire)["id"] == "churn-g1-e5"


def test_many_rollouts_are_fanned_out_and_each_is_looked_at(world: World, wire: Wire) -> None:
    wire.always("SendTaskSuccess")
    wire.always("DescribeEndpoint", EndpointName="many", EndpointStatus="Updating")
    targets = many(world, 43)
    wire.asked.clear()

    assert watch(world, at=after(MINUTE)) == {}

    operations = [operation for operation, _ in wire.asked]
    assert set(operations) == {"Query", "SendMessageBatch"}
    assert operations.count("SendMessageBatch") == 5
    looks = asked_for(world)
    assert sorted(json.loads(one)["target"] for one in looks) == targets
    woken = [target for look in looks for target in deliver(world, look)]
    assert sorted(woken) == targets
    assert len(wire.calls("SendTaskSuccess")) == 43


def test_ten_rollouts_are_looked_at_at_once(world: World, wire: Wire) -> None:
    wire.always("SendTaskSuccess")
    wire.always("DescribeEndpoint", EndpointName="many", EndpointStatus="Updating")
    targets = many(world, MOST_AT_ONCE)

    assert sorted(watch(world, at=after(MINUTE))) == targets
    assert asked_for(world) == []


def test_a_look_in_trouble_is_delivered_again_alone(world: World, wire: Wire) -> None:
    wire.always("SendTaskSuccess")
    wire.always("DescribeEndpoint", EndpointName="many", EndpointStatus="Updating")
    targets = many(world, MOST_AT_ONCE + 1)
    item = world.table.get(f"TARGET#{targets[0]}", "STATE")
    world.table.write(world.table.put({**(item or {}), "phase": "Unheard"}))

    watch(world, at=after(MINUTE))
    looks = {json.loads(one)["target"]: one for one in asked_for(world)}

    with pytest.raises(ExceptionGroup):
        deliver(world, looks.pop(targets[0]))
    assert [target for look in looks.values() for target in deliver(world, look)] == targets[1:]


def test_a_look_that_comes_twice_wakes_once(baking: World, wire: Wire) -> None:
    look = look_at(TARGET, at=after(11 * MINUTE))
    before = baking.state

    assert list(deliver(baking, look)) == [TARGET]
    wire.refuse("SendTaskSuccess", "TaskTimedOut")
    assert deliver(baking, look) == {}

    assert baking.state == before


def test_a_look_asked_for_before_the_wait_began_is_none(baking: World, wire: Wire) -> None:
    wire.asked.clear()

    assert deliver(baking, look_at(TARGET, at=after(-MINUTE))) == {}

    assert [operation for operation, _ in wire.asked] == ["GetItem"]


def test_an_endpoint_whose_clock_is_ahead_ends_no_bake(baking: World, wire: Wire) -> None:
    early = watch(baking, at=after(60 * MINUTE), because="sagemaker_endpoint_in_service")

    assert (early, wire.calls("SendTaskSuccess")) == ({}, [])
    assert watch(baking, at=after(60 * MINUTE)) != {}, "the schedule's clock does"


def test_a_queue_that_takes_only_some_looks_fails_the_tick(world: World, wire: Wire) -> None:
    many(world, MOST_AT_ONCE + 1)
    failed = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    wire.once("SendMessageBatch", Successful=[], Failed=failed)

    with pytest.raises(NotSentError):
        watch(world, at=after(MINUTE))
