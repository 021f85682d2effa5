"""What a rollout is told before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.judge import JudgeDocumentError, forecast

if TYPE_CHECKING:
    from tests.unit.judge.documents import Doc

LADDER = [0.05, 0.25, 0.5]


def a_service(requests: float = 1000, rate: float = 0.001, **more: Any) -> Doc:
    """A service on the usual ladder."""
    return {"requests_per_minute": requests, "rate": rate, "weights": LADDER, **more}


def test_without_errors_proof_takes_960_canary_requests_for_each_phi() -> None:
    for phi in (1, 1.5, 4):
        steps = forecast(a_service(1000, 0, phi=phi))["steps"]
        for step in steps:
            assert step["requests_to_promote"] == pytest.approx(957.5 * phi, abs=1)
    assert [step["minutes_to_promote"] for step in steps] == [77, 16, 8]


def test_the_more_traffic_the_smaller_what_is_found() -> None:
    found = [
        [step["least_rate_found"] for step in forecast(a_service(requests))["steps"]]
        for requests in (100, 1000, 10000)
    ]

    for rates in found:
        assert rates == sorted(rates, reverse=True)
    assert found[0] > found[1] > found[2]
    assert 0.001 < found[2][0] < 0.005 < found[1][0] < 0.01


def test_no_step_is_quicker_than_its_least_bake() -> None:
    assert forecast(a_service(100_000))["steps"][2]["minutes_to_promote"] == 5


def test_a_service_with_enough_traffic_is_not_warned() -> None:
    assert forecast(a_service(1000))["warnings"] == []
    assert forecast(a_service(10000, 0.01))["warnings"] == []


def test_little_traffic_is_told_that_it_will_be_held_and_why() -> None:
    held, unseen = forecast(a_service(10, 0))["warnings"]

    assert held.startswith("step 3 (50 %) will be held: proof needs about 1,437 canary requests")
    assert "raise bake_minutes.last, the step's weight or analysis.margin_abs" in held
    assert unseen.startswith("step 3 (50 %) finds bad rates from about 7.5 % on in 60 minutes")


def test_hardly_any_traffic_is_told_that_nothing_can_be_found() -> None:
    warnings = forecast(a_service(0.02, 0.2))["warnings"]

    assert any("not even a canary that answers nothing" in line for line in warnings)


def test_a_margin_that_nothing_can_prove_is_told() -> None:
    config = {"margin_ratio": 1, "margin_abs": 0}

    told = forecast(a_service(config=config))

    assert told["steps"][0]["requests_to_promote"] is None
    assert "never passes on evidence" in told["warnings"][0]


def test_patience_is_what_the_policy_says() -> None:
    patient = {"last_max_bake": 600}

    warnings = forecast(a_service(10, 0, policy=patient))["warnings"]

    assert not any("will be held" in line for line in warnings)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"requests_per_minute": 0}, "requests_per_minute is 0", id="no traffic"),
        pytest.param({"rate": 1}, "rate is 1", id="all bad"),
        pytest.param({"rate": None}, "rate is None", id="no rate"),
        pytest.param({"phi": 0.5}, "phi is 0.5", id="phi"),
        pytest.param({"weights": []}, "weights must be", id="no ladder"),
        pytest.param({"weights": [1]}, "weights must be", id="all traffic"),
        pytest.param({"steps": []}, "has no 'steps'", id="unknown"),
    ],
)
def test_what_is_wrong_is_named(changes: Doc, told: str) -> None:
    with pytest.raises(JudgeDocumentError, match=told):
        forecast({**a_service(), **changes})
