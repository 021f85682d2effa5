"""Figures worked out by hand from the formulas: the judge must find each to nine digits."""

from __future__ import annotations

from math import log

import pytest

from sluice.domain.judge import evaluate
from sluice.domain.judge.design_effect import design_effect
from sluice.domain.judge.hypergeometric import sign_score
from sluice.domain.judge.rollback import likelihood_bets, rollback_bets
from sluice.domain.judge.settings import Config
from tests.unit.judge.documents import CALM, a_doc, a_minute

MINUTE = (50, 2, 950, 1)


def to_digits(value: float) -> float:
    """As the published figures are rounded."""
    return round(value, 6)


def test_likelihood_bets_of_one_minute() -> None:
    assert list(map(to_digits, likelihood_bets(MINUTE, 1.5, Config()))) == [
        0.486629,
        0.817634,
        1.257083,
        1.750011,
        2.269158,
        2.297585,  # capped
        2.297585,
        1.171399,
    ]


def test_a_likelihood_bet_is_its_formula() -> None:
    b = (55 + 950) / (5 * 55 + 950)
    a = 5 * b

    assert likelihood_bets(MINUTE, 1.5, Config())[3] == pytest.approx(
        (2 * log(a) + log(b)) / 1.5, abs=1e-9
    )


def test_sign_bets_of_one_minute() -> None:
    assert sign_score(MINUTE, 1.1, 0) == pytest.approx(1, abs=1e-9)
    assert [to_digits(log(bet)) for bet in rollback_bets(MINUTE, 1.5, Config())[8:]] == [
        0.262364,
        0.470004,
        0.641854,
    ]


def test_fewer_errors_than_are_tolerated_anyway_are_the_better_minute() -> None:
    assert sign_score((100, 4, 100, 0), 1.0, 0.05) == -1
    assert sign_score((100, 6, 100, 0), 1.0, 0.05) == 1


@pytest.mark.parametrize(
    ("history", "phi"),
    [
        pytest.param(CALM, 1.0, id="even"),
        pytest.param([[1000, 0]] * 180, 1.5, id="no errors"),
        pytest.param([[1000, 6], [1000, 0], [1000, 0]] * 60, (30 + 144 * 6) / 164, id="clumps"),
        pytest.param([], 1.5, id="no history"),
    ],
)
def test_the_design_effect_of_a_history(history: list[list[float]], phi: float) -> None:
    assert evaluate(a_doc([a_minute()], history=history))["phi"] == pytest.approx(phi, abs=1e-9)


def test_the_design_effect_of_clumps_in_nine_digits() -> None:
    assert design_effect([(1000, 6), (1000, 0), (1000, 0)] * 60) == pytest.approx(
        5.451219512, abs=1e-9
    )


def test_a_regression_is_found_in_its_fourth_minute() -> None:
    answer = evaluate(a_doc([a_minute()] * 5 + [a_minute(x_c=3)] * 4))

    assert [round(one, 4) for one in answer["log_e_rollback"]] == [
        -0.1366,
        -0.1975,
        -0.2419,
        -0.2787,
        -0.3111,
        0.4718,
        2.0501,
        4.1147,
        6.3254,
    ]
    assert answer["thresholds"]["rollback"] == pytest.approx(4.6052, abs=5e-5)
    assert (answer["verdict"], answer["minute"]) == ("rollback", 9)


def test_a_clean_canary_proves_itself_but_bakes_its_time() -> None:
    minutes = [a_minute(500, 0, 9500, 10)] * 5
    answer = evaluate(a_doc(minutes[:4]))

    assert [round(one, 4) for one in answer["log_e_promote"]] == [2.2003, 5.0496, 8.1427, 11.3257]
    assert answer["thresholds"]["promote"] == pytest.approx(2.9957, abs=5e-5)
    assert answer["verdict"] == "keep_baking"
    assert evaluate(a_doc(minutes))["verdict"] == "promote"
