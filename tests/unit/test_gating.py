"""What the evaluation policy says of a version: each gate, missed or not, with its numbers."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.evaluation_policy import parse_policy
from sluice.domain.gates import Gate, GateOutcome, Gates, Live, Source
from sluice.domain.gating import SKEW, Standing, judge_gates
from sluice.domain.manifest import spelled
from sluice.domain.model_files import LARGEST_DESCRIPTION
from sluice.domain.scores import Scores
from tests.builders import AT, a_release_name

PASSED, MISSED, NOT_APPLICABLE = GateOutcome
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LIVE = Live(release=a_release_name("churn-v3"), digest="d" * 64)


def judged(
    section: dict[str, Any],
    report: dict[str, float],
    *,
    live: dict[str, float] | None = None,
    said: dict[str, float] | None = None,
    evaluated_at: str = "",
    at: datetime = AT,
) -> Gates:
    policy = parse_policy(json.dumps({"groups": {"churn": section}}).encode())
    beside = Standing(LIVE, Scores(live)) if live is not None else None
    scores = Scores(report, said or {}, evaluated_at)
    return judge_gates(policy, "churn", scores, live=beside, at=at)


def one(section: dict[str, Any], report: dict[str, float], **more: Any) -> Gate:
    (gate,) = judged(section, report, **more).judged
    return gate


def test_what_is_said_of_the_largest_section_fits_beside_the_largest_description() -> None:
    names = [f"{one:02}{'"' * 96}" for one in range(20)]
    number = -1.2345678901234567e-100
    limits = {"at_least": number, "at_most": -number, "no_worse_than_live_by": -number}
    gates = {one: {**limits, "better": "higher"} for one in names}
    section = {"metrics": gates, "required_suites": list("abcdefghijklmnopqrst")}
    found = dict.fromkeys(names, number)

    made = judged({**section, "max_age_days": 30}, found, live=found)

    assert len(made.judged) == 20 * 3 + 20 + 1
    item = 400 * 1024
    assert LARGEST_DESCRIPTION + len(spelled(made).encode()) < item - 2048


def metric(**gate: Any) -> dict[str, Any]:
    return {"metrics": {"accuracy": gate}}


HIGHER = metric(no_worse_than_live_by=0.01, better="higher")
LOWER = metric(no_worse_than_live_by=0.01, better="lower")


@pytest.mark.parametrize(
    ("section", "value", "outcome"),
    [
        (metric(at_least=0.8), 0.8, PASSED),
        (metric(at_least=0.8), 0.7999, MISSED),
        (metric(at_least=0.8), None, MISSED),
        (metric(at_most=0.2), 0.2, PASSED),
        (metric(at_most=0.2), 0.2001, MISSED),
        (metric(at_most=0.2), None, MISSED),
        (metric(at_least=0.8), math.nan, MISSED),
        (metric(at_least=0.8), math.inf, MISSED),
        (metric(at_most=0.8), -math.inf, MISSED),
    ],
)
def test_a_limit_is_reached_by_the_number_itself_and_by_nothing_that_is_none(
    section: dict[str, Any], value: float | None, outcome: GateOutcome
) -> None:
    report = {} if value is None else {"accuracy": value}

    assert one(section, report).outcome is outcome


@pytest.mark.parametrize(
    ("section", "ours", "theirs", "outcome"),
    [
        (HIGHER, 0.87, 0.88, PASSED),
        (HIGHER, 0.8699, 0.88, MISSED),
        (HIGHER, 0.99, 0.88, PASSED),
        (LOWER, 0.89, 0.88, PASSED),
        (LOWER, 0.8901, 0.88, MISSED),
        (LOWER, 0.1, 0.88, PASSED),
        (metric(no_worse_than_live_by=0, better="higher"), 0.88, 0.88, PASSED),
        # 0.3 - 0.2 is more than 0.1 in binary; nobody who reads the numbers would say so.
        (metric(no_worse_than_live_by=0.1, better="higher"), 0.2, 0.3, PASSED),
        (HIGHER, 0.88, None, NOT_APPLICABLE),
        (HIGHER, 0.88, math.nan, NOT_APPLICABLE),
        (HIGHER, None, 0.88, MISSED),
        (HIGHER, math.nan, 0.88, MISSED),
    ],
)
def test_no_worse_than_live_is_told_by_the_decimal_numbers(
    section: dict[str, Any], ours: float | None, theirs: float | None, outcome: GateOutcome
) -> None:
    report = {} if ours is None else {"accuracy": ours}

    gate = one(section, report, live={} if theirs is None else {"accuracy": theirs})

    assert gate.outcome is outcome


def test_where_nothing_serves_there_is_nothing_to_compare_with_and_people_are_told() -> None:
    gates = judged(HIGHER, {"accuracy": 0.1})

    (gate,) = gates.not_applicable
    assert gates.missed == ()
    assert gates.live is None
    assert gate.detail == (
        "accuracy is 0.1, no_worse_than_live_by is 0.01: no release to compare with"
    )


def test_the_first_version_must_have_measured_what_the_next_are_compared_by() -> None:
    assert [gate.detail for gate in judged(HIGHER, {"f1": 0.1}).missed] == [
        "accuracy is absent, no_worse_than_live_by is 0.01"
    ]


def test_what_serves_and_cannot_be_read_as_it_was_captured_lets_nothing_pass() -> None:
    policy = parse_policy(json.dumps({"default": HIGHER}).encode())
    gates = judge_gates(
        policy, "churn", Scores({"accuracy": 0.9}), live=Standing(LIVE, None), at=AT
    )

    assert [gate.outcome for gate in gates.judged] == [MISSED]
    assert "churn-v3, which serves, is not recorded as it was captured" in gates.judged[0].detail


def test_a_comparison_records_both_numbers_and_what_it_was_compared_with() -> None:
    gates = judged(HIGHER, {"accuracy": 0.85}, live={"accuracy": 0.88})

    (gate,) = gates.missed
    assert gates.live == LIVE
    assert (gate.name, gate.wanted, gate.found, gate.live, gate.source) == (
        "accuracy no_worse_than_live_by",
        0.01,
        0.85,
        0.88,
        Source.REPORT,
    )
    assert gate.detail == (
        "accuracy is 0.85, no_worse_than_live_by is 0.01 (higher is better): "
        "churn-v3, which serves, has 0.88"
    )


def test_a_metric_that_only_the_metadata_says_counts_and_is_told_apart() -> None:
    gate = one(metric(at_least=0.8), {"f1": 0.9}, said={"accuracy": 0.85})

    assert (gate.outcome, gate.source) == (PASSED, Source.METADATA)


def test_what_serves_is_not_named_where_nothing_is_compared_with_it() -> None:
    assert judged(metric(at_least=0.1), {"accuracy": 1}, live={"accuracy": 1}).live is None


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        ({"suites.toxicity.rate": 0.0}, PASSED),
        ({"suites.toxicity-2.rate": 0.0}, MISSED),
        ({"toxicity.rate": 0.0}, MISSED),
        ({"suites.toxicity": 1.0}, MISSED),
        ({}, MISSED),
    ],
)
def test_a_suite_ran_if_a_number_stands_under_its_name(
    report: dict[str, float], outcome: GateOutcome
) -> None:
    assert one({"required_suites": ["toxicity"]}, report).outcome is outcome


@pytest.mark.parametrize(
    ("evaluated_at", "outcome", "said"),
    [
        ("2026-05-02T14:00:00Z", PASSED, "1.0 days ago"),
        ("2026-04-03T14:00:00Z", PASSED, "30.0 days ago"),
        ("2026-04-03T13:59:59Z", MISSED, "30.0 days ago"),
        ("2026-05-03T16:04+02:00", PASSED, "-0.0 days ago"),
        ("2026-05-03T14:05:01Z", MISSED, "yet to come"),
        ("2026-05-02T14:00:00", MISSED, "no time with a zone"),
        ("2026-05-02", MISSED, "no time with a zone"),
        ("yesterday", MISSED, "no time with a zone"),
        ("", MISSED, "absent"),
    ],
)
def test_freshness_is_proved_by_the_evaluation_or_missed(
    evaluated_at: str, outcome: GateOutcome, said: str
) -> None:
    gate = one({"max_age_days": 30}, {}, evaluated_at=evaluated_at)

    assert gate.outcome is outcome
    assert said in gate.detail
    assert gate.detail.endswith(", max_age_days is 30")


@given(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])),
    st.datetimes(timezones=st.just(UTC)),
    st.floats(min_value=0.001, max_value=3650),
)
def test_an_evaluation_is_fresh_between_its_time_and_its_age_and_never_outside(
    evaluated: datetime, at: datetime, days: float
) -> None:
    gate = one({"max_age_days": days}, {}, evaluated_at=evaluated.isoformat(), at=at)

    fresh = evaluated <= at + SKEW if at < datetime.max.replace(tzinfo=UTC) - SKEW else True
    assert (gate.outcome is PASSED) == (fresh and at - evaluated <= timedelta(days=days))


@given(FINITE, FINITE, FINITE.filter(lambda one: one >= 0), st.sampled_from(["higher", "lower"]))
def test_a_better_number_never_misses_what_a_worse_one_passes(
    ours: float, theirs: float, by: float, better: str
) -> None:
    section = metric(no_worse_than_live_by=by, better=better)
    gate = one(section, {"accuracy": ours}, live={"accuracy": theirs})
    more = math.nextafter(ours, math.inf if better == "higher" else -math.inf)

    if gate.outcome is PASSED and math.isfinite(more):
        assert one(section, {"accuracy": more}, live={"accuracy": theirs}).outcome is PASSED
    assert one(section, {"accuracy": theirs}, live={"accuracy": theirs}).outcome is PASSED


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.sampled_from([HIGHER, LOWER]))
def test_nothing_that_is_no_finite_number_passes(value: float, section: dict[str, Any]) -> None:
    assert one(section, {"accuracy": value}, live={"accuracy": 0.5}).outcome is MISSED


def test_the_gates_that_are_missed_are_those_and_no_others() -> None:
    section = {
        "metrics": {"accuracy": {"at_least": 0.8, "at_most": 0.99}, "f1": {"at_least": 0.8}},
        "required_suites": ["toxicity"],
        "max_age_days": 30,
    }

    gates = judged(section, {"accuracy": 0.9, "f1": 0.7})

    assert [gate.name for gate in gates.judged] == [
        "accuracy at_least",
        "accuracy at_most",
        "f1 at_least",
        "suite toxicity",
        "max_age_days",
    ]
    assert [gate.detail for gate in gates.missed] == [
        "f1 is 0.7, at_least demands 0.8",
        "suite toxicity did not run: no number under suites.toxicity",
        "evaluated_at is absent, max_age_days is 30",
    ]
