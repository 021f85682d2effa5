"""The guarantee, counted out: no bet wins on average while the canary is as good as is tolerated.

Binomial counts of both variants are enumerated completely, so these are expectations, not samples.
"""

from __future__ import annotations

from itertools import product
from math import comb, exp

import pytest

from sluice.domain.judge.hypergeometric import below_less_above, sign_score
from sluice.domain.judge.promote import FACTORS, promote_bets
from sluice.domain.judge.rollback import LAMBDAS, likelihood_bets
from sluice.domain.judge.settings import Config
from sluice.domain.judge.slo import FACTORS as SLO_FACTORS
from sluice.domain.judge.slo import slo_bets

SIZES = [(1, 1), (2, 30), (5, 5), (12, 3), (20, 20), (25, 40)]
RATES = [0.0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8]
MARGINS = [(1.0, 0.0), (1.1, 0.0), (1.5, 0.0), (1.0, 0.05), (1.5, 0.005)]
CASES = [
    (sizes, rate, margin)
    for sizes, rate, margin in product(SIZES, RATES, MARGINS)
    if margin[0] * rate + margin[1] <= 1
]


def binomial(n: int, p: float) -> list[float]:
    """The chance of each count."""
    return [comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]


def expectations(
    sizes: tuple[int, int], rates: tuple[float, float], config: Config, kind: str
) -> list[float]:
    """Of every bet, over all counts of canary and stable."""
    (n_c, n_s), (p_c, p_s) = sizes, rates
    canary, stable = binomial(n_c, p_c), binomial(n_s, p_s)
    bets = {"rollback": likelihood_bets, "promote": promote_bets}[kind]
    sums = [0.0] * len({"rollback": LAMBDAS, "promote": FACTORS}[kind])
    for (x_c, c), (x_s, s) in product(enumerate(canary), enumerate(stable)):
        logs = bets((n_c, x_c, n_s, x_s), 1.0, config)
        sums = [total + c * s * exp(one) for total, one in zip(sums, logs, strict=True)]
    return sums


@pytest.mark.parametrize("cap", [1, 3], ids=["uncapped", "capped"])
def test_no_bet_on_worse_than_tolerated_wins_while_the_canary_is_just_tolerated(cap: int) -> None:
    highest = 0.0
    for sizes, rate, (ratio, extra) in CASES:
        config = Config(tolerate_ratio=ratio, tolerate_abs=extra, min_bad_minutes=cap)
        rates = (ratio * rate + extra, rate)
        highest = max(highest, *expectations(sizes, rates, config, "rollback"))

    assert highest <= 1 + 1e-12


def test_no_bet_on_not_worse_wins_while_the_canary_is_just_materially_worse() -> None:
    highest = 0.0
    for sizes, rate, (ratio, extra) in CASES:
        config = Config(margin_ratio=ratio, margin_abs=extra)
        rates = (ratio * rate + extra, rate)
        highest = max(highest, *expectations(sizes, rates, config, "promote"))

    assert highest <= 1 + 1e-12


@pytest.mark.parametrize("slo", [0.001, 0.01, 0.1])
def test_no_bet_against_an_slo_wins_while_it_is_just_kept(slo: float) -> None:
    for n in (1, 10, 60):
        chances = binomial(n, slo)
        bets = [slo_bets(n, x, slo, 1.0, 1e9) for x in range(n + 1)]
        for index in range(len(SLO_FACTORS)):
            mean = sum(chance * row[index] for chance, row in zip(chances, bets, strict=True))
            assert mean <= 1 + 1e-12


def mean_score(
    sizes: tuple[int, int], rates: tuple[float, float], rho: float, delta: float
) -> float:
    """The sign score's expectation."""
    (n_c, n_s), (p_c, p_s) = sizes, rates
    pairs = product(enumerate(binomial(n_c, p_c)), enumerate(binomial(n_s, p_s)))
    return sum(c * s * sign_score((n_c, x_c, n_s, x_s), rho, delta) for (x_c, c), (x_s, s) in pairs)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("rate", RATES)
def test_the_sign_score_is_fair_between_equal_variants(sizes: tuple[int, int], rate: float) -> None:
    assert mean_score(sizes, (rate, rate), 1.0, 0.0) == pytest.approx(0, abs=1e-9)
    for ratio, extra in MARGINS:
        assert mean_score(sizes, (rate, rate), ratio, extra) <= 1e-9


@pytest.mark.parametrize("sizes", [*SIZES, (10, 190), (30, 90)], ids=str)
def test_the_sign_score_of_a_canary_at_the_very_edge_of_what_is_tolerated_is_nearly_fair(
    sizes: tuple[int, int],
) -> None:
    """A count thinned from p has not quite the distribution of one from 1.1 p: a known limit."""
    edges = [mean_score(sizes, (1.1 * rate, rate), 1.1, 0.0) for rate in RATES]

    assert max(edges) <= 0.003
    assert max(edges[:3]) <= 1e-4, "up to one per cent of bad requests it does not matter"


def test_tails_of_the_hypergeometric_distribution_are_those_of_its_counts() -> None:
    for total, bad, drawn in product((1, 7, 30), (0, 1, 7, 25), (0, 1, 6, 30)):
        if bad > total or drawn > total:
            continue
        chances = [
            comb(bad, h) * comb(total - bad, drawn - h) / comb(total, drawn)
            for h in range(drawn + 1)
        ]
        for x in range(total + 1):
            exact = sum(chances[:x]) - sum(chances[x + 1 :])
            assert below_less_above(x, drawn, bad, total) == pytest.approx(exact, abs=1e-10)
