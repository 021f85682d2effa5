"""The server's open files: what has been served holds none.

Ours: what the server's process holds open, which AWS never shows
"""

import time
from pathlib import Path
from typing import Any

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_function, invoke
from tests.localcloud.machines import create_machine, run
from tests.localcloud.sagemaker_world import World

ANSWER = "def handler(event, context):\n    return event\n"
_SLACK = 12
"""Connections come and go meanwhile."""


def descriptors(cloud: LocalCloud) -> int:
    """How many files the server has open."""
    return len(list(Path(f"/proc/{cloud.pid}/fd").iterdir()))


def growth(cloud: LocalCloud, use: Any, *, times: int) -> int:
    """How many more files are open after `use` was done so many times than after a few."""
    for _ in range(3):
        use()
    time.sleep(0.5)
    before = descriptors(cloud)
    for _ in range(times):
        use()
    time.sleep(0.5)
    return descriptors(cloud) - before


def test_callers_that_come_and_go_leave_nothing(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    client("s3").create_bucket(Bucket=unique)

    def use() -> None:
        s3 = client("s3")
        s3.put_object(Bucket=unique, Key="k", Body=b"x")
        s3.close()

    assert growth(cloud, use, times=60) < _SLACK


def test_invocations_leave_nothing(cloud: LocalCloud, client: Clients, unique: str) -> None:
    create_function(client, unique, ANSWER)
    assert growth(cloud, lambda: invoke(client, unique, {}), times=40) < _SLACK


def test_a_function_that_changes_leaves_no_environment_of_its_past(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    create_function(client, unique, ANSWER)
    functions, turns = client("lambda"), iter(range(100))

    def use() -> None:
        variables = {"Variables": {"TURN": str(next(turns))}}
        functions.update_function_configuration(FunctionName=unique, Environment=variables)
        functions.get_waiter("function_updated_v2").wait(
            FunctionName=unique, WaiterConfig={"Delay": 1}
        )
        invoke(client, unique, {})

    assert growth(cloud, use, times=6) < _SLACK


def test_executions_leave_nothing(cloud: LocalCloud, client: Clients, unique: str) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
        "Arguments": {},
        "End": True,
    }
    machine = create_machine(client, unique, {"Task": task})
    assert growth(cloud, lambda: run(client, machine), times=30) < _SLACK


def test_deployments_of_an_endpoint_leave_nothing(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    before = cloud.control("sagemaker")
    cloud.control("sagemaker", {**before, "deployment_seconds": 6})
    world = World(client, unique)
    model = world.model("a")
    configs = iter([world.config(f"c{n}", A=(model, 1.0)) for n in range(12)])
    world.endpoint(next(configs))

    def use() -> None:
        world.sagemaker.update_endpoint(EndpointName=unique, EndpointConfigName=next(configs))
        world.settled()
        world.invoke()

    more = growth(cloud, use, times=6)
    world.sagemaker.delete_endpoint(EndpointName=unique)
    cloud.control("sagemaker", before)
    assert more < _SLACK
