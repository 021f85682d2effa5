"""Functions for the contract tests: packed, given a role, and created."""

import io
import json
import zipfile
from typing import Any

from localcloud.launcher import LocalCloud
from tests.localcloud.waiting import until

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def archive(files: dict[str, str]) -> bytes:
    """A zip of text files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return content.getvalue()


def create_role(client: Any, name: str, statements: list[dict[str, Any]]) -> str:
    """A role functions may take, allowed to log and what `statements` say; its ARN."""
    iam = client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))
    iam.attach_role_policy(RoleName=name, PolicyArn=LOGS)
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    arn: str = role["Role"]["Arn"]
    return arn


def create_function(
    client: Any,
    name: str,
    code: str,
    *,
    statements: list[dict[str, Any]] | None = None,
    **settings: Any,
) -> str:
    """A function whose handler is `app.handler` in `code`, ready to be invoked; its ARN."""
    role = create_role(client, f"{name}-role", statements or [])
    created = client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": code})},
        **settings,
    )
    functions = client("lambda")
    until(
        lambda: functions.get_function_configuration(FunctionName=name)["State"] == "Active",
        "the function is active",
    )
    arn: str = created["FunctionArn"]
    return arn


def settled(client: Any, name: str) -> Any:
    """Wait until the function's last update is over; its configuration."""
    functions = client("lambda")
    return until(
        lambda: (
            found
            if (found := functions.get_function_configuration(FunctionName=name))[
                "LastUpdateStatus"
            ]
            == "Successful"
            else None
        ),
        "the update is over",
    )


def configure(client: Any, name: str, **settings: Any) -> Any:
    """Update the function's configuration, and wait until it is; the configuration."""
    client("lambda").update_function_configuration(FunctionName=name, **settings)
    return settled(client, name)


def publish(client: Any, name: str, code: str) -> str:
    """Put new code into a function and publish it; the version."""
    functions = client("lambda")
    functions.update_function_code(FunctionName=name, ZipFile=archive({"app.py": code}))
    settled(client, name)
    version: str = functions.publish_version(FunctionName=name)["Version"]
    return version


def invoke(client: Any, name: str, event: Any = None, **named: Any) -> Any:
    """Invoke and wait: the response with its payload read."""
    answer = client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail", **named
    )
    return {**answer, "Payload": json.loads(answer["Payload"].read())}


def total(client: Any, cloud: LocalCloud, namespace: str, name: str, **by: str) -> float:
    """The sum of a metric over the last virtual hours."""
    now = cloud.now().timestamp()
    points = client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in by.items()],
        StartTime=now - 7200,
        EndTime=now + 3600,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))
