"""SageMaker endpoints as we read and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.endpoint import (
    UNTIL_FOUND,
    Endpoint,
    EndpointBusyError,
    EndpointRefusedError,
)
from sluice.domain.making import production_variant
from sluice.domain.watching import VariantView
from tests.integration.rollouts import ROLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.integration.rollouts import Wire, World


INVALID = "ValidationException"
BUSY = 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/churn".'
ABSENT = 'Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/churn".'
EXISTS = 'Cannot create already existing model "arn:aws:sagemaker:us-east-1:1:model/churn-v4-e5".'
NO_QUOTA = "The account-level service limit is 0 Instances."


@pytest.fixture
def endpoint(aws: Callable[[str], Any]) -> Endpoint:
    return Endpoint(aws("sagemaker"))


ALONE = production_variant("v4-e5", model="churn-v4-e5", fleet={"InstanceType": "ml.m5.large"})
BUILDING = [
    pytest.param(
        "CreateEndpointConfig",
        lambda one: one.create_config("churn-v4-e5", variants=[ALONE]),
        'Could not find model "churn-v4-e5".',
        id="a model of a moment ago",
    ),
    pytest.param(
        "CreateEndpoint",
        lambda one: one.create("churn", "churn-v4-e5"),
        'Could not find endpoint configuration "churn-v4-e5".',
        id="a configuration of a moment ago",
    ),
    pytest.param(
        "UpdateEndpoint",
        lambda one: one.update("churn", "churn-v4-e5"),
        'Could not find endpoint configuration "churn-v4-e5".',
        id="the same, updated to",
    ),
]


@pytest.mark.parametrize(("operation", "build", "absent"), BUILDING)
def test_what_was_created_a_moment_ago_is_asked_for_again(
    aws: Callable[[str], Any],
    wire: Wire,
    operation: str,
    build: Callable[[Endpoint], None],
    absent: str,
) -> None:
    rests = list[float]()
    endpoint = Endpoint(aws("sagemaker"), rest=rests.append)
    wire.refuse(operation, INVALID, absent)
    wire.refuse(operation, INVALID, absent)
    wire.always(operation)

    build(endpoint)

    assert len(wire.calls(operation)) == 3
    assert 0.25 <= rests[0] <= 0.5 <= rests[1] <= 1


@pytest.mark.parametrize(("operation", "build", "absent"), BUILDING)
def test_what_stays_absent_is_given_up(
    aws: Callable[[str], Any],
    wire: Wire,
    operation: str,
    build: Callable[[Endpoint], None],
    absent: str,
) -> None:
    rests = list[float]()
    endpoint = Endpoint(aws("sagemaker"), rest=rests.append)
    for _ in range(len(UNTIL_FOUND) + 1):
        wire.refuse(operation, INVALID, absent)

    with pytest.raises((ClientError, EndpointRefusedError), match="Could not find"):
        build(endpoint)

    assert len(rests) == len(UNTIL_FOUND)


def test_an_endpoint_is_described_as_it_is(endpoint: Endpoint, world: World) -> None:
    world.given_endpoint("churn-v3-v4-e5-both", v3_e3=100, v4_e5=0)

    view = endpoint.describe("churn")

    assert view
    assert (view.status, view.config) == ("InService", "churn-v3-v4-e5-both")
    assert view.variants == {"v3-e3": VariantView(100, 1), "v4-e5": VariantView(0, 1)}


def test_desired_weights_count_not_those_still_in_effect(endpoint: Endpoint, wire: Wire) -> None:
    variant = {
        "VariantName": "v4-e5",
        "DesiredWeight": 25.0,
        "CurrentWeight": 5.0,
        "DesiredInstanceCount": 3,
        "CurrentInstanceCount": 1,
    }
    wire.once(
        "DescribeEndpoint",
        EndpointStatus="Updating",
        EndpointConfigName="c",
        ProductionVariants=[variant],
        FailureReason="before",
    )

    view = endpoint.describe("churn")

    assert view
    assert (view.variants, view.failure) == ({"v4-e5": VariantView(25.0, 3)}, "before")


def test_an_endpoint_that_is_being_created_has_no_variants_yet(
    endpoint: Endpoint, wire: Wire
) -> None:
    wire.once("DescribeEndpoint", EndpointStatus="Creating", EndpointConfigName="c")

    view = endpoint.describe("churn")

    assert view
    assert (view.settled, view.variants) == (False, {})


def test_there_is_no_endpoint(endpoint: Endpoint) -> None:
    assert endpoint.describe("churn") is None


def test_not_being_allowed_to_look_is_not_the_same_as_nothing_there(
    endpoint: Endpoint, wire: Wire
) -> None:
    wire.refuse("DescribeEndpoint", "AccessDeniedException", ABSENT)

    with pytest.raises(ClientError, match="AccessDenied"):
        endpoint.describe("churn")


def test_weights_are_set_in_one_call(endpoint: Endpoint, world: World, wire: Wire) -> None:
    world.given_endpoint("c", v3_e3=100, v4_e5=0)

    endpoint.set_weights("churn", {"v3-e3": 90, "v4-e5": 10})

    assert world.traffic() == {"v3-e3": 90.0, "v4-e5": 10.0}
    assert len(wire.calls("UpdateEndpointWeightsAndCapacities")) == 1


def test_live_instance_counts_are_never_asked_to_change(
    endpoint: Endpoint, world: World, wire: Wire
) -> None:
    world.given_endpoint("c", v3_e3=100, v4_e5=0)

    endpoint.set_weights("churn", {"v3-e3": 90, "v4-e5": 10})

    (asked,) = wire.calls("UpdateEndpointWeightsAndCapacities")
    assert all("DesiredInstanceCount" not in one for one in asked["DesiredWeightsAndCapacities"])


def test_an_endpoint_in_progress_is_busy(endpoint: Endpoint, wire: Wire) -> None:
    wire.refuse("UpdateEndpointWeightsAndCapacities", INVALID, BUSY)

    with pytest.raises(EndpointBusyError):
        endpoint.set_weights("churn", {"v3-e3": 100})


@pytest.mark.parametrize(("code", "message"), [(INVALID, ABSENT), ("ResourceLimitExceeded", "")])
def test_any_other_refusal_is_not_busy(
    endpoint: Endpoint, wire: Wire, code: str, message: str
) -> None:
    wire.refuse("UpdateEndpointWeightsAndCapacities", code, message)

    with pytest.raises(ClientError, match=code):
        endpoint.set_weights("churn", {"v3-e3": 100})


def test_deleting_is_done_once(endpoint: Endpoint, world: World) -> None:
    world.given_endpoint("c", v4_e5=1)

    endpoint.delete("churn")
    endpoint.delete("churn")

    assert endpoint.describe("churn") is None


def test_a_deletion_that_is_refused_is_heard_of(endpoint: Endpoint, wire: Wire) -> None:
    wire.refuse("DeleteEndpoint", INVALID, BUSY)

    with pytest.raises(ClientError):
        endpoint.delete("churn")


def make_model(endpoint: Endpoint) -> None:
    endpoint.create_model("churn-v4-e5", container={"Image": "i"}, role_arn=ROLE)


def make_config(endpoint: Endpoint) -> None:
    fleet = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    variant = production_variant("v4-e5", model="churn-v4-e5", fleet=fleet)
    endpoint.create_config("churn-v4-e5", variants=[variant])


def test_model_and_configuration_are_made_as_asked(
    endpoint: Endpoint, aws: Callable[[str], Any]
) -> None:
    assert not endpoint.has_config("churn-v4-e5")
    make_model(endpoint)
    make_config(endpoint)

    assert endpoint.has_config("churn-v4-e5")
    found = aws("sagemaker").describe_endpoint_config(EndpointConfigName="churn-v4-e5")
    (variant,) = found["ProductionVariants"]
    assert (variant["InitialVariantWeight"], variant["InitialInstanceCount"]) == (100.0, 2)
    assert variant["ModelName"] == "churn-v4-e5"


@pytest.mark.parametrize(
    ("operation", "make"), [("CreateModel", make_model), ("CreateEndpointConfig", make_config)]
)
def test_what_exists_was_made_by_an_earlier_attempt(
    endpoint: Endpoint, wire: Wire, operation: str, make: Callable[[Endpoint], None]
) -> None:
    wire.refuse(operation, INVALID, EXISTS)

    make(endpoint)

    assert len(wire.calls(operation)) == 1


@pytest.mark.parametrize(
    ("operation", "make"), [("CreateModel", make_model), ("CreateEndpointConfig", make_config)]
)
@pytest.mark.parametrize(
    ("code", "message"), [(INVALID, "bad image"), ("ResourceLimitExceeded", NO_QUOTA)]
)
def test_any_other_refusal_to_make_something_is_raised(
    endpoint: Endpoint,
    wire: Wire,
    operation: str,
    make: Callable[[Endpoint], None],
    code: str,
    message: str,
) -> None:
    wire.refuse(operation, code, message)

    with pytest.raises(ClientError, match=code):
        make(endpoint)


def test_a_configuration_that_may_not_be_read_is_not_called_missing(
    endpoint: Endpoint, wire: Wire
) -> None:
    wire.refuse("DescribeEndpointConfig", "AccessDeniedException")

    with pytest.raises(ClientError):
        endpoint.has_config("churn-v4-e5")


# Another configuration.


def test_an_update_under_way_tells_where_it_leads(endpoint: Endpoint, wire: Wire) -> None:
    """EndpointConfigName stays the one in force until the update has ended."""
    wire.once(
        "DescribeEndpoint",
        EndpointStatus="Updating",
        EndpointConfigName="before",
        PendingDeploymentSummary={"EndpointConfigName": "after"},
    )

    view = endpoint.describe("churn")

    assert view
    assert (view.has("after"), view.has("before")) == (True, False)


@pytest.mark.parametrize(
    ("status", "has"),
    [("InService", True), ("Creating", True), ("UpdateRollbackFailed", False), ("Failed", False)],
)
def test_a_configuration_counts_only_where_it_is_in_force(
    endpoint: Endpoint, wire: Wire, status: str, has: bool
) -> None:
    wire.once("DescribeEndpoint", EndpointStatus=status, EndpointConfigName="c")

    view = endpoint.describe("churn")

    assert view
    assert view.has("c") is has


def test_an_endpoint_in_progress_takes_no_other_configuration(
    endpoint: Endpoint, wire: Wire
) -> None:
    wire.refuse("UpdateEndpoint", INVALID, BUSY)

    with pytest.raises(EndpointBusyError):
        endpoint.update("churn", "c")


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", INVALID])
def test_a_refused_configuration_says_why(endpoint: Endpoint, wire: Wire, code: str) -> None:
    wire.refuse("UpdateEndpoint", code, NO_QUOTA)
    wire.refuse("CreateEndpoint", code, NO_QUOTA)

    with pytest.raises(EndpointRefusedError, match=code):
        endpoint.update("churn", "c")
    with pytest.raises(EndpointRefusedError, match=code):
        endpoint.create("churn", "c")
