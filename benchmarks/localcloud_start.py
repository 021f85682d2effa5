"""The local cloud: how long until it answers, and how much memory it takes before and after use.

`python -m benchmarks.localcloud_start` starts it several times, then lets callers use the services
that the end-to-end tests use, kills it and starts it again on what it kept. The result goes into
`benchmarks/results/`. Seconds are this machine's, so the load of the machine stands beside them.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from rich.console import Console

from localcloud.launcher import LocalCloud

RESULTS = Path(__file__).resolve().parent / "results"
_CODE = "def handler(event, context):\n    return event\n"
_ROLE = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ]
}
_STACK = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
_MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "Add",
    "States": {"Add": {"Type": "Pass", "Output": "{% 1 + 1 %}", "End": True}},
}


@dataclass(frozen=True)
class Start:
    """One start: wall and processor seconds to the health answer, resident MiB then."""

    seconds: float
    cpu_seconds: float
    rss_mib: float


@dataclass(frozen=True)
class Result:
    """What was measured, and on how busy a machine: its load average over the number of cores."""

    date: str
    load: float
    starts: list[Start]
    median_seconds: float
    median_rss_mib: float
    rss_after_use_mib: float
    put_item_ms: float
    put_item_kept_ms: float
    restart: Start


def main() -> int:
    """Measure and write the result."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="localcloud-start-") as folder:
        result = _measure(Path(folder), options.repeat, options.use)
    told = json.dumps(asdict(result), indent=2)
    Console().print_json(told)
    if not options.dry_run:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"localcloud_{result.date}.json").write_text(told + "\n")
    return 0


def _measure(folder: Path, repeat: int, times: int) -> Result:
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    starts = []
    for turn in range(repeat):
        cloud = LocalCloud(folder / str(turn))
        starts.append(_started(cloud))
        put_item_ms = _put_items(cloud) if turn == repeat - 1 else 0.0
        cloud.__exit__()
    kept = LocalCloud(folder / "kept", keep=True)
    _started(kept)
    put_item_kept_ms = _put_items(kept)
    _use(kept, times)
    used = _rss_mib(kept.pid)
    kept.kill()
    restart = _started(kept)
    kept.__exit__()
    return Result(
        date=datetime.now(UTC).date().isoformat(),
        load=round(load, 2),
        starts=starts,
        median_seconds=statistics.median(one.seconds for one in starts),
        median_rss_mib=statistics.median(one.rss_mib for one in starts),
        rss_after_use_mib=used,
        put_item_ms=put_item_ms,
        put_item_kept_ms=put_item_kept_ms,
        restart=restart,
    )


def _started(cloud: LocalCloud) -> Start:
    began = time.monotonic()
    cloud.start()
    seconds = time.monotonic() - began
    return Start(round(seconds, 2), round(_cpu_seconds(cloud.pid), 2), _rss_mib(cloud.pid))


def _use(cloud: LocalCloud, times: int) -> None:
    """Callers of every kind, so many times."""
    s3, runtime = _client(cloud, "s3"), _client(cloud, "lambda")
    workflows = _client(cloud, "stepfunctions")
    role = _client(cloud, "iam").create_role(
        RoleName="any", AssumeRolePolicyDocument=json.dumps(_ROLE)
    )["Role"]["Arn"]
    stacks = _client(cloud, "cloudformation")
    stacks.create_stack(StackName="any", TemplateBody=json.dumps(_STACK))
    stacks.get_waiter("stack_create_complete").wait(
        StackName="any", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    machine = workflows.create_state_machine(
        name="any", definition=json.dumps(_MACHINE), roleArn=role
    )["stateMachineArn"]
    functions = [_function(cloud, f"any-{number}", role) for number in range(10)]
    s3.create_bucket(Bucket="any-bucket")
    for turn in range(times):
        s3.put_object(Bucket="any-bucket", Key=str(turn % 50), Body=os.urandom(20_000))
        runtime.invoke(FunctionName=functions[turn % 10], Payload=b"{}")
        workflows.start_execution(stateMachineArn=machine, name=str(turn))


def _function(cloud: LocalCloud, name: str, role: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", _CODE)
    functions = _client(cloud, "lambda")
    functions.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def _put_items(cloud: LocalCloud) -> float:
    """The median milliseconds of a PutItem, in a table that already holds a thousand items."""
    table = _client(cloud, "dynamodb")
    table.create_table(
        TableName="any-table",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    taken = []
    for number in range(1200):
        began = time.perf_counter()
        table.put_item(TableName="any-table", Item={"p": {"S": str(number)}, "n": {"N": "1"}})
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken[1000:]) * 1000, 2)


def _client(cloud: LocalCloud, service: Any) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        region_name="us-east-1",
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the local cloud's root
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1024**2, 1)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.localcloud_start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeat", type=int, default=5, help="starts (%(default)s)")
    parser.add_argument("--use", type=int, default=200, help="turns of each caller (%(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="write no result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
