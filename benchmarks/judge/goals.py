"""What the judge must reach, and whether a full run found that it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.judge.scenarios import Scenario, grid, healthy, seen, unseen
from benchmarks.judge.statistics import Rate, minutes, percent, pooled
from benchmarks.judge.suites import ORACLE, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.judge.results import Results

ONSETS = {"1k 1% x5 from minute 45": 8, "1k .1% x5 from minute 60": 17}
MEDIANS = {
    "1000/min base 0.1% =10%": 4,
    "1000/min base 0% +1pp": 10,
    "1000/min base 1% x5": 8,
    "1000/min base 0.1% +1pp": 16,
    "1000/min base 0.1% x5": 38,
    "1000/min base 1% x2": 38,
    "10000/min base 0.1% =10%": 4,
    "10000/min base 0.1% x5": 8,
    "10000/min base 1% x2": 9,
    "10000/min base 1% x1.5": 26,
    "100/min base 0.1% =10%": 11,
    "100/min base 1% x5": 37,
    **ONSETS,
}
"""Minutes after the onset, at most, in which half of all rollouts are rolled back."""
FOUND_AT_LOW_TRAFFIC = ("10/min base 0% =10%", "10/min base 0.1% =10%")
RIVALS = {
    "Kayenta per step": (44, 44, 5),
    "Flagger docs": (20, 21, 4),
    "Argo docs": (38, 40, 10),
    "hand-tuned alarm": (36, 36, 3),
}
"""In how many of how many scenarios we are not slower, and how many times more each must spoil.

How they are compared: docs/decisions/0040-rivals-are-compared-on-the-grid.md.
"""
THRESHOLDS = (
    "Flagger docs",
    "Argo docs",
    "Argo CloudWatch docs",
    "CodeDeploy / SAM alarm",
    "hand-tuned alarm",
)
_ACCEPTABLE = 0.05
"""A rule that rolls back more of what is fine is not compared in speed."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal, what was found, and whether that meets it."""

    id: str
    goal: str
    found: str
    met: bool | None
    """None: not run."""


def goals(results: Results) -> list[Goal]:
    """All of them, in order; G7 is a property that the unit tests hold."""
    return [
        *_healthy(results),
        *_other_settings(results),
        *_shared_trouble(results),
        *_speed(results),
        *_promotion(results),
        *_rivals(results),
        *_panel(results),
        _cost(results),
    ]


def twin(scenario: Scenario) -> Scenario:
    """The healthy scenario that is the same service, or the one nearest in its base rate."""
    alike = [one for one in healthy() if _service(one) == _service(scenario)]
    return min(alike, key=lambda one: abs(one.base - scenario.base))


def _service(scenario: Scenario) -> Scenario:
    return replace(scenario, id="", base=0.0, effect=None, onset=0)


def _worst(results: Results, suite: str, of: Sequence[Scenario]) -> tuple[str, Rate]:
    rates = {one.id: results.rate(suite, one.id) for one in of}
    name = max(rates, key=lambda one: rates[one].value)
    return name, rates[name]


def _healthy(results: Results) -> Iterator[Goal]:
    name, worst = _worst(results, "panel", seen())
    text = f"worst: {percent(worst)}, {name}"
    below = all(results.rate("panel", one.id).interval[1] <= 0.01 for one in seen())
    goal = f"{len(seen())} fine services whose noise the history shows: each interval below 1 %"
    yield Goal("G1", goal, text, below)
    yield Goal("G1", "each at most 0.3 %", text, worst.value <= 0.003)
    together = pooled([results.rate("panel", one.id) for one in seen()])
    yield Goal("G1", "together at most 0.1 %", percent(together), together.value <= 0.001)
    name, worst = _worst(results, "panel", unseen())
    text = f"worst: {percent(worst)}, {name}"
    yield Goal("G1", "noise that the history does not show: at most 1 %", text, worst.value <= 0.01)


def _other_settings(results: Results) -> Iterator[Goal]:
    for suite, alpha, text in (
        ("strict", 0.01, "nothing tolerated (ratio 1.0)"),
        ("alpha 5 %", 0.05, "nothing tolerated, alpha 5 %"),
        ("alpha 0.1 %", 0.001, "nothing tolerated, alpha 0.1 %"),
    ):
        goal = f"{text}: at most {100 * alpha:g} %"
        if suite not in results.suites:
            yield Goal("G2", goal, "", met=None)
            continue
        name, worst = _worst(results, suite, seen())
        yield Goal("G2", goal, f"worst: {percent(worst)}, {name}", worst.value <= alpha)
    day = results.suites["a day"]
    name = max(day, key=lambda one: day[one]["ours"].rate.value)
    worst = day[name]["ours"].rate
    found = f"worst: {percent(worst)}, {name}"
    yield Goal("G2", "1,440 looks, nothing tolerated: at most 1 %", found, worst.value <= 0.01)


def _shared_trouble(results: Results) -> Iterator[Goal]:
    shared = [one for one in seen() if one.drift or one.common_cv]
    name, worst = _worst(results, "panel", shared)
    yield Goal(
        "G3",
        "trouble that both variants share (outage, ramp, day, noise): at most 0.2 % each",
        f"worst: {percent(worst)}, {name}",
        worst.value <= 0.002,
    )


def _speed(results: Results) -> Iterator[Goal]:
    for name, most in MEDIANS.items():
        found = results.suites["panel"][name]["ours"].median
        number = "G6" if name in ONSETS else "G4" if name.startswith("1000/") else "G5"
        text = f"{name}: half found in {most} minutes"
        yield Goal(number, text, minutes(found), found[0] <= most)
    for name in FOUND_AT_LOW_TRAFFIC:
        rate = results.rate("panel", name)
        yield Goal("G5", f"{name}: 95 % found in 90", percent(rate), rate.value >= 0.95)


def _promotion(results: Results) -> Iterator[Goal]:
    steps = [
        (found.rate, f"{name}, {step}")
        for name, of_steps in results.suites["margin"].items()
        for step, found in of_steps.items()
    ]
    worst, where = max(steps, key=lambda one: one[0].value)
    for most, text in ((0.05, "at most 5 %"), (0.02, "at most 2 %")):
        goal = f"a canary just materially worse passes a step on evidence: {text}"
        yield Goal("G8", goal, f"worst: {percent(worst)}, {where}", worst.value <= most)
    climbs = results.suites["promote"]
    for traffic, most in (("10000/min", 16), ("1000/min", 45)):
        fine = [found["promoted"] for name, found in climbs.items() if name.startswith(traffic)]
        slowest = max((one.median for one in fine), key=lambda one: one[0])
        text = f"{traffic}: half of the fine canaries promoted in {most} minutes"
        yield Goal("G8", text, f"slowest: {minutes(slowest)}", slowest[0] <= most)
        least = min((one.rate for one in fine), key=lambda one: one.value)
        text = f"{traffic}: at least 99.5 % of them promoted"
        yield Goal("G8", text, f"fewest: {percent(least)}", least.value >= 0.995)
    quiet = climbs["10/min base 0%"]
    yield Goal(
        "G8",
        "10/min without errors: none promoted, all held with the requests still needed",
        f"{quiet['promoted'].rate.found} promoted, {quiet['held'].rate.found} held",
        not quiet["promoted"].rate.found and quiet["held"].rate.value == 1,
    )


def _rivals(results: Results) -> Iterator[Goal]:
    panel = results.suites["panel"]
    for rival, (least, of, times) in RIVALS.items():
        both = [
            (panel[one.id][OURS], panel[one.id][rival], panel[one.id][ORACLE])
            for one in grid()
            if panel[twin(one).id][rival].rate.value <= _ACCEPTABLE
        ]
        wins = sum(a.median[0] <= b.median[0] for a, b, _ in both)
        clear = sum(a.median[2] <= b.median[1] for a, b, _ in both)
        yield Goal(
            "G9",
            f"not slower than {rival} where that rolls back at most 5 % of what is fine: "
            f"{least} of {of}",
            f"{wins} of {len(both)}; {clear} by our interval's end and their interval's begin",
            wins >= least and len(both) == of,
        )
        ours, theirs, best = (sum(one[n].harm for one in both) for n in range(3))
        yield Goal(
            "G9",
            f"requests spoilt there: at most 1/{times} of those of {rival}",
            f"{ours:,.0f} to {theirs:,.0f} (1/{theirs / ours:.1f}; at best 1/{theirs / best:.1f})",
            theirs >= times * ours,
        )


def mean_rate(results: Results, rule: str, suite: str = "panel") -> float:
    """False rollbacks of a rule, averaged over the fine services that are no known limit."""
    rates = [results.rate(suite, one.id, rule).value for one in healthy() if not one.limit]
    return sum(rates) / len(rates)


def _panel(results: Results) -> Iterator[Goal]:
    ours = mean_rate(results, "ours")
    for rule in THRESHOLDS:
        theirs = mean_rate(results, rule)
        yield Goal(
            "G10",
            f"false rollbacks over all fine services at most 1/100 of those of {rule}",
            f"{_together(results, OURS)} to {_together(results, rule)}",
            theirs >= 100 * ours,
        )
    kayenta = "Kayenta per step"
    strict = _together(results, OURS, "strict")
    yield Goal(
        "G10",
        f"and not above those of {kayenta}",
        f"{_together(results, OURS)} (nothing tolerated: {strict}) to "
        f"{_together(results, kayenta)}",
        ours <= mean_rate(results, kayenta),
    )


def _together(results: Results, rule: str, suite: str = "panel") -> str:
    """Its false rollbacks over all fine services: each has as many rollouts as any other."""
    fine = [one.id for one in healthy() if not one.limit]
    return percent(pooled([results.rate(suite, one, rule) for one in fine]))


def _cost(results: Results) -> Goal:
    found = f"{results.milliseconds:.1f} ms on the machine that ran the benchmark"
    most = 10
    text = f"a poll of three metrics after 90 minutes takes at most {most} ms"
    return Goal("G11", text, found, results.milliseconds <= most)
