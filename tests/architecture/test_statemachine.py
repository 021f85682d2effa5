"""The machine carries out and waits; nothing in it may get lost, stuck or away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.patience import TASK
from tests.architecture.project import MACHINES, SLUICE, following, machine, sources, tasks

if TYPE_CHECKING:
    from pathlib import Path

every_machine = pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)

DYNAMODB_TRANSIENT = {
    "DynamoDb.TransactionConflictException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.ThrottlingException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.SdkClientException",
}
LAMBDA_TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "ContentionError",
}
TRANSIENT = {
    "lambda:invoke": LAMBDA_TRANSIENT,
    "dynamodb": DYNAMODB_TRANSIENT,
}
LEASE_ENDS = {"ReleaseTarget", "Displaced"}
CHANGING = {"Provision", "ShiftTraffic", "RollBack", "DropVariant", "ConfirmWeights"}
"""States that change what an endpoint serves: all of them `shift_traffic`'s."""
BUSY = {"PrepareRollout", *CHANGING}
"""States whose function answers EndpointBusyError while SageMaker works."""


def kind(task: dict[str, Any]) -> str:
    resource: str = task["Resource"]
    return next(kind for kind in TRANSIENT if kind in resource)


def callbacks(path: Path) -> dict[str, dict[str, Any]]:
    return {
        name: task
        for name, task in tasks(path).items()
        if task["Resource"].endswith(".waitForTaskToken")
    }


def caught(task: dict[str, Any]) -> dict[str, str]:
    return {
        error: catch["Next"] for catch in task.get("Catch", []) for error in catch["ErrorEquals"]
    }


def retries(path: Path, errors: set[str]) -> dict[str, dict[str, Any]]:
    """The retry block for exactly these errors in each state that has one."""
    return {
        name: retry
        for name, task in tasks(path).items()
        for retry in task["Retry"]
        if set(retry["ErrorEquals"]) == errors
    }


# Every task.


@every_machine
def test_the_machine_and_every_task_end_by_themselves(path: Path) -> None:
    assert machine(path)["TimeoutSeconds"] > 0
    for name, task in tasks(path).items():
        assert "TimeoutSeconds" in task, name


@every_machine
def test_every_task_retries_what_passes(path: Path) -> None:
    for name, task in tasks(path).items():
        retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        assert retried >= TRANSIENT[kind(task)], name


@every_machine
@pytest.mark.parametrize("errors", TRANSIENT.values(), ids=TRANSIENT)
def test_copies_of_a_retry_are_alike(path: Path, errors: set[str]) -> None:
    blocks = list(retries(path, errors).values())

    assert blocks
    assert all(block == blocks[0] for block in blocks)
    assert blocks[0]["JitterStrategy"] == "FULL"
    assert blocks[0]["MaxAttempts"] >= 5


@every_machine
def test_an_endpoint_in_progress_is_waited_for_alike(path: Path) -> None:
    blocks = retries(path, {"EndpointBusyError"})

    assert set(blocks) == BUSY
    assert len({str(block) for block in blocks.values()}) == 1


@every_machine
def test_nothing_is_retried_that_was_meant(path: Path) -> None:
    """Displaced and signalled are answers: another attempt would get the same one."""
    meant = {"DisplacedError", "SignalPendingError", "DynamoDb.ConditionalCheckFailedException"}
    for name, task in tasks(path).items():
        retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
        assert retried & {*meant, "States.ALL", "States.TaskFailed"} == set(), name


@every_machine
def test_an_error_of_ours_is_one_our_code_raises(path: Path) -> None:
    code = "\n".join(source.read_text(encoding="utf-8") for source in sources(SLUICE))
    ours = {
        error
        for task in tasks(path).values()
        for error in {*caught(task), *(e for r in task["Retry"] for e in r["ErrorEquals"])}
        if "." not in error
    }

    assert ours == {"ContentionError", "DisplacedError", "EndpointBusyError", "SignalPendingError"}
    for error in ours:
        assert re.search(rf"^class {error}\(Exception\)", code, re.MULTILINE), error


# Waiting.


@every_machine
def test_a_wait_parks_its_token_under_the_lease_and_not_against_a_signal(path: Path) -> None:
    for name, task in callbacks(path).items():
        arguments = task["Arguments"]
        condition = arguments["ConditionExpression"]
        assert "epoch = :epoch AND holder = :holder" in condition, name
        assert ("attribute_not_exists(#signal)" in condition) is (name != "AwaitDrop"), name
        assert "ADD revision :one" in arguments["UpdateExpression"], name
        values = arguments["ExpressionAttributeValues"]
        assert values[":token"] == {"S": "{% $states.context.Task.Token %}"}, name
        assert values[":rollout"] == {"S": "{% $string($rollout) %}"}, name


@every_machine
def test_each_wait_is_a_phase_of_its_own(path: Path) -> None:
    phases = {
        name: task["Arguments"]["ExpressionAttributeValues"][":phase"]["S"]
        for name, task in callbacks(path).items()
    }

    assert phases == {
        "AwaitProvision": "Provisioning",
        "Bake": "Baking",
        "Hold": "Held",
        "StandBy": "StandingBy",
        "AwaitDrop": "Settling",
    }


@every_machine
def test_a_wait_is_ended_by_an_answer_a_condition_or_its_time(path: Path) -> None:
    for name, task in callbacks(path).items():
        ends = caught(task)
        failed = ends["DynamoDb.ConditionalCheckFailedException"]
        assert failed == ("Displaced" if name == "AwaitDrop" else "ReadSignal"), name
        assert {"States.Timeout", "States.ALL"} <= set(ends), name
        assert task["Assign"] == {"rollout": "{% $states.result %}"}, name


# The graph.


@every_machine
def test_every_state_can_be_reached_and_every_next_exists(path: Path) -> None:
    states = machine(path)["States"]
    found, pending = set(), {machine(path)["StartAt"]}
    while pending:
        name = pending.pop()
        found.add(name)
        pending |= following(states[name]) - found

    assert found == set(states)


@every_machine
def test_every_choice_has_a_default(path: Path) -> None:
    for name, state in machine(path)["States"].items():
        if state["Type"] == "Choice":
            assert "Default" in state, name


@every_machine
def test_no_way_past_the_end_of_the_lease(path: Path) -> None:
    """From every state whatever happens leads through ReleaseTarget, or to Displaced."""
    states = machine(path)["States"]
    terminal = {name for name, state in states.items() if state["Type"] in {"Succeed", "Fail"}}
    for start in states:
        if start in LEASE_ENDS | terminal | {"Ended"}:
            continue
        seen, pending = set(), {start}
        while pending:
            name = pending.pop()
            seen.add(name)
            if name not in LEASE_ENDS:
                pending |= following(states[name]) - seen
        assert seen & (terminal - LEASE_ENDS) == set(), start
        assert seen & LEASE_ENDS, start


@every_machine
def test_a_displaced_execution_makes_no_other_call(path: Path) -> None:
    displaced = machine(path)["States"]["Displaced"]

    assert displaced["Type"] == "Fail"
    for name, task in tasks(path).items():
        if "DisplacedError" in caught(task):
            assert caught(task)["DisplacedError"] == "Displaced", name


@every_machine
def test_whatever_may_add_weight_hears_signals(path: Path) -> None:
    for name in ("PrepareRollout", "Provision", "SmokeTest", "ShiftTraffic", "Promote"):
        ends = caught(tasks(path)[name])
        assert ends["SignalPendingError"] == "ReadSignal", name
        assert ends["States.ALL"] == "Broken", name


@every_machine
def test_a_rollout_that_broke_fails_after_its_traffic_went_back(path: Path) -> None:
    states = machine(path)["States"]

    assert states["Broken"]["Next"] == "RollBack"
    assert states["RollBack"]["Next"] == "RecordOutcome"
    assert states["Ended"]["Default"] == "Failed"
    for name, task in tasks(path).items():
        for catch in task.get("Catch", []):
            if catch["Next"] == "Broken":
                assert catch["Assign"] == {"error": "{% $states.errorOutput %}"}, name


@every_machine
def test_the_way_back_swallows_nothing(path: Path) -> None:
    """If traffic cannot go back the execution fails, and reconcile replaces it."""
    for name in ("RollBack", "RecordOutcome", "ReleaseTarget"):
        assert set(caught(tasks(path)[name])) == {"DisplacedError"}, name


@every_machine
def test_a_signal_is_read_consistently(path: Path) -> None:
    assert tasks(path)["ReadSignal"]["Arguments"]["ConsistentRead"] is True


@every_machine
def test_only_the_function_that_writes_its_intent_first_changes_an_endpoint(path: Path) -> None:
    for name, task in tasks(path).items():
        assert "sagemaker" not in task["Resource"], name
        function = task["Arguments"].get("FunctionName")
        assert (function == "${ShiftTrafficFunctionArn}") is (name in CHANGING), name


@every_machine
def test_a_drop_that_fails_does_not_fail_the_rollout(path: Path) -> None:
    for name in ("DropVariant", "AwaitDrop", "ConfirmWeights"):
        (rest,) = [one for one in tasks(path)[name]["Catch"] if "States.ALL" in one["ErrorEquals"]]
        assert rest["Next"] in {"ConfirmWeights", "ReleaseTarget"}, name
        assert "error" not in rest.get("Assign", {}), name
    assert tasks(path)["AwaitDrop"]["Next"] == "ConfirmWeights"


@every_machine
def test_an_alarm_before_the_drop_still_finds_what_stands_by(path: Path) -> None:
    assert caught(tasks(path)["DropVariant"])["SignalPendingError"] == "ReadSignal"


@every_machine
def test_tasks_get_the_rollout_and_the_time_their_state_was_entered(path: Path) -> None:
    for name, task in tasks(path).items():
        if kind(task) == "lambda:invoke":
            payload = task["Arguments"]["Payload"]
            assert set(payload) == {"rollout", "at"}, name
            assert payload["at"] == "{% $states.context.State.EnteredTime %}", name
            assert task["TimeoutSeconds"] == TASK.total_seconds(), name
