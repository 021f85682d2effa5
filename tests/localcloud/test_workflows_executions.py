"""Starting, stopping, listing and describing executions, and the clock they run on.

Model: stepfunctions.StartExecution
Model: stepfunctions.StopExecution
Model: stepfunctions.DescribeExecution
Model: stepfunctions.ListExecutions
Model: stepfunctions.GetExecutionHistory
AWS: step-functions/latest/dg/cw-events.html
AWS: step-functions/latest/dg/state-wait.html
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.machines import (
    ANYTHING,
    callback,
    create_machine,
    create_queue,
    create_states_role,
    finish,
    history,
    output,
    receive,
    run_states,
    start,
    until,
)
from tests.localcloud.monitoring import listen
from tests.localcloud.processes import printed_by
from tests.localcloud.waiting import within

WAIT = {"Wait": {"Type": "Wait", "Seconds": 3600, "Next": "End"}, "End": {"Type": "Succeed"}}
MILLISECOND = timedelta(milliseconds=1)
PASS = {"Pass": {"Type": "Pass", "End": True}}


def refused(code: str) -> Any:
    """Expect a call to be refused with this code."""
    return pytest.raises(ClientError, match=rf"\({code}\)")


def test_a_wait_passes_on_the_virtual_clock(client: Any, unique: str) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 120, "Next": "End"}, "End": {"Type": "Succeed"}}

    with within(10):
        described = run_states(client, unique, states)

    virtual = (described["stopDate"] - described["startDate"]).total_seconds()
    assert 120 <= virtual < 600


def test_a_wait_until_a_time_uses_the_virtual_clock(client: Any, unique: str) -> None:
    states = {
        "Wait": {
            "Type": "Wait",
            "Timestamp": "{% $fromMillis($toMillis($states.context.State.EnteredTime) + 90000, "
            "'[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z') %}",
            "Next": "End",
        },
        "End": {"Type": "Succeed"},
    }

    described = run_states(client, unique, states)

    assert output(described) == {}
    assert 88 <= (described["stopDate"] - described["startDate"]).total_seconds() < 600


def test_starting_again_with_the_same_input_returns_the_running_execution(
    client: Any, unique: str
) -> None:
    machine = create_machine(client, unique, WAIT)

    first = start(client, machine, {"a": 1}, name="same")
    again = start(client, machine, {"a": 1}, name="same")

    assert again == first
    with refused("ExecutionAlreadyExists"):
        start(client, machine, {"a": 2}, name="same")
    client("stepfunctions").stop_execution(executionArn=first)
    with refused("ExecutionAlreadyExists"):
        start(client, machine, {"a": 1}, name="same")


@pytest.mark.parametrize(
    ("name", "code"),
    [("x" * 81, "ValidationException"), ("a:b", "InvalidName"), ("a b", "InvalidName")],
)
def test_a_bad_execution_name_is_refused(client: Any, unique: str, name: str, code: str) -> None:
    machine = create_machine(client, unique, PASS)

    with refused(code):
        start(client, machine, name=name)


def test_input_that_is_not_json_is_refused(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, PASS)

    with refused("InvalidExecutionInput"):
        client("stepfunctions").start_execution(stateMachineArn=machine, input="{")


def test_a_machine_that_is_not_there_cannot_start(client: Any) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:nobody"

    with refused("StateMachineDoesNotExist"):
        start(client, arn)


def test_stopping_runs_no_catch(client: Any, unique: str) -> None:
    queue = create_queue(client, unique)
    states = {
        "Ask": callback(
            queue, TimeoutSeconds=86400, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
        ),
        "Caught": {"Type": "Succeed"},
    }
    execution = start(client, create_machine(client, unique, states))
    receive(client, queue)

    with within(2):
        client("stepfunctions").stop_execution(
            executionArn=execution, error="Displaced", cause="why"
        )
        described = client("stepfunctions").describe_execution(executionArn=execution)

    assert (described["status"], described["error"], described["cause"]) == (
        "ABORTED",
        "Displaced",
        "why",
    )
    types = [event["type"] for event in history(client, execution)]
    assert types[-1] == "ExecutionAborted"
    assert "SucceedStateEntered" not in types


def test_stopping_ends_a_retry_interval(client: Any, unique: str) -> None:
    states = {
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl",
            "Arguments": {"QueueName": unique},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600}],
            "End": True,
        }
    }
    execution = start(client, create_machine(client, unique, states))
    until(lambda: "TaskFailed" in [event["type"] for event in history(client, execution)])

    client("stepfunctions").stop_execution(executionArn=execution)

    described = client("stepfunctions").describe_execution(executionArn=execution)
    assert described["status"] == "ABORTED"


def test_executions_that_ended_leave_no_threads_behind(
    client: Any, cloud: LocalCloud, unique: str
) -> None:
    def threads() -> int:
        status = Path(f"/proc/{cloud.pid}/status").read_text()
        return next(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("Threads:")
        )

    machine = create_machine(client, unique, WAIT)
    before = threads()
    running = [start(client, machine) for _ in range(40)]
    assert threads() > before + 40

    for execution in running:
        client("stepfunctions").stop_execution(executionArn=execution)

    until(threads, lambda count: count < before + 20)


def test_a_machine_over_its_time_is_timed_out(client: Any, unique: str) -> None:
    described = run_states(client, unique, WAIT, TimeoutSeconds=60)

    assert described["status"] == "TIMED_OUT"
    assert 60 <= (described["stopDate"] - described["startDate"]).total_seconds() < 600
    assert history(client, described["executionArn"])[-1]["type"] == "ExecutionTimedOut"


def test_retry_intervals_pass_on_the_virtual_clock(client: Any, unique: str) -> None:
    states = {
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl",
            "Arguments": {"QueueName": unique},
            "Retry": [
                {
                    "ErrorEquals": ["States.TaskFailed"],
                    "IntervalSeconds": 20,
                    "BackoffRate": 2,
                    "MaxAttempts": 2,
                }
            ],
            "End": True,
        }
    }

    described = run_states(client, unique, states)

    assert described["status"] == "FAILED"
    assert (described["stopDate"] - described["startDate"]).total_seconds() >= 60
    types = [event["type"] for event in history(client, described["executionArn"])]
    assert types.count("TaskFailed") == 3


def test_executions_are_listed_newest_first_by_status_and_page(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, PASS)
    started = [start(client, machine, name=f"run-{number}") for number in range(5)]
    for execution in started:
        finish(client, execution)

    pages = list(
        client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=machine, statusFilter="SUCCEEDED", maxResults=2)
    )

    listed = [item["executionArn"] for page in pages for item in page["executions"]]
    assert listed == started[::-1]
    assert [len(page["executions"]) for page in pages] == [2, 2, 1]
    running = client("stepfunctions").list_executions(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    assert running["executions"] == []


def test_a_history_is_paged_and_reversed(client: Any, unique: str) -> None:
    described = run_states(client, unique, PASS)
    stepfunctions = client("stepfunctions")

    page = stepfunctions.get_execution_history(
        executionArn=described["executionArn"], reverseOrder=True, maxResults=2
    )

    assert [event["type"] for event in page["events"]] == ["ExecutionSucceeded", "PassStateExited"]
    assert "nextToken" in page
    whole = history(client, described["executionArn"])
    assert [event["id"] for event in whole] == list(range(1, len(whole) + 1))
    assert whole[0]["timestamp"] >= described["startDate"]


def test_the_status_of_an_execution_is_an_event(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, PASS)
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    queue = listen(client, unique, pattern)

    execution = start(client, machine, {"a": 1}, name=f"{unique}-run")

    seen = {
        event["detail"]["status"]: event
        for event in (receive(client, queue), receive(client, queue))
    }
    assert seen.keys() == {"RUNNING", "SUCCEEDED"}
    ended = seen["SUCCEEDED"]
    assert ended["detail-type"] == "Step Functions Execution Status Change"
    assert ended["resources"] == [execution]
    detail = ended["detail"]
    assert detail["executionArn"] == execution
    assert detail["name"] == f"{unique}-run"
    assert (detail["input"], detail["output"]) == ('{"a": 1}', '{"a":1}')
    assert detail["inputDetails"] == detail["outputDetails"] == {"included": True}
    assert detail["stopDate"] >= detail["startDate"] > 1_600_000_000_000
    assert seen["RUNNING"]["detail"]["stopDate"] is None


def test_running_executions_keep_their_definition(client: Any, unique: str) -> None:
    queue = create_queue(client, unique)
    states = {
        "Ask": callback(queue, TimeoutSeconds=3600, Next="Old"),
        "Old": {"Type": "Succeed", "Output": "old"},
    }
    machine = create_machine(client, unique, states)
    execution = start(client, machine)
    token = receive(client, queue)["token"]
    stepfunctions = client("stepfunctions")
    new = {
        "QueryLanguage": "JSONata",
        "StartAt": "New",
        "States": {"New": {"Type": "Succeed", "Output": "new"}},
    }

    stepfunctions.update_state_machine(stateMachineArn=machine, definition=json.dumps(new))
    stepfunctions.send_task_success(taskToken=token, output="{}")

    assert output(finish(client, execution)) == "old"
    assert output(finish(client, start(client, machine))) == "new"
    kept = stepfunctions.describe_state_machine_for_execution(executionArn=execution)
    assert "Old" in kept["definition"]


def test_deleting_a_machine_ends_its_executions(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, WAIT)
    execution = start(client, machine)

    client("stepfunctions").delete_state_machine(stateMachineArn=machine)

    assert finish(client, execution)["status"] == "ABORTED"
    with refused("StateMachineDoesNotExist"):
        start(client, machine)


def test_the_role_of_a_caller_is_asked_for_the_machine_and_the_execution(
    client: Any, unique: str
) -> None:
    machine = create_machine(client, unique, PASS)
    other = create_machine(client, f"{unique}-other", PASS)
    iam = client("iam")
    iam.create_user(UserName=unique)
    allowed = [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}]
    iam.put_user_policy(
        UserName=unique,
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed}),
    )
    keys = iam.create_access_key(UserName=unique)["AccessKey"]
    caller = client(
        "stepfunctions",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )

    execution = caller.start_execution(stateMachineArn=machine)["executionArn"]

    with refused("AccessDeniedException"):
        caller.start_execution(stateMachineArn=other)
    with refused("AccessDeniedException"):
        caller.describe_execution(executionArn=execution)


def test_a_role_that_does_not_trust_step_functions_is_refused(client: Any, unique: str) -> None:
    role = create_states_role(client, unique, ANYTHING)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    client("iam").update_assume_role_policy(RoleName=unique, PolicyDocument=json.dumps(trust))
    definition = json.dumps({"StartAt": "Pass", "States": PASS})

    with refused("AccessDeniedException"):
        client("stepfunctions").create_state_machine(
            name=unique, definition=definition, roleArn=role
        )
    with refused("AccessDeniedException"):
        client("stepfunctions").create_state_machine(
            name=unique, definition=definition, roleArn=role + "-missing"
        )


def test_the_threads_of_ended_executions_are_not_kept() -> None:
    # The engine would keep every one for ever: in a process of its own, with our hooks in it.
    moment = """
from moto.stepfunctions.parser.asl.component.program import program
from localcloud import hooks
from localcloud.workflows import executions

executions.mount()
hooks.install()
program.TMP_THREADS.append("an ended one")
print(list(program.TMP_THREADS))
"""
    assert printed_by(moment) == "[]\n"


def test_machines_and_executions_begin_on_the_virtual_clock(
    cloud: LocalCloud, client: Any, unique: str
) -> None:
    before = cloud.now() - MILLISECOND
    states = {"Pass": {"Type": "Pass", "Output": "{% $states.context %}", "End": True}}
    machine = create_machine(client, unique, states)
    described = finish(client, start(client, machine))
    context = output(described)

    made = client("stepfunctions").describe_state_machine(stateMachineArn=machine)["creationDate"]
    begun = datetime.fromisoformat(context["Execution"]["StartTime"])
    entered = datetime.fromisoformat(context["State"]["EnteredTime"])

    times = [before, made, begun, entered, described["stopDate"] + MILLISECOND, cloud.now()]
    assert times == sorted(times)
