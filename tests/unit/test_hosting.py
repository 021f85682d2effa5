"""What serves the traffic, beside what the ledger says should: at rest and in a rollout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluice.domain.bedrock import FunctionCode
from sluice.domain.hosting import (
    Hosted,
    ModelView,
    behind_checks,
    catalogue_check,
    fleet_check,
    function_checks,
    in_flight,
    leaving,
    model_checks,
    traffic_checks,
)
from sluice.domain.making import container
from sluice.domain.pinning import FoundationModel, InferenceProfile
from sluice.domain.publication import FunctionView
from sluice.domain.rollout import Kind, Phase
from sluice.domain.serving import serving
from sluice.domain.target import Leftover, TargetState
from sluice.domain.verifying import Finding, Unread, findings
from sluice.domain.watching import EndpointView, VariantView
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    TARGET,
    a_bedrock_manifest,
    a_manifest,
    a_rollout,
    a_state,
    after,
)

UNREAD = Unread("AccessDenied")
BOTH = "churn-v3-v4-e5-both"


def told(found: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(one.severity, one.what) for one in found]


def a_view(config: str = STABLE.endpoint_config, **changes: Any) -> EndpointView:
    """An endpoint that gives version 3 everything, unless told otherwise: `v3_e3=90, v4_e5=10`."""
    status = changes.pop("status", "InService")
    shares = changes or {"v3_e3": 100}
    variants = {
        name.replace("_", "-"): VariantView(weight=share, instances=1)
        for name, share in shares.items()
    }
    return EndpointView(status=status, config=config, variants=variants)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(a_view(), [], id="nothing changed"),
        pytest.param(a_view(v3_e3=1.0), [], id="weights are ratios"),
        pytest.param(a_view(status="SystemUpdating"), [], id="AWS patches it"),
        pytest.param(a_view("by-hand"), [("drift", f"configuration of {TARGET}")], id="config"),
        pytest.param(
            a_view(v3_e3=90, other=10), [("drift", f"traffic of {TARGET}")], id="another beside it"
        ),
        pytest.param(a_view(other=100), [("drift", f"traffic of {TARGET}")], id="another"),
        pytest.param(a_view(status="Failed"), [("drift", f"status of {TARGET}")], id="failed"),
        pytest.param(None, [("gone", TARGET)], id="deleted"),
        pytest.param(UNREAD, [("unreadable", TARGET)], id="unread"),
    ],
)
def test_one_change_of_an_endpoint_at_rest_is_one_finding(
    view: EndpointView | Unread | None, expected: list[tuple[str, str]]
) -> None:
    assert told(findings(traffic_checks(a_state(), view))) == expected


def test_where_nothing_was_deployed_nothing_is_expected() -> None:
    state = a_state(live=None, last_good=())

    assert findings(traffic_checks(state, None)) == ()
    assert told(findings(traffic_checks(state, a_view()))) == [
        ("drift", f"configuration of {TARGET}"),
        ("drift", f"traffic of {TARGET}"),
    ]
    assert told(findings(traffic_checks(state, UNREAD))) == [("unreadable", TARGET)]


def test_what_is_still_to_be_dropped_is_no_drift() -> None:
    owed = Leftover(variants=("v4-e5",), attempts=0, not_before=AT)

    assert findings(traffic_checks(a_state(settle_owed=owed), a_view(BOTH, v3_e3=1))) == ()


def in_a_rollout(**changes: Any) -> TargetState:
    defaults: dict[str, Any] = {"phase": Phase.BAKING, "token": "parked"}
    return a_state(a_rollout(position=0), **{**defaults, **changes})


@pytest.mark.parametrize(
    ("state", "view", "drifts"),
    [
        pytest.param(in_a_rollout(), a_view(BOTH, v3_e3=90, v4_e5=10), False, id="its step"),
        pytest.param(
            in_a_rollout(), a_view(BOTH, v3_e3=90.001, v4_e5=10), False, id="single floats"
        ),
        pytest.param(in_a_rollout(), a_view(BOTH, v3_e3=40, v4_e5=60), True, id="by hand"),
        pytest.param(
            in_a_rollout(token=""), a_view(BOTH, v3_e3=40, v4_e5=60), False, id="it moves them"
        ),
        pytest.param(
            in_a_rollout(),
            a_view(BOTH, v3_e3=40, v4_e5=60, status="Updating"),
            False,
            id="under way",
        ),
        pytest.param(in_a_rollout(token=""), a_view(BOTH, v3_e3=40, other=60), True, id="a third"),
    ],
)
def test_the_weights_are_those_of_the_rollout(
    state: TargetState, view: EndpointView, *, drifts: bool
) -> None:
    expected = [("drift", f"traffic of {TARGET}")] if drifts else []

    assert told(findings(traffic_checks(state, view))) == expected


def test_a_configuration_that_no_rollout_made_is_found_in_one_too() -> None:
    view = a_view("by-hand", v3_e3=90, v4_e5=10)

    assert told(findings(traffic_checks(in_a_rollout(), view))) == [
        ("drift", f"configuration of {TARGET}")
    ]


def test_a_rollout_in_flight_is_told() -> None:
    assert in_flight(a_state()) == ""
    assert in_flight(in_a_rollout()) == "rollout churn-g1-e5 in flight: churn-v4, Baking"


def test_what_a_rollout_takes_away_is_leaving() -> None:
    back = a_state(a_rollout(Kind.ROLL_BACK))

    assert [leaving(back, one) for one in (STABLE, CANARY)] == [True, False]
    taken = a_state(a_rollout(taken_back=True))
    assert [leaving(taken, one) for one in (STABLE, CANARY)] == [False, True]
    assert not leaving(a_state(), STABLE)


# What a variant runs.

MANIFEST, DIGEST = a_manifest(), "d" * 64
MODEL = ModelView(
    containers=(container(MANIFEST, DIGEST),),
    role="role",
)


URL = MODEL.containers[0]["ModelDataUrl"]


def other(**changes: Any) -> ModelView:
    return replace(MODEL, containers=({**MODEL.containers[0], **changes},))


def source(uri: str, *, compression: str = "Gzip") -> dict[str, Any]:
    said = {"S3Uri": uri, "S3DataType": "S3Object", "CompressionType": compression}
    return {"S3DataSource": said}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param(MODEL, [], id="nothing changed"),
        pytest.param(other(Image="i"), [("drift", "Image of the ")], id="image"),
        pytest.param(other(ModelDataUrl="s"), [("drift", "ModelDataUrl of the ")], id="weights"),
        pytest.param(other(ModelDataSource=source(URL)), [], id="told twice by SageMaker"),
        pytest.param(
            other(ModelDataUrl="s", ModelDataSource=source("s")),
            [("drift", "ModelDataUrl of the ")],
            id="other weights, told twice",
        ),
        pytest.param(
            other(ModelDataSource=source("s")),
            [("drift", "ModelDataUrl of the ")],
            id="weights from two places",
        ),
        pytest.param(
            other(ModelDataSource=source(URL, compression="None")),
            [("drift", "ModelDataUrl of the ")],
            id="weights that are not unpacked",
        ),
        pytest.param(
            other(Environment={"A": "b"}), [("drift", "environment of the ")], id="environment"
        ),
        pytest.param(replace(MODEL, role="r"), [("drift", "role of the ")], id="role"),
        pytest.param(
            replace(MODEL, containers=MODEL.containers * 2),
            [("drift", "containers of the ")],
            id="a second container",
        ),
        pytest.param(None, [("gone", "")], id="deleted"),
        pytest.param(UNREAD, [("unreadable", "")], id="unread"),
    ],
)
def test_one_change_of_a_model_is_one_finding(
    model: ModelView | Unread | None, expected: list[tuple[str, str]]
) -> None:
    found = findings(model_checks(CANARY, MANIFEST, DIGEST, role="role", model=model))

    assert told(found) == [(how, f"{what}model churn-v4-e5") for how, what in expected]


def test_a_role_that_nobody_knows_is_not_taken_for_right() -> None:
    found = findings(model_checks(CANARY, MANIFEST, DIGEST, role=UNREAD, model=MODEL))

    assert told(found) == [("unreadable", "role of the model churn-v4-e5")]


def test_the_model_behind_a_variant_and_its_fleet() -> None:
    fleet = {"InstanceType": MANIFEST.config.instance_type}
    right = Hosted(model=STABLE.model, fleet=fleet)

    assert findings(behind_checks(a_state(), {STABLE.variant: right})) == ()
    swapped = {STABLE.variant: replace(right, model="by-hand")}
    assert told(findings(behind_checks(a_state(), swapped))) == [
        ("drift", "model behind variant v3-e3")
    ]
    assert findings([fleet_check(STABLE, MANIFEST, right)]) == ()
    small = replace(right, fleet={"InstanceType": "ml.t2.medium"})
    assert told(findings([fleet_check(STABLE, MANIFEST, small)])) == [
        ("drift", "fleet of variant v3-e3")
    ]


# What a version of a function runs.

CODE = FunctionCode(function="f", sha256="c0de", layers=("layer:1",))
APPROVED = a_bedrock_manifest(code=CODE)
VERSION = FunctionView(
    version="3",
    code_sha256="c0de",
    layers=("layer:1",),
    variables={"SLUICE_VERSION": serving(CANARY.manifest_uri, DIGEST)},
)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param(VERSION, [], id="nothing changed"),
        pytest.param(replace(VERSION, code_sha256="0"), [("drift", "code of ")], id="code"),
        pytest.param(replace(VERSION, layers=()), [("drift", "layers of ")], id="layers"),
        pytest.param(
            replace(VERSION, variables={}), [("drift", "SLUICE_VERSION of ")], id="unreleased"
        ),
        pytest.param(
            replace(VERSION, variables={}, readable=False),
            [("unreadable", "SLUICE_VERSION of ")],
            id="encrypted",
        ),
        pytest.param(None, [("gone", "")], id="deleted"),
        pytest.param(UNREAD, [("unreadable", "")], id="unread"),
    ],
)
def test_one_change_of_a_version_is_one_finding(
    version: FunctionView | Unread | None, expected: list[tuple[str, str]]
) -> None:
    found = findings(function_checks(CANARY, APPROVED, DIGEST, version))

    of = "version v4-e5 of churn-v4-e5"
    assert told(found) == [(how, f"{what}{of}") for how, what in expected]


def test_code_that_was_never_captured_is_not_taken_for_right() -> None:
    older = APPROVED.model_copy(update={"code": None})

    assert told(findings(function_checks(CANARY, older, DIGEST, VERSION))) == [
        ("unreadable", "code of version v4-e5 of churn-v4-e5")
    ]


# The catalogue.

(ARN,) = APPROVED.model.arns
KNOWN = FoundationModel(id=APPROVED.model.id, arn=ARN, status="ACTIVE")


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        pytest.param((KNOWN, None), [], id="as pinned"),
        pytest.param((replace(KNOWN, status="LEGACY"), None), [], id="legacy"),
        pytest.param((replace(KNOWN, end_of_life_at=after(1)), None), [], id="about to end"),
        pytest.param((replace(KNOWN, end_of_life_at=AT), None), ["gone"], id="ended"),
        pytest.param((replace(KNOWN, arn="arn:other"), None), ["drift"], id="another"),
        pytest.param(
            (KNOWN, InferenceProfile(id="p", arn="arn:p", model_arns=(ARN, "arn:other"))),
            ["drift"],
            id="a profile that leads elsewhere, too",
        ),
        pytest.param((None, None), ["gone"], id="unknown"),
        pytest.param(UNREAD, ["unreadable"], id="unread"),
    ],
)
def test_the_model_is_the_one_that_was_pinned(found: Any, severity: list[str]) -> None:
    told = findings([catalogue_check(APPROVED, found, at=AT)])

    assert [one.severity for one in told] == severity
