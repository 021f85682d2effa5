"""How a release becomes a version: each step from what was just read, and why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.bedrock import FunctionCode
from sluice.domain.deploying import again, deployed
from sluice.domain.preparation import planned
from sluice.domain.publication import (
    Configure,
    FunctionView,
    Publish,
    Refuse,
    Wait,
    Wanted,
    alias_objection,
    next_step,
    published,
    stands,
)
from sluice.domain.release import System
from sluice.domain.rollout import Deployed, Kind, Rollout
from sluice.domain.watching import EndpointView, VariantView
from tests.builders import CANARY, STABLE, a_bedrock_manifest, a_release, a_rollout, a_state

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

SERVES = "s3://bucket/manifest.json#" + "d" * 64
CODE = FunctionCode(function="fn", sha256="abc=", layers=("arn:layer:3",))
WANTED = Wanted(function="fn", serves=SERVES, rollout="support-g1-e4", code=CODE)
OURS = {"SLUICE_VERSION": SERVES, "SLUICE_ROLLOUT": "support-g1-e4"}
LATEST = FunctionView(
    version="$LATEST",
    code_sha256="abc=",
    layers=("arn:layer:3",),
    variables={"LOG": "INFO"},
    revision="r1",
)
TOLD = replace(LATEST, variables={"LOG": "INFO", **OURS})


@pytest.mark.parametrize(
    ("latest", "step"),
    [
        pytest.param(LATEST, Configure({"LOG": "INFO", **OURS}), id="not told yet"),
        pytest.param(
            replace(LATEST, variables={"SLUICE_VERSION": "another"}),
            Configure(OURS),
            id="told another",
        ),
        pytest.param(
            replace(TOLD, variables={**OURS, "SLUICE_ROLLOUT": "support-g1-e3"}),
            Configure(OURS),
            id="told the same in an earlier rollout",
        ),
        pytest.param(replace(TOLD, settled=False), Wait(), id="under way"),
        pytest.param(replace(LATEST, settled=False), Wait(), id="somebody else's is under way"),
        pytest.param(TOLD, Publish(), id="told"),
        pytest.param(
            replace(LATEST, failure="no key"),
            Configure({"LOG": "INFO", **OURS}),
            id="what failed before may work now",
        ),
    ],
)
def test_each_step_follows_from_what_was_read(latest: FunctionView, step: object) -> None:
    assert next_step(latest, WANTED) == step


@pytest.mark.parametrize(
    ("latest", "wanted", "reason"),
    [
        pytest.param(None, WANTED, "FUNCTION_GONE", id="no function"),
        pytest.param(replace(TOLD, code_sha256="x"), WANTED, "CODE_CHANGED", id="code"),
        pytest.param(replace(TOLD, layers=()), WANTED, "CODE_CHANGED", id="layers"),
        pytest.param(TOLD, replace(WANTED, code=None), "CODE_NOT_CAPTURED", id="an old manifest"),
        pytest.param(
            replace(LATEST, readable=False, variables={}), WANTED, "VARIABLES_UNREADABLE", id="key"
        ),
        pytest.param(replace(TOLD, failure="no"), WANTED, "FUNCTION_FAILED", id="failed"),
    ],
)
def test_what_must_not_be_published_says_why(
    latest: FunctionView | None, wanted: Wanted, reason: str
) -> None:
    step = next_step(latest, wanted)

    assert isinstance(step, Refuse)
    assert step.reason.startswith(f"{reason}: ")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"code_sha256": "x"}, False),
        ({"layers": ()}, False),
        ({"variables": {}}, False),
        ({"failure": "no"}, False),
        ({"settled": False}, False),
    ],
)
def test_a_version_stands_only_if_it_is_the_same_in_everything(
    change: dict[str, Any], *, expected: bool
) -> None:
    assert stands(replace(TOLD, version="3", **change), WANTED) is expected


def test_no_version_stands_for_a_release_whose_code_was_not_captured() -> None:
    assert not stands(TOLD, replace(WANTED, code=None))
    assert not stands(None, WANTED)


# Of an application.

APPLICATION = "application/support"
SERVING = STABLE.model_copy(update={"variant": "6", "model": "fn", "endpoint_config": "6"})


def there(kind: Kind = Kind.CANARY, **changes: Any) -> Rollout:
    stable = {"stable": SERVING} if kind is Kind.CANARY else {}
    return a_rollout(kind, target=APPLICATION, **{**stable, **changes})


def a_target(**changes: Any) -> TargetState:
    return a_state(target=APPLICATION, live=SERVING, last_good=(SERVING,), **changes)


def alias(config: str) -> EndpointView:
    shares = {one: VariantView(weight=100, instances=1) for one in config.split("+")}
    return EndpointView(status="InService", config=config, variants=shares)


def test_an_application_is_deployed_before_it_has_a_version() -> None:
    release = a_release("support-v4", system=System.BEDROCK, target="support")

    made = deployed(a_target(), release)

    assert (made.variant, made.model, made.endpoint_config, made.epoch) == ("", "", "", 5)


def test_a_rollback_of_an_application_goes_back_to_the_version_it_was() -> None:
    watched = SERVING.model_copy(update={"alarms": ("sluice-application.support-v3-e3-errors",)})

    made = again(a_target(), watched)

    assert made == watched.model_copy(update={"epoch": 5, "alarms": ()})


def test_a_canary_stands_beside_stable_under_the_number_it_was_given() -> None:
    unnamed = CANARY.model_copy(update={"variant": "", "model": "", "endpoint_config": ""})

    made = planned(published(there(release=unnamed), "7", function="fn"), a_bedrock_manifest())

    assert (made.release.variant, made.release.model, made.release.endpoint_config) == (
        "7",
        "fn",
        "7",
    )
    assert made.provision_config == "6+7"


def deployed_as(number: str) -> Deployed:
    return CANARY.model_copy(update={"variant": number, "endpoint_config": number})


@pytest.mark.parametrize(
    ("rollout", "view", "reason"),
    [
        pytest.param(there(), alias("6"), "", id="a canary beside stable"),
        pytest.param(there(), None, "ALIAS_GONE", id="stable's alias is gone"),
        pytest.param(there(), alias("9"), "STABLE_GONE", id="led away from stable"),
        pytest.param(there(Kind.ALL_AT_ONCE), None, "", id="the first deployment"),
        pytest.param(there(Kind.ALL_AT_ONCE), alias("6"), "ALIAS_NOT_OURS", id="taken already"),
        pytest.param(
            there(Kind.ALL_AT_ONCE, release=deployed_as("7")), alias("7"), "", id="by itself"
        ),
        pytest.param(
            there(Kind.ALL_AT_ONCE, replaced=SERVING), alias("6"), "", id="a target begins again"
        ),
        pytest.param(there(Kind.ROLL_BACK), None, "", id="a rollback takes what there is"),
        pytest.param(there(Kind.ROLL_BACK), alias("9"), "", id="wherever it leads"),
    ],
)
def test_an_alias_that_is_not_as_the_ledger_left_it(
    rollout: Rollout, view: EndpointView | None, reason: str
) -> None:
    found = alias_objection(rollout, view)

    assert found.partition(":")[0] == reason
