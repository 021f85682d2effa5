"""Functions run as on Lambda: what they see, how they fail, what is written down.

AWS: lambda/latest/dg/python-handler.html
AWS: lambda/latest/dg/python-exceptions.html
AWS: lambda/latest/dg/runtimes-api.html
AWS: lambda/latest/dg/configuring-alias-routing.html
AWS: lambda/latest/dg/monitoring-metrics-types.html
AWS: AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Model: lambda.Invoke
"""

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import (
    archive,
    configure,
    create_function,
    create_role,
    invoke,
    publish,
    total,
)
from tests.localcloud.processes import processes_naming
from tests.localcloud.waiting import until, within

ECHO = "def handler(event, context):\n    return event\n"
LOOK = """
import importlib, os, sys
def handler(event, context):
    found = {}
    for name in event["import"]:
        try:
            found[name] = getattr(importlib.import_module(name), "__file__", None)
        except ImportError as error:
            found[name] = type(error).__name__
    return found
"""


def layer_of(client: Clients, name: str, files: dict[str, str]) -> str:
    """A layer version with these files; its ARN."""
    published = client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": archive(files)}
    )
    arn: str = published["LayerVersionArn"]
    return arn


def logged(client: Clients, name: str) -> list[str]:
    """Everything in the function's log group."""
    events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in events]


def test_a_function_runs_under_its_role_and_knows_who_called(client: Clients, unique: str) -> None:
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    who = boto3.client('sts').get_caller_identity()['Arn']\n"
        "    return [who, context.invoked_function_arn, context.get_remaining_time_in_millis()]\n"
    )
    arn = create_function(client, unique, code, Timeout=30)
    who, called, left = invoke(client, unique)["Payload"]
    assert who == f"arn:aws:sts::123456789012:assumed-role/{unique}-role/{unique}"
    assert called == arn
    assert 0 < left <= 30_000


def test_a_function_may_do_what_its_role_may_and_no_more(client: Clients, unique: str) -> None:
    client("s3").create_bucket(Bucket=unique)
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        f"    boto3.client('s3').put_object(Bucket='{unique}', Key=event, Body=b'')\n"
    )
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{unique}/a/*"}
    create_function(client, unique, code, statements=[write], Timeout=30)
    assert "FunctionError" not in invoke(client, unique, "a/1")
    assert invoke(client, unique, "b/1")["Payload"]["errorType"] == "AccessDenied"
    listed = client("s3").list_objects_v2(Bucket=unique)
    assert [found["Key"] for found in listed["Contents"]] == ["a/1"]


def test_packages_come_from_code_then_layers_then_the_runtime_and_nowhere_else(
    client: Clients, unique: str
) -> None:
    # Lambda's own search path: /var/task, /opt/python, and the image's packages last.
    layer = layer_of(
        client,
        unique,
        {"python/boto3/__init__.py": "", "python/pydantic.py": "", "python/app.py": "1/0"},
    )
    create_function(client, unique, LOOK, Layers=[layer])
    asked = {"import": ["boto3", "pydantic", "botocore", "moto", "ministack", "localcloud"]}
    found = invoke(client, unique, asked)["Payload"]
    assert found["boto3"].endswith("/python/boto3/__init__.py")
    assert found["pydantic"].endswith("/python/pydantic.py")
    assert "/code/" in found["boto3"]
    assert "site-packages/botocore" in found["botocore"]
    assert {found[name] for name in ("moto", "ministack", "localcloud")} == {"ModuleNotFoundError"}


def test_the_last_layer_wins(client: Clients, unique: str) -> None:
    # AWS unpacks layers into /opt in order, so a later file replaces an earlier one.
    first = layer_of(client, f"{unique}-1", {"python/which.py": "NAME = 'first'"})
    second = layer_of(client, f"{unique}-2", {"python/which.py": "NAME = 'second'"})
    code = "import which\ndef handler(event, context):\n    return which.NAME\n"
    create_function(client, unique, code, Layers=[first, second])
    assert invoke(client, unique)["Payload"] == "second"


def test_a_new_layer_version_reaches_the_function(client: Clients, unique: str) -> None:
    old = layer_of(client, unique, {"python/which.py": "NAME = 'old'"})
    code = "import which\ndef handler(event, context):\n    return which.NAME\n"
    create_function(client, unique, code, Layers=[old])
    assert invoke(client, unique)["Payload"] == "old"
    new = layer_of(client, unique, {"python/which.py": "NAME = 'new'"})
    configure(client, unique, Layers=[new])
    assert invoke(client, unique)["Payload"] == "new"


def test_only_lambdas_variables_and_the_functions_own_are_set(client: Clients, unique: str) -> None:
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    chosen = {"Variables": {"MINE": "1", "AWS_REGION": "eu-west-1"}}
    create_function(client, unique, code, Environment=chosen, MemorySize=512)
    seen = invoke(client, unique)["Payload"]
    assert seen["MINE"] == "1"
    assert seen["AWS_REGION"] == "us-east-1"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == unique
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert seen["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{unique}"
    assert not {"HOME", "VIRTUAL_ENV", "PYTHONPATH", "AUTH", "GATEWAY_PORT"} & seen.keys()


def test_a_function_that_is_updated_stays_active(client: Clients, unique: str) -> None:
    # lambda/latest/dg/functions-states.html: LastUpdateStatus tells of updates, State does not.
    create_function(client, unique, ECHO)
    functions = client("lambda")
    updated = functions.update_function_code(FunctionName=unique, ZipFile=archive({"app.py": ECHO}))
    assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
    assert "StateReasonCode" not in updated
    functions.get_waiter("function_updated_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 1})
    told = functions.get_function_configuration(FunctionName=unique)
    assert told["LastUpdateStatus"] == "Successful"
    assert not {"StateReason", "LastUpdateStatusReason"} & told.keys()
    assert told["RuntimeVersionConfig"]["RuntimeVersionArn"].startswith("arn:aws:lambda:")


def test_environments_are_warm_until_the_function_changes(client: Clients, unique: str) -> None:
    code = (
        "import os\nCALLS = []\n"
        "def handler(event, context):\n"
        "    CALLS.append(1)\n    return [os.getpid(), len(CALLS), os.environ.get('VALUE')]\n"
    )
    create_function(client, unique, code)
    first, again = (invoke(client, unique)["Payload"] for _ in range(2))
    assert again == [first[0], 2, None]
    configure(client, unique, Environment={"Variables": {"VALUE": "2"}})
    changed = invoke(client, unique)["Payload"]
    assert changed[0] != first[0]
    assert changed[1:] == [1, "2"]
    client("lambda").update_function_code(FunctionName=unique, ZipFile=archive({"app.py": ECHO}))
    assert invoke(client, unique, "echo")["Payload"] == "echo"


def test_an_error_has_its_own_type_message_and_trace(client: Clients, unique: str) -> None:
    code = "class Boom(Exception): ...\ndef handler(event, context):\n    raise Boom('bad thing')\n"
    create_function(client, unique, code)
    answer = invoke(client, unique)
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Boom"
    assert answer["Payload"]["errorMessage"] == "bad thing"
    assert "raise Boom('bad thing')" in answer["Payload"]["stackTrace"][0]


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("import absent\n", "Runtime.ImportModuleError", "No module named 'absent'"),
        ("x = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("1/0\n", "ZeroDivisionError", "division by zero"),
        ("import os\nos._exit(3)\n", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_a_function_that_cannot_start_says_why_at_once(
    client: Clients, unique: str, code: str, error_type: str, message: str
) -> None:
    create_function(client, unique, code, Timeout=60)
    with within(5):
        answer = invoke(client, unique)
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == error_type
    assert message in answer["Payload"]["errorMessage"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(1)", "Runtime exited with error: exit status 1"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_while_it_works_is_an_exit_error(
    client: Clients, unique: str, act: str, message: str
) -> None:
    code = f"import os\ndef handler(event, context):\n    if event: {act}\n    return 'fine'\n"
    create_function(client, unique, code, Timeout=60)
    failed = invoke(client, unique, True)["Payload"]
    assert failed["errorType"] == "Runtime.ExitError"
    assert failed["errorMessage"].endswith(f"Error: {message}")
    assert invoke(client, unique, False)["Payload"] == "fine"


def test_a_timeout_kills_the_function_and_all_it_started(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    code = (
        "import subprocess, time\n"
        "def handler(event, context):\n"
        f"    subprocess.Popen(['sleep', '{int(unique[1:6], 16) + 1000}'])\n"
        "    time.sleep(30)\n"
    )
    create_function(client, unique, code, Timeout=1)
    failed = invoke(client, unique)["Payload"]
    assert failed["errorType"] == "Sandbox.Timedout"
    assert failed["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    until(lambda: not processes_naming(str(int(unique[1:6], 16) + 1000)), "its child is gone")


def test_concurrent_invocations_have_environments_of_their_own(
    client: Clients, unique: str
) -> None:
    code = (
        "import os, time\n"
        "def handler(event, context):\n    time.sleep(0.5)\n    return os.getpid()\n"
    )
    create_function(client, unique, code, Timeout=30)
    client("lambda").put_function_concurrency(FunctionName=unique, ReservedConcurrentExecutions=1)
    client("lambda").invoke(FunctionName=unique, InvocationType="Event", Payload=b"{}")
    with pytest.raises(Exception, match="TooManyRequestsException"):
        until(lambda: invoke(client, unique) and None, "the second is throttled", seconds=3)


def test_what_is_printed_is_in_the_tail_and_in_the_log_group(client: Clients, unique: str) -> None:
    code = (
        "import logging\n"
        "def handler(event, context):\n    print('said so')\n    logging.error('and logged')\n"
    )
    create_function(client, unique, code)
    answer = invoke(client, unique)
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "said so" in tail
    assert "REPORT RequestId: " in tail
    assert "Init Duration: " in tail
    messages = logged(client, unique)
    assert messages[0].startswith("START RequestId: ")
    assert messages[1] == "said so"
    assert "and logged" in messages[2]
    assert messages[-1].startswith("REPORT RequestId: ")


def test_without_the_permission_to_log_nothing_is_logged(client: Clients, unique: str) -> None:
    create_function(client, unique, ECHO)
    client("iam").detach_role_policy(
        RoleName=f"{unique}-role",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    )
    assert invoke(client, unique, "works")["Payload"] == "works"
    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{unique}")
    assert groups["logGroups"] == []


def test_every_attempt_counts_as_invocation_and_failed_ones_as_errors(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    create_function(client, unique, "def handler(event, context):\n    return 1 / event\n")
    invoke(client, unique, 1)
    invoke(client, unique, 0)
    assert total(client, cloud, "AWS/Lambda", "Invocations", FunctionName=unique) == 2
    assert total(client, cloud, "AWS/Lambda", "Errors", FunctionName=unique) == 1


def test_lines_in_the_embedded_metric_format_become_metrics(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    code = """
import json, time
def handler(event, context):
    metrics = [{"Name": "Shifted", "Unit": "Count"}]
    directive = {"Namespace": "Own", "Dimensions": [["service"]], "Metrics": metrics}
    aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": aws, "service": event, "Shifted": 2.0}))
"""
    create_function(client, unique, code)
    invoke(client, unique, unique)
    assert total(client, cloud, "Own", "Shifted", service=unique) == 2


def test_a_weighted_alias_splits_traffic_and_says_which_version_ran(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    code = "def handler(event, context):\n    return [{}, context.invoked_function_arn]\n"
    arn = create_function(client, unique, code.format(1))
    first = publish(client, unique, code.format(1))
    second = publish(client, unique, code.format(2))
    client("lambda").create_alias(
        FunctionName=unique,
        Name="live",
        FunctionVersion=first,
        RoutingConfig={"AdditionalVersionWeights": {second: 0.5}},
    )
    seen: list[Any] = [invoke(client, unique, Qualifier="live") for _ in range(40)]
    assert all(str(each["Payload"][0]) == each["ExecutedVersion"] for each in seen)
    assert {each["Payload"][1] for each in seen} == {f"{arn}:live"}
    shares = [each["ExecutedVersion"] for each in seen]
    assert 5 <= shares.count(second) <= 35  # 0.5 of 40; outside with a chance below 1e-6
    counted = total(
        client,
        cloud,
        "AWS/Lambda",
        "Invocations",
        FunctionName=unique,
        Resource=f"{unique}:live",
        ExecutedVersion=second,
    )
    assert counted == shares.count(second)


def test_one_alias_is_read_and_led_with_permissions_of_its_own(
    client: Clients, unique: str
) -> None:
    arn = create_function(client, unique, ECHO)
    client("lambda").publish_version(FunctionName=unique)
    client("lambda").create_alias(FunctionName=unique, Name="live", FunctionVersion="1")

    def allowed(action: str) -> Any:
        may = {"Effect": "Allow", "Action": action, "Resource": arn}
        return client.as_role("lambda", create_role(client, f"{unique}-{action[7:]}", [may]))

    reader, lister = allowed("lambda:GetAlias"), allowed("lambda:ListAliases")
    one = {"FunctionName": unique, "Name": "live"}
    assert reader.get_alias(**one)["FunctionVersion"] == "1"
    assert allowed("lambda:UpdateAlias").update_alias(**one, Description="x")["Name"] == "live"
    for refused in (lambda: lister.get_alias(**one), lambda: reader.update_alias(**one)):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
