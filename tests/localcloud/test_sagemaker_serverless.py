"""Serverless endpoints: one variant, updated like any other, without guardrails.

AWS: sagemaker/latest/dg/serverless-endpoints.html
Model: sagemaker.CreateEndpointConfig
Model: sagemaker.UpdateEndpoint
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import World, eventually

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


@pytest.fixture(autouse=True)
def quickly(cloud: LocalCloud) -> Iterator[None]:
    """Deployments that take one virtual minute."""
    before = cloud.control("sagemaker")
    cloud.control("sagemaker", {"deployment_seconds": 60})
    yield
    cloud.control("sagemaker", before)


def serverless(world: World, label: str) -> str:
    """A serverless configuration of a model that answers with its label."""
    name, model = f"{world.name}-{label}-config", world.model(label)
    variant = {"VariantName": "main", "ModelName": model, "ServerlessConfig": SERVERLESS}
    world.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return name


def configurations(world: World) -> set[str]:
    """The configurations by which CloudWatch has the endpoint's requests."""
    found = world.client("cloudwatch").list_metrics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": world.name}],
    )["Metrics"]
    named = [{one["Name"]: one["Value"] for one in metric["Dimensions"]} for metric in found]
    return {one["EndpointConfigName"] for one in named if "EndpointConfigName" in one}


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Message"])


def test_a_serverless_endpoint_is_updated_to_another_configuration(world: World) -> None:
    """serverless-endpoints-update: "the same as the process for updating a real-time endpoint"."""
    world.endpoint(serverless(world, "a"))
    new = serverless(world, "b")

    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
    told = world.settled()

    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", new)
    (variant,) = told["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    assert world.invoke(TargetVariant="main")["Body"]["model"] == "b"


def test_requests_are_told_by_configuration_once_a_new_fleet_took_over(world: World) -> None:
    """deployment-guardrails-configuration: "these metrics last even after the deployment".

    They are published "after the new fleet starts receiving traffic"; of a fleet that was only
    created nothing is said, so nothing is assumed.
    """
    world.endpoint(serverless(world, "a"))
    world.invoke()
    time.sleep(0.5)
    assert configurations(world) == set()
    new = serverless(world, "b")

    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
    world.settled()
    world.invoke()

    assert eventually(lambda: configurations(world)) == {new}


def test_guardrails_do_not_apply_to_serverless_endpoints(world: World) -> None:
    """deployment-guardrails: "only apply to Asynchronous inference and Real-time inference"."""
    world.endpoint(serverless(world, "a"))
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}

    said = refusal(
        world.sagemaker.update_endpoint,
        EndpointName=world.name,
        EndpointConfigName=serverless(world, "b"),
        DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
    )

    assert "serverless" in said


def test_an_endpoint_with_instances_cannot_become_serverless(world: World) -> None:
    """serverless-endpoints: an instance-based endpoint cannot be converted."""
    world.endpoint(world.config("c", main=(world.model("a"), 1.0)))

    said = refusal(
        world.sagemaker.update_endpoint,
        EndpointName=world.name,
        EndpointConfigName=serverless(world, "b"),
    )

    assert "cannot become serverless" in said
