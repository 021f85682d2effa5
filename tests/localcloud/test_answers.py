"""The check of answers: it sees what AWS's service models do not allow, and it does look.

Every other contract test stands on it: an answer with a fault fails the test that was answered so.

Model: sagemaker.CreateEndpoint
Model: stepfunctions.DescribeExecution
Model: bedrock-runtime.ConverseStream
AWS: sagemaker/latest/APIReference/CommonErrors.html
"""

import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from ministack.services import lambda_svc

from localcloud.answers.check import Answer, faults
from localcloud.answers.operations import Request, operation_of
from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients

ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn"


def operation(service: str, name: str) -> Any:
    """Botocore's model of one operation."""
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def found(service: str, name: str, body: Any, status: int = 200, **headers: str) -> list[str]:
    """The faults of one answer."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return faults(operation(service, name), Answer(status, named, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param({"EndpointArn": ENDPOINT}, None, id="right"),
        pytest.param({}, "/EndpointArn: required, and absent", id="absent"),
        pytest.param({"EndpointArn": None}, "/EndpointArn: required, and absent", id="null"),
        pytest.param({"EndpointArn": 7}, "/EndpointArn: 7 is not a string", id="type"),
        pytest.param(
            {"EndpointArn": "the endpoint that is called churn"},
            "does not match arn:",
            id="pattern",
        ),
        pytest.param(
            {"EndpointArn": ENDPOINT, "Status": "ok"}, "/Status: no such member", id="unknown"
        ),
    ],
)
def test_an_answer_is_held_against_the_output_shape(body: Any, fault: str | None) -> None:
    # botocore: sagemaker, shape CreateEndpointOutput.
    seen = found("sagemaker", "CreateEndpoint", body)
    assert (seen == []) if fault is None else (len(seen) == 1 and fault in seen[0]), seen


@pytest.mark.parametrize(
    ("service", "name", "body", "fault"),
    [
        (
            "stepfunctions",
            "DescribeExecution",
            {"status": "DONE"},
            "'DONE' is none of the 6 values of ExecutionStatus",
        ),
        (
            "stepfunctions",
            "DescribeExecution",
            {"startDate": "2026-01-01T00:00:00Z"},
            "is not a number",
        ),
        ("stepfunctions", "ListExecutions", {"executions": {}}, "/executions: {} is not a list"),
        (
            "stepfunctions",
            "ListExecutions",
            {"executions": [{"name": ""}]},
            "/executions[]/name: length 0",
        ),
        (
            "stepfunctions",
            "ListExecutions",
            {"executions": [{"redriveCount": 0.5}]},
            "0.5 is not an integer",
        ),
        (
            "sagemaker",
            "DescribeEndpoint",
            {"ProductionVariants": [{"DesiredWeight": -1}]},
            "-1 is below 0",
        ),
    ],
)
def test_values_are_held_against_their_types_and_limits(
    service: str, name: str, body: Any, fault: str
) -> None:
    # botocore: shapes DescribeExecutionOutput, ListExecutionsOutput and DescribeEndpointOutput.
    assert any(fault in one for one in found(service, name, body))


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("ResourceLimitExceeded", 400, None),
        ("ValidationException", 400, None),
        ("AccessDeniedException", 400, None),
        ("ResourceNotFound", 400, "neither declared by the operation nor common"),
        ("ResourceLimitExceeded", 404, "with status 404, not [400]"),
        ("InternalFailure", 400, "with status 400, not [500]"),
    ],
)
def test_an_error_is_one_the_operation_declares_or_every_one_has(
    code: str, status: int, fault: str | None
) -> None:
    # botocore: sagemaker, errors of CreateEndpoint; API reference, Common Error Types.
    seen = found("sagemaker", "CreateEndpoint", {"__type": code, "message": "no"}, status)
    assert (seen == []) if fault is None else (len(seen) == 1 and fault in seen[0]), seen


def test_an_error_that_is_no_json_is_a_fault() -> None:
    # AWS JSON protocol: errors are JSON documents with a code in __type.
    answer = Answer(500, {}, b"<html>Internal Server Error</html>")
    (fault,) = faults(operation("sagemaker", "CreateModel"), answer)
    assert "no JSON" in fault


def test_the_operation_is_read_off_signature_target_and_path() -> None:
    # Signature Version 4: the credential scope names the service; AWS JSON and REST JSON protocols.
    def signed(service: str, **more: str) -> dict[str, str]:
        scope = f"AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/{service}/aws4_request, x"
        return {"authorization": scope, **more}

    invoked = Request("POST", "/endpoints/churn/invocations", signed("sagemaker"))
    targeted = signed("states", **{"x-amz-target": "AWSStepFunctions.StartExecution"})
    config = Request("GET", "/2015-03-31/functions/f/configuration", signed("lambda"))
    assert operation_of(invoked).name == "InvokeEndpoint"  # type: ignore[union-attr]
    assert operation_of(Request("POST", "/", targeted)).name == "StartExecution"  # type: ignore[union-attr]
    assert operation_of(config).name == "GetFunctionConfiguration"  # type: ignore[union-attr]
    assert operation_of(Request("GET", "/", signed("s3"))) is None
    by_arn = Request("GET", "/foundation-models/arn%3Aaws%3Abedrock%3A%2Fx", signed("bedrock"))
    assert operation_of(by_arn).name == "GetFoundationModel"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("messageStop", {"stopReason": "end_turn"}, None),
        ("messageStop", {"stopReason": "tired"}, "/messageStop/stopReason: 'tired' is none of"),
        ("messageStart", {}, "/messageStart/role: required, and absent"),
        ("thought", {}, "/thought: no such event"),
    ],
)
def test_each_event_of_a_stream_is_held_against_its_shape(
    name: str, content: Any, fault: str | None
) -> None:
    # botocore: bedrock-runtime, shape ConverseStreamOutput.
    named = {":message-type": "event", ":event-type": name}
    event = lambda_svc._es_encode_message(named, json.dumps(content).encode())
    seen = faults(operation("bedrock-runtime", "ConverseStream"), Answer(200, {}, event))
    assert (seen == []) if fault is None else (len(seen) == 1 and fault in seen[0]), seen


def test_answers_are_checked_as_they_leave_the_gateway(cloud: LocalCloud, client: Clients) -> None:
    # Ours: without this count, a check that never looks would look like one that finds nothing.
    before = cloud.control("answers")["checked"].get("sagemaker.DescribeEndpoint", 0)
    with pytest.raises(ClientError):
        client("sagemaker").describe_endpoint(EndpointName="none")
    assert cloud.control("answers")["checked"]["sagemaker.DescribeEndpoint"] == before + 1
