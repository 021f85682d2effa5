"""What failed calls are called in Retry and Catch, and whose permissions they run with.

AWS: step-functions/latest/dg/concepts-error-handling.html
AWS: step-functions/latest/dg/supported-services-awssdk.html
AWS: step-functions/latest/dg/connect-lambda.html
"""

import json
import time
from typing import Any

import pytest

from tests.localcloud.functions import create_function
from tests.localcloud.machines import (
    ANYTHING,
    create_machine,
    finish,
    history,
    output,
    run,
    run_states,
    start,
)
from tests.localcloud.processes import printed_by
from tests.localcloud.waiting import within

FUNCTION = """
import time
class EndpointBusyError(Exception): pass
def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise EndpointBusyError("updating")
    return {"echo": event}
"""


def calling(resource: str, arguments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """States that make one call and return its result, or what was caught."""
    catch = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}
    return {
        "Call": {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Arguments": arguments,
            "Catch": [catch],
            "End": True,
            **fields,
        },
        "Caught": {"Type": "Succeed"},
    }


@pytest.fixture(scope="module")
def function(client: Any) -> str:
    """A function that echoes, fails or sleeps as its event says."""
    name = f"workflow-errors-{int(time.time() * 1000)}"
    return create_function(client, name, FUNCTION, Timeout=60)


def test_a_function_is_called_with_its_payload(client: Any, unique: str, function: str) -> None:
    states = calling(
        "lambda:invoke",
        {"FunctionName": function, "Payload": {"n": "{% $states.input.n + 1 %}"}},
        Output="{% $states.result.Payload %}",
    )

    assert output(run_states(client, unique, states, {"n": 1})) == {"echo": {"n": 2}}


def test_an_exception_of_a_function_is_named_by_its_class(
    client: Any, unique: str, function: str
) -> None:
    states = calling("lambda:invoke", {"FunctionName": function, "Payload": {"fail": True}})
    states["Call"]["Catch"][0]["ErrorEquals"] = ["EndpointBusyError"]

    caught = output(run_states(client, unique, states))

    assert caught["Error"] == "EndpointBusyError"
    assert json.loads(caught["Cause"])["errorMessage"] == "updating"


def test_a_function_that_is_not_there_has_the_name_of_the_old_sdk(client: Any, unique: str) -> None:
    states = calling("lambda:invoke", {"FunctionName": unique, "Payload": {}})

    assert output(run_states(client, unique, states))["Error"] == "Lambda.ResourceNotFoundException"


def test_a_function_the_role_may_not_call_is_a_general_error(
    client: Any, unique: str, function: str
) -> None:
    states = calling("lambda:invoke", {"FunctionName": function, "Payload": {}})

    caught = output(run_states(client, unique, states, statements=[]))

    assert caught["Error"] == "Lambda.AWSLambdaException"
    assert "is not authorized to perform: lambda:InvokeFunction" in caught["Cause"]


def test_the_limit_of_a_function_counts_real_seconds(
    client: Any, unique: str, function: str
) -> None:
    quick = calling(
        "lambda:invoke", {"FunctionName": function, "Payload": {"sleep": 0.3}}, TimeoutSeconds=30
    )
    slow = calling(
        "lambda:invoke", {"FunctionName": function, "Payload": {"sleep": 30}}, TimeoutSeconds=1
    )

    assert "Payload" in output(run_states(client, f"{unique}-quick", quick))
    began = time.monotonic()
    with within(20):
        assert output(run_states(client, f"{unique}-slow", slow))["Error"] == "States.Timeout"
    assert time.monotonic() - began >= 1


def test_a_direct_call_answers_in_pascal_case_with_times_as_text(client: Any, unique: str) -> None:
    inner = create_machine(client, f"{unique}-inner", {"End": {"Type": "Succeed"}})
    states = calling(
        "aws-sdk:sfn:startExecution",
        {"StateMachineArn": inner, "Name": unique, "Input": {"a": 1}},
        Output="{% $states.result %}",
    )

    result = output(run_states(client, unique, states))

    assert result["ExecutionArn"].endswith(f":execution:{unique}-inner:{unique}")
    assert result["StartDate"].endswith("Z")
    given = client("stepfunctions").describe_execution(executionArn=result["ExecutionArn"])["input"]
    assert json.loads(given) == {"a": 1}


def test_a_modelled_error_of_a_direct_call_is_named_after_its_exception(
    client: Any, unique: str
) -> None:
    states = calling("aws-sdk:dynamodb:getItem", {"TableName": unique, "Key": {"pk": {"S": "x"}}})

    caught = output(run_states(client, unique, states))

    assert caught["Error"] == "DynamoDb.ResourceNotFoundException"
    assert "(Service: DynamoDb, Status Code: 400, Request ID: " in caught["Cause"]


def test_an_error_name_without_its_suffix_gets_it(client: Any, unique: str) -> None:
    states = calling("aws-sdk:sfn:describeExecution", {"ExecutionArn": unique})

    assert output(run_states(client, unique, states))["Error"] in {
        "Sfn.ExecutionDoesNotExistException",
        "Sfn.InvalidArnException",
    }


def test_an_error_that_the_model_does_not_have_is_the_services_general_one(
    client: Any, unique: str
) -> None:
    states = calling("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": unique})

    caught = output(run_states(client, unique, states))

    assert caught["Error"] == "SageMaker.SageMakerException"
    assert "Could not find endpoint" in caught["Cause"]


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("aws-sdk:dynamodb:listTables", {}, "DynamoDb.DynamoDbException"),
        ("aws-sdk:sqs:listQueues", {}, "Sqs.SqsException"),
        ("aws-sdk:sagemaker:listEndpoints", {}, "SageMaker.SageMakerException"),
        ("aws-sdk:cloudwatch:describeAlarms", {}, "CloudWatch.CloudWatchException"),
        ("aws-sdk:sfn:listStateMachines", {}, "Sfn.SfnException"),
        ("dynamodb:getItem", {"TableName": "t", "Key": {}}, "DynamoDB.AmazonDynamoDBException"),
    ],
)
def test_a_call_the_role_may_not_make_is_the_services_general_error(
    client: Any, unique: str, resource: str, arguments: dict[str, Any], error: str
) -> None:
    states = calling(resource, arguments)

    caught = output(run_states(client, unique, states, statements=[]))

    assert caught["Error"] == error
    assert "not authorized" in caught["Cause"]


def test_states_task_failed_leaves_timeouts_alone(client: Any, unique: str, function: str) -> None:
    states = calling(
        "lambda:invoke",
        {"FunctionName": function, "Payload": {"sleep": 30}},
        TimeoutSeconds=1,
    )
    states["Call"]["Catch"].insert(0, {"ErrorEquals": ["States.TaskFailed"], "Next": "Wrong"})
    states["Wrong"] = {"Type": "Fail", "Error": "Wrong"}

    assert output(run_states(client, unique, states))["Error"] == "States.Timeout"


def test_states_all_leaves_runtime_errors_alone(client: Any, unique: str) -> None:
    states = calling("aws-sdk:sqs:noSuchAction", {})

    described = run_states(client, unique, states)

    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")


def test_a_timeout_in_a_branch_keeps_its_name(client: Any, unique: str, function: str) -> None:
    slow = calling(
        "lambda:invoke", {"FunctionName": function, "Payload": {"sleep": 30}}, TimeoutSeconds=1
    )
    del slow["Call"]["Catch"]
    del slow["Caught"]
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "Call", "States": slow}],
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Succeed"},
    }

    described = run_states(client, unique, states)

    assert described["status"] == "SUCCEEDED", (described.get("error"), described.get("cause"))


def test_nothing_is_recorded_after_the_end_of_a_stopped_execution(
    client: Any, unique: str, function: str
) -> None:
    states = calling("lambda:invoke", {"FunctionName": function, "Payload": {"sleep": 3}})
    execution = start(client, create_machine(client, unique, states, statements=ANYTHING))

    client("stepfunctions").stop_execution(executionArn=execution)
    time.sleep(4)  # the function, which nobody stops, has ended by now

    assert finish(client, execution)["status"] == "ABORTED"
    assert history(client, execution)[-1]["type"] == "ExecutionAborted"


@pytest.mark.parametrize("late", ["set_error(error={})", "set_timed_out()"])
def test_what_comes_at_the_moment_of_the_end_changes_nothing(late: str) -> None:
    # Too short a moment to be met from outside: in a process of its own, with our hooks in it.
    moment = f"""
import threading
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from localcloud import hooks
from localcloud.workflows import attempts

attempts.mount()
hooks.install()
stopped = Environment.__new__(Environment)
stopped._state_mutex, stopped.program_state_event = threading.RLock(), threading.Event()
stopped._frames, stopped._program_state = [], ProgramStopped("now", None, None)
stopped.{late}
print(type(stopped._program_state).__name__)
"""
    assert printed_by(moment) == "ProgramStopped\n"


def test_the_fail_state_ends_with_computed_error_and_cause(client: Any, unique: str) -> None:
    states = {
        "Broken": {
            "Type": "Fail",
            "Error": "{% $states.input.error %}",
            "Cause": "{% $string($states.input) %}",
        }
    }

    described = run(client, create_machine(client, unique, states), {"error": "RolloutBroken"})

    assert described["error"] == "RolloutBroken"
    assert json.loads(described["cause"]) == {"error": "RolloutBroken"}
