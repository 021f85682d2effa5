"""Service Quotas, and SageMaker that keeps to them.

Model: service-quotas.ListServiceQuotas
Model: service-quotas.GetServiceQuota
Model: sagemaker.UpdateEndpoint
Ours: the quota's name and SageMaker's words are those people report of ResourceLimitExceeded
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World, allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

_RARE = iter([f"ml.c5d.{size}" for size in ("xlarge", "2xlarge", "4xlarge", "9xlarge")])


@dataclass
class Allowance:
    """How many instances of a type that no other test uses are allowed."""

    cloud: LocalCloud
    type: str

    @property
    def name(self) -> str:
        """The quota's name."""
        return f"{self.type} for endpoint usage"

    def __call__(self, count: int | None) -> Any:
        """Set it; what is used."""
        return self.cloud.control("quotas", {self.type: count})["used"].get(self.type, 0)


@pytest.fixture
def allowed(cloud: LocalCloud) -> Iterator[Allowance]:
    """Sets the quota of a type; taken back after the test."""
    allowance = Allowance(cloud, next(_RARE))
    yield allowance
    allowance(None)


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


def listed(client: Any) -> dict[str, Any]:
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {one["QuotaName"]: one for page in pages for one in page["Quotas"]}


def config(world: World, allowed: Allowance, label: str, count: int) -> str:
    name = f"{world.name}-{label}"
    world.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "A",
                "ModelName": f"{world.name}-a",
                "InstanceType": allowed.type,
                "InitialInstanceCount": count,
            }
        ],
    )
    return name


def test_a_quota_is_listed_by_its_name_with_the_value_applied(
    client: Clients, allowed: Allowance
) -> None:
    quotas = client("service-quotas")
    allowed(7)

    found = listed(quotas)

    assert found[allowed.name]["Value"] == 7.0
    assert len(found) > 100, "more than a page"
    code = found[allowed.name]["QuotaCode"]
    one = quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]
    assert one == found[allowed.name]


def test_what_there_is_not_is_not_found(client: Clients) -> None:
    quotas = client("service-quotas")

    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.list_service_quotas(ServiceCode="lambda")


def test_reading_quotas_is_authorised(world: World) -> None:
    nothing = world.as_role(world.role(allow("sagemaker:ListEndpoints", "*")), "service-quotas")

    with pytest.raises(ClientError) as error:
        nothing.list_service_quotas(ServiceCode="sagemaker")
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def test_an_endpoint_beyond_the_quota_is_refused_in_sagemakers_words(
    world: World, allowed: Allowance
) -> None:
    world.model("a")
    allowed(1)

    with pytest.raises(ClientError) as error:
        world.sagemaker.create_endpoint(
            EndpointName=world.name, EndpointConfigName=config(world, allowed, "two", 2)
        )

    refused = error.value.response["Error"]
    assert refused["Code"] == "ResourceLimitExceeded"
    assert refused["Message"].startswith(
        f"The account-level service limit '{allowed.name}' is 1 Instances, with current "
        "utilization of 0 Instances and a request delta of 2 Instances."
    )


def test_an_update_needs_room_for_the_old_fleet_and_the_new_one(
    world: World, allowed: Allowance
) -> None:
    """UpdateEndpoint deploys "to a new fleet of instances" and deletes the old one afterwards."""
    world.model("a")
    allowed(3)
    world.endpoint(config(world, allowed, "one", 2))
    new = config(world, allowed, "more", 2)

    with pytest.raises(ClientError, match="current utilization of 2 Instances") as error:
        world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
    assert error.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert world.settled()["EndpointStatus"] == "InService", "nothing was begun"

    assert allowed(4) == 2
    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
    assert world.settled()["EndpointConfigName"] == new


def test_more_instances_of_a_variant_are_counted_too(world: World, allowed: Allowance) -> None:
    world.model("a")
    allowed(2)
    world.endpoint(config(world, allowed, "one", 1))
    wanted = [{"VariantName": "A", "DesiredInstanceCount": 3}]

    with pytest.raises(ClientError) as error:
        world.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=world.name, DesiredWeightsAndCapacities=wanted
        )
    assert error.value.response["Error"]["Code"] == "ResourceLimitExceeded"
