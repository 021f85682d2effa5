"""Fleets that cannot come up: what DescribeEndpoint says, and what is left to do.

Model: sagemaker.DescribeEndpoint
Model: sagemaker.CreateEndpoint
AWS: sagemaker/latest/dg/deployment-guardrails-blue-green.html
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import REFUSES_TO_LOAD, World, allow, eventually

NEEDED = {"s3:GetObject", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"}


@pytest.fixture(scope="module")
def world(client: Clients, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A corner of the account, with one endpoint for each way to fail; they fail side by side."""
    world = World(client, f"failing-{tmp_path_factory.getbasetemp().name}")
    gone = world.image_once().rsplit(":", 1)[0] + ":" + "0" * 64
    models = {
        "load": world.model("load", code=REFUSES_TO_LOAD),
        "script": world.model("script", code="import no_such_package"),
        "image": world.model("image", image=gone),
        "artifact": world.model("artifact"),
        **{
            action.split(":")[1]: world.model(
                action.split(":")[1], role=world.role(allow(sorted(NEEDED - {action}), "*"))
            )
            for action in sorted(NEEDED)
        },
    }
    world.client("s3").delete_object(Bucket=world.name, Key="artifact.tar.gz")
    for label, model in models.items():
        config = world.config(label, A=(model, 1.0))
        world.sagemaker.create_endpoint(
            EndpointName=f"{world.name}-{label}", EndpointConfigName=config
        )
    return world


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        pytest.param("load", "variant A did not pass the ping health check", id="model_fn raises"),
        pytest.param("script", "variant A did not pass the ping health check", id="import fails"),
        pytest.param("image", "Requested image", id="image not in the registry"),
        pytest.param("artifact", "Failed to download model data", id="artifact not in the bucket"),
        pytest.param("GetObject", "Failed to download model data", id="role may not read it"),
        pytest.param("BatchGetImage", "Failed to pull image", id="role may not pull"),
        pytest.param("GetAuthorizationToken", "Failed to pull image", id="role may not log in"),
    ],
)
def test_an_endpoint_whose_fleet_cannot_come_up_is_failed(
    world: World, cause: str, reason: str
) -> None:
    """Instances fetch image and model data as the model's role, then ping the container."""
    told = world.settled(f"{world.name}-{cause}")

    assert told["EndpointStatus"] == "Failed"
    assert reason in told["FailureReason"]


def test_what_a_container_wrote_before_it_died_is_in_its_log(world: World) -> None:
    """CloudWatch Logs: /aws/sagemaker/Endpoints/NAME."""
    name = f"{world.name}-load"
    world.settled(name)

    logs = world.client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{name}")

    assert any("weights are corrupt" in line["message"] for line in logs["events"])


def test_a_failed_endpoint_can_only_be_deleted(world: World) -> None:
    """EndpointStatus Failed: "DeleteEndpoint is the only operation that can be performed"."""
    name = f"{world.name}-script"
    world.settled(name)

    def refusal(call: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as refused:
            call(EndpointName=name, **arguments)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        return str(refused.value.response["Error"]["Message"])

    config = f"{world.name}-script"
    assert "Failed" in refusal(world.sagemaker.update_endpoint, EndpointConfigName=config)
    world.sagemaker.delete_endpoint(EndpointName=name)
    eventually(lambda: not world.sagemaker.list_endpoints(NameContains=name)["Endpoints"])
    assert "Could not find endpoint" in refusal(world.sagemaker.describe_endpoint)
