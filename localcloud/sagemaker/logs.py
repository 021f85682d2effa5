"""What containers write, in CloudWatch Logs where SageMaker puts it."""

import contextlib

from botocore.exceptions import ClientError

from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.sagemaker.artifacts import client


def stream_arn(endpoint: str, variant: str) -> str:
    """Where an invoked model's log is."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{_group(endpoint)}"
    return f"{group}:log-stream:{_stream(variant)}"


def write(endpoint: str, variant: str, role_arn: str, text: str) -> None:
    """Log `text` as the model's role; one that may not leaves no log."""
    logs = client("logs", role_arn)
    where = {"logGroupName": _group(endpoint), "logStreamName": _stream(variant)}
    with contextlib.suppress(ClientError):
        logs.create_log_group(logGroupName=where["logGroupName"])
    with contextlib.suppress(ClientError):
        logs.create_log_stream(**where)
    now = int(clock.now() * 1000)
    lines = [{"timestamp": now, "message": line} for line in text.splitlines() if line]
    with contextlib.suppress(ClientError):
        logs.put_log_events(**where, logEvents=lines)


def _group(endpoint: str) -> str:
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def _stream(variant: str) -> str:
    return f"{variant}/i-00000000000000000"
