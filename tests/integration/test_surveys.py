"""The schedule's survey of many groups: a message each, and what a group costs does not grow."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.adapters.queue import MOST_AT_ONCE, NotSentError
from tests.builders import a_release, an_event

if TYPE_CHECKING:
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

TICK = an_event("events_scheduled")


def many(world: World, count: int, *, status: str = "Approved") -> list[str]:
    """So many groups, each with one version for an endpoint of its own."""
    groups = [f"many-{number:03d}" for number in range(count)]
    for group in groups:
        world.given_release(a_release(f"{group}-v1", target=group), status=status)
    return groups


def asked_for(world: World) -> dict[str, str]:
    """The messages in the queue by their group, taken from it."""
    sqs, url = world.aws("sqs"), os.environ["SURVEYS_QUEUE_URL"]
    bodies = list[str]()
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [one["Body"] for one in found]
        for one in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return {json.loads(one)["group"]: one for one in bodies}


def deliver(world: World, body: str) -> list[str]:
    batch = {"Records": [{"messageId": "m-1", "body": body, "eventSource": "aws:sqs"}]}
    answers: list[str] = world.call("reconcile_target", batch)["answers"]
    return answers


def test_the_cost_of_a_tick_is_a_message_for_each_group(world: World, faults: Faults) -> None:
    groups = many(world, 43)

    with faults.recorded() as operations:
        assert world.call("reconcile_target", TICK)["answers"] == []

    assert Counter(operations) == {"Query": 1, "SendMessageBatch": 5}
    assert sorted(asked_for(world)) == groups
    assert world.executions() == {}


def test_each_group_is_surveyed_for_what_it_alone_costs(world: World, faults: Faults) -> None:
    groups = many(world, MOST_AT_ONCE + 1, status="PendingManualApproval")
    world.decide(
        world.aws("sagemaker").list_model_packages(ModelPackageGroupName=groups[0])[
            "ModelPackageSummaryList"
        ][0]["ModelPackageArn"],
        "Approved",
    )
    world.call("reconcile_target", TICK)
    costs = dict[str, Counter[str]]()
    for group, body in sorted(asked_for(world).items()):
        with faults.recorded() as operations:
            deliver(world, body)
        costs[group] = Counter(operations)

    assert world.executions() == {f"{groups[0]}-g1-e1": "RUNNING"}, "nothing was approved but this"
    resting = [cost for group, cost in costs.items() if group != groups[0]]
    assert all(cost == resting[0] for cost in resting)
    assert resting[0] == {"Query": 2, "ListModelPackages": 1, "DescribeAlarms": 1, "GetItem": 2}


def test_few_groups_are_surveyed_at_once(world: World) -> None:
    groups = many(world, MOST_AT_ONCE)

    assert len(world.call("reconcile_target", TICK)["answers"]) == MOST_AT_ONCE

    assert asked_for(world) == {}
    assert sorted(world.executions()) == [f"{group}-g1-e1" for group in groups]


def test_a_group_in_trouble_is_delivered_again_alone(world: World) -> None:
    groups = many(world, MOST_AT_ONCE + 1)
    item = world.table.get(f"RELEASE#{groups[0]}", "V#000001")
    world.table.write(world.table.put({**(item or {}), "capture": "Unheard"}))

    world.call("reconcile_target", TICK)
    surveys = asked_for(world)

    with pytest.raises(ExceptionGroup) as raised:
        deliver(world, surveys.pop(groups[0]))
    assert raised.group_contains(RecordUnreadableError, match="Unheard")
    for body in surveys.values():
        deliver(world, body)
    assert sorted(world.executions()) == [f"{group}-g1-e1" for group in groups[1:]]


def test_a_record_in_trouble_keeps_no_other_release_of_its_group_waiting(world: World) -> None:
    groups = many(world, MOST_AT_ONCE + 1)
    world.given_release(a_release(f"{groups[0]}-v2", target="another"))
    item = world.table.get(f"RELEASE#{groups[0]}", "V#000001")
    world.table.write(world.table.put({**(item or {}), "capture": "Unheard"}))
    world.call("reconcile_target", TICK)

    with pytest.raises(ExceptionGroup):
        deliver(world, asked_for(world)[groups[0]])

    assert sorted(world.executions()) == ["another-g1-e1"]


def test_a_survey_that_comes_twice_starts_once(world: World) -> None:
    groups = many(world, MOST_AT_ONCE + 1)
    world.call("reconcile_target", TICK)
    body = asked_for(world)[groups[0]]

    deliver(world, body)
    (answer,) = deliver(world, body)

    assert answer == f"endpoint/{groups[0]}: {groups[0]}-g1-e1 holds the target"


def test_a_queue_that_takes_only_some_surveys_fails_the_tick(world: World, wire: Wire) -> None:
    many(world, MOST_AT_ONCE + 1)
    failed = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    wire.once("SendMessageBatch", Successful=[], Failed=failed)

    with pytest.raises(NotSentError):
        world.call("reconcile_target", TICK)
