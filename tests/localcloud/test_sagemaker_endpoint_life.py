"""An endpoint's life: how long changes take, what is refused meanwhile, and how failures end.

Model: sagemaker.DescribeEndpoint
Model: sagemaker.UpdateEndpoint
Model: sagemaker.UpdateEndpointWeightsAndCapacities
Model: sagemaker.DeleteEndpoint
AWS: sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import REFUSES_TO_LOAD, World, eventually


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


@pytest.fixture
def quickly(cloud: LocalCloud) -> Iterator[None]:
    """Deployments that take one virtual minute."""
    before = cloud.control("sagemaker")
    cloud.control("sagemaker", {"deployment_seconds": 60})
    yield
    cloud.control("sagemaker", before)


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


def weights(told: dict[str, Any]) -> dict[str, tuple[float, float]]:
    return {
        variant["VariantName"]: (variant["CurrentWeight"], variant["DesiredWeight"])
        for variant in told["ProductionVariants"]
    }


def test_a_new_endpoint_is_creating_for_minutes_then_in_service(world: World) -> None:
    """DescribeEndpoint: PendingDeploymentSummary while creating; DeployedImages tell the digest."""
    image = world.image()
    world.config("c", A=(world.model("a", image=image), 1.0))
    world.sagemaker.create_endpoint(EndpointName=world.name, EndpointConfigName=f"{world.name}-c")

    first = world.sagemaker.describe_endpoint(EndpointName=world.name)
    told = world.settled()

    assert first["EndpointStatus"] == "Creating"
    assert first["PendingDeploymentSummary"]["EndpointConfigName"] == f"{world.name}-c"
    assert told["EndpointStatus"] == "InService"
    assert "PendingDeploymentSummary" not in told
    assert (told["LastModifiedTime"] - told["CreationTime"]).total_seconds() >= 239
    variant = told["ProductionVariants"][0]
    assert variant["DeployedImages"][0]["SpecifiedImage"] == image
    assert variant["DeployedImages"][0]["ResolvedImage"] == image
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)


def test_a_busy_endpoint_refuses_every_change(world: World) -> None:
    """While Creating or Updating: ValidationException "Cannot update in-progress endpoint"."""
    config = world.config("c", A=(world.model("a"), 1.0))
    world.sagemaker.create_endpoint(EndpointName=world.name, EndpointConfigName=config)
    change = [{"VariantName": "A", "DesiredWeight": 2.0}]

    attempts: list[tuple[Any, dict[str, Any]]] = [
        (world.sagemaker.update_endpoint, {"EndpointConfigName": config}),
        (
            world.sagemaker.update_endpoint_weights_and_capacities,
            {"DesiredWeightsAndCapacities": change},
        ),
        (world.sagemaker.delete_endpoint, {}),
    ]
    for call, arguments in attempts:
        message = refusal(call, EndpointName=world.name, **arguments)
        assert message.startswith("Cannot update in-progress endpoint")
    assert "already existing endpoint" in refusal(
        world.sagemaker.create_endpoint, EndpointName=world.name, EndpointConfigName=config
    )


@pytest.mark.usefixtures("quickly")
def test_weights_change_in_seconds_and_zero_is_a_weight(world: World) -> None:
    """UpdateEndpointWeightsAndCapacities: desired at once, current when it is done."""
    model = world.model("a")
    world.endpoint(world.config("c", A=(model, 1.0), B=(model, 0.0)))
    assert weights(world.settled()) == {"A": (1.0, 1.0), "B": (0.0, 0.0)}

    world.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=world.name,
        DesiredWeightsAndCapacities=[{"VariantName": "B", "DesiredWeight": 0.25}],
    )
    during = world.sagemaker.describe_endpoint(EndpointName=world.name)
    after = world.settled()

    assert during["EndpointStatus"] == "Updating"
    assert weights(during)["B"] == (0.0, 0.25)
    assert weights(after) == {"A": (1.0, 1.0), "B": (0.25, 0.25)}
    assert (
        "at least one"
        in refusal(
            world.sagemaker.update_endpoint_weights_and_capacities,
            EndpointName=world.name,
            DesiredWeightsAndCapacities=[
                {"VariantName": "A", "DesiredWeight": 0},
                {"VariantName": "B", "DesiredWeight": 0},
            ],
        ).lower()
    )
    assert '"C" is/are not present' in refusal(
        world.sagemaker.update_endpoint_weights_and_capacities,
        EndpointName=world.name,
        DesiredWeightsAndCapacities=[{"VariantName": "C", "DesiredWeight": 1}],
    )


@pytest.mark.usefixtures("quickly")
def test_an_update_serves_on_the_old_configuration_until_the_new_fleet_is_up(world: World) -> None:
    """UpdateEndpoint deploys to a new fleet, shifts traffic, deletes the old: nothing is lost."""
    world.endpoint(world.config("old", A=(world.model("a"), 1.0)))
    new = world.config("new", A=(world.model("b"), 1.0))
    stop, answers = threading.Event(), []

    def keep_asking() -> None:
        while not stop.is_set():
            answers.append(world.invoke()["Body"]["model"])

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
        during = world.sagemaker.describe_endpoint(EndpointName=world.name)
        after = world.settled()
        eventually(lambda: answers[-1] == "b")
    finally:
        stop.set()
        asking.join()

    assert during["EndpointConfigName"] == f"{world.name}-old"
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == new
    assert after["EndpointConfigName"] == new
    switched = answers.index("b")
    assert switched > 10
    assert set(answers[:switched]) == {"a"}
    assert set(answers[switched:]) == {"b"}


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(
    ("excluded", "weight"),
    [
        pytest.param([], 0.5, id="retained"),
        pytest.param([{"VariantPropertyType": "DesiredWeight"}], 0.0, id="excluded"),
    ],
)
def test_live_weights_are_retained_by_name_unless_excluded(
    world: World, excluded: list[dict[str, str]], weight: float
) -> None:
    """RetainAllVariantProperties keeps live weights of variants with the same name."""
    model = world.model("a")
    world.endpoint(world.config("old", A=(model, 0.5), B=(model, 1.0)))
    new = world.config("new", A=(model, 0.0), C=(model, 3.0))

    world.sagemaker.update_endpoint(
        EndpointName=world.name,
        EndpointConfigName=new,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=excluded,
    )

    assert weights(world.settled()) == {"A": (weight, weight), "C": (3.0, 3.0)}


@pytest.mark.usefixtures("quickly")
def test_a_model_that_does_not_load_leaves_an_updated_endpoint_as_it_was(world: World) -> None:
    """A failed update ends InService on the old EndpointConfigName, with a FailureReason."""
    good, bad = world.model("good"), world.model("bad", code=REFUSES_TO_LOAD)
    old = world.config("old", A=(good, 1.0))
    world.endpoint(old)

    world.sagemaker.update_endpoint(
        EndpointName=world.name,
        EndpointConfigName=world.config("new", A=(good, 1.0), B=(bad, 0.0)),
    )
    told = world.settled()

    assert told["EndpointStatus"] == "InService"
    assert told["EndpointConfigName"] == old
    assert "variant B did not pass the ping health check" in told["FailureReason"]
    assert weights(told) == {"A": (1.0, 1.0)}
    assert world.invoke()["Body"]["model"] == "good"


@pytest.mark.usefixtures("quickly")
def test_an_endpoint_cannot_leave_a_configuration_that_is_gone(world: World) -> None:
    """DeleteEndpointConfig is not refused while in use; UpdateEndpoint then is."""
    model = world.model("a")
    old, new = world.config("old", A=(model, 1.0)), world.config("new", A=(model, 1.0))
    world.endpoint(old)

    world.sagemaker.delete_endpoint_config(EndpointConfigName=old)

    assert "Could not find endpoint configuration" in refusal(
        world.sagemaker.update_endpoint, EndpointName=world.name, EndpointConfigName=new
    )


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("alarm_state", ["OK", "ALARM"])
def test_a_guarded_update_goes_in_steps_and_back_when_an_alarm_goes_off(
    world: World, alarm_state: str
) -> None:
    """BlueGreenUpdatePolicy, AutoRollbackConfiguration; metrics by EndpointConfigName too."""
    cloudwatch, role = world.client("cloudwatch"), world.serving_role("cloudwatch:DescribeAlarms")
    cloudwatch.put_metric_alarm(
        AlarmName=world.name,
        Namespace="Tests",
        MetricName="Never",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    old = world.config("old", A=(world.model("a", role=role), 1.0))
    new = world.config("new", A=(world.model("b", role=role), 1.0))
    world.endpoint(old)
    world.sagemaker.update_endpoint(
        EndpointName=world.name,
        EndpointConfigName=new,
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                    "WaitIntervalInSeconds": 240,
                }
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": world.name}]},
        },
    )
    eventually(lambda: world.invoke()["Body"]["model"] == "b")
    during = world.sagemaker.describe_endpoint(EndpointName=world.name)
    cloudwatch.set_alarm_state(AlarmName=world.name, StateValue=alarm_state, StateReason="test")
    told = world.settled()

    variant = during["PendingDeploymentSummary"]["ProductionVariants"][0]
    assert variant["VariantStatus"][0]["Status"] == "ActivatingTraffic"
    assert told["EndpointStatus"] == "InService"
    assert told["EndpointConfigName"] == (new if alarm_state == "OK" else old)
    assert world.invoke()["Body"]["model"] == ("b" if alarm_state == "OK" else "a")
    assert ("rolled back" in told.get("FailureReason", "")) == (alarm_state == "ALARM")
    metrics = cloudwatch.list_metrics(Namespace="AWS/SageMaker", MetricName="Invocations")
    assert new in {d["Value"] for m in metrics["Metrics"] for d in m["Dimensions"]}


@pytest.mark.usefixtures("quickly")
def test_rolling_deployments_are_refused(world: World) -> None:
    """What the local cloud does not do, it does not pretend."""
    config = world.config("c", A=(world.model("a"), 1.0))
    policy = {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 60,
    }

    assert "rolling" in refusal(
        world.sagemaker.create_endpoint,
        EndpointName=world.name,
        EndpointConfigName=config,
        DeploymentConfig={"RollingUpdatePolicy": policy},
    )
