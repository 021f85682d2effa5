"""The alias of an application: read, changed under its revision, and never overwritten unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.alias import Alias
from sluice.adapters.endpoint import EndpointBusyError, EndpointRefusedError
from tests.integration.lambdas import FUNCTION, Lambdas

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASE = "s3://bucket/releases/support/v6-aaaaaaaaaaaa/manifest.json#sha256=aaaa"
OTHER = "s3://bucket/releases/support/v7-bbbbbbbbbbbb/manifest.json#sha256=bbbb"


@pytest.fixture
def lambdas(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """Version 6 serves, version 7 is published."""
    played = Lambdas(monkeypatch)
    played.publishes(6, RELEASE)
    played.publishes(7, OTHER)
    played.leads_to(6)
    return played


@pytest.fixture
def alias(aws: Callable[[str], Any]) -> Alias:
    return Alias(lambda: aws("lambda"), {"support": FUNCTION})


def test_what_the_alias_leads_to_is_told_with_its_shares(alias: Alias, lambdas: Lambdas) -> None:
    lambdas.leads_to(6, v7=0.07)

    view = alias.describe("support")

    assert view
    assert (view.status, view.config, view.settled) == ("InService", "6+7", True)
    assert {one: seen.weight for one, seen in view.variants.items()} == {"6": 93, "7": 7}


def test_an_application_that_serves_no_release_yet_is_as_good_as_none(
    alias: Alias, lambdas: Lambdas
) -> None:
    lambdas.leads_to(1)
    assert alias.describe("support") is None

    lambdas.alias = None
    assert alias.describe("support") is None
    assert alias.describe("desk") is None


@pytest.mark.parametrize(
    ("config", "traffic"),
    [
        pytest.param("6+7", {"6": 100, "7": 0}, id="the canary stands there without traffic"),
        pytest.param("7", {"7": 100}, id="one version alone has it all"),
    ],
)
def test_the_alias_is_put_on_versions_in_one_change(
    alias: Alias, lambdas: Lambdas, config: str, traffic: dict[str, float]
) -> None:
    alias.update("support", config)

    assert lambdas.traffic() == traffic
    assert len(lambdas.updates()) == 1
    view = alias.describe("support")
    assert view
    assert view.has(config)


@pytest.mark.parametrize("weight", [1, 50, 99, 100, 0])
def test_the_traffic_is_split_as_told(alias: Alias, lambdas: Lambdas, weight: int) -> None:
    lambdas.leads_to(6, v7=0.0)

    alias.set_weights("support", {"6": 100 - weight, "7": weight})

    assert lambdas.traffic() == {"6": 100 - weight, "7": weight}
    # What has no traffic stands by: the way back is one change as well.
    view = alias.describe("support")
    assert view
    assert view.config == "6+7"


def test_who_was_faster_is_not_overwritten(alias: Alias, lambdas: Lambdas) -> None:
    lambdas.leads_to(6, v7=0.0)
    lambdas.before["UpdateAlias"] = lambda: lambdas.leads_to(6)

    with pytest.raises(EndpointBusyError):
        alias.set_weights("support", {"6": 75, "7": 25})

    assert lambdas.traffic() == {"6": 100}


def test_a_change_whose_answer_was_lost_is_found_done(alias: Alias, lambdas: Lambdas) -> None:
    lambdas.leads_to(6, v7=0.0)
    lambdas.lose.add("UpdateAlias")

    alias.set_weights("support", {"6": 75, "7": 25})

    assert lambdas.traffic() == {"6": 75, "7": 25}
    assert len(lambdas.updates()) == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda alias: alias.set_weights("support", {"6": 9, "7": 91}), id="weights"),
        pytest.param(lambda alias: alias.update("support", "5+7"), id="beside another stable"),
        pytest.param(lambda alias: alias.update("support", "9"), id="a version that is gone"),
        pytest.param(lambda alias: alias.create("desk", "7"), id="of nobody's application"),
    ],
)
def test_what_the_alias_cannot_do_is_refused(
    alias: Alias, lambdas: Lambdas, change: Callable[[Alias], None]
) -> None:
    with pytest.raises(EndpointRefusedError):
        change(alias)

    assert lambdas.traffic() == {"6": 100}


def test_what_never_served_is_taken_away_again(alias: Alias, lambdas: Lambdas) -> None:
    alias.delete("support")
    alias.delete("support")

    assert lambdas.traffic() == {"1": 100}
    assert alias.describe("support") is None


def test_without_a_version_to_lead_back_to_the_alias_stays(alias: Alias, lambdas: Lambdas) -> None:
    del lambdas.versions["1"]

    with pytest.raises(EndpointRefusedError):
        alias.delete("support")

    assert lambdas.traffic() == {"6": 100}


def test_a_version_whose_variables_may_not_be_read_may_serve_anything(
    alias: Alias, lambdas: Lambdas
) -> None:
    """A function's own key lets few decrypt: to them no alias must look as if it were lost."""
    for version in lambdas.versions.values():
        version["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException"}}

    view = alias.describe("support")

    assert view
    assert view.config == "6"
    with pytest.raises(EndpointRefusedError):
        alias.delete("support")
    assert lambdas.traffic() == {"6": 100}
