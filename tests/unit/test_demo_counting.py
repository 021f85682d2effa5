"""The client's own arithmetic: what it counted, and what chance explains."""

from __future__ import annotations

import pytest

from demo.account import Entry, Sight
from demo.counting import (
    Answer,
    by_version,
    covered,
    failures,
    most_by_chance,
    served_in_turn,
    version_of,
    within_chance,
    wrong,
)
from demo.ending import live_in_turn
from demo.rows import Kind
from demo.traffic import variant_of
from demo.watching import Stretch, percentages, steady


def test_a_variant_names_its_version() -> None:
    assert version_of("v12-e3") == 12


@pytest.mark.parametrize("name", ["AllTraffic", "v1", "v1-e", "xv1-e1", "v1-e1-b"])
def test_another_name_is_no_version(name: str) -> None:
    assert version_of(name) is None


def test_a_diagnosis_is_wrong_when_its_own_version_says_otherwise() -> None:
    expected = {(1, Kind.COMPLETE): ("benign", "malignant"), (2, Kind.COMPLETE): ("benign",) * 2}
    right = [an_answer("v1-e1", "malignant", number=1), an_answer("v2-e2", "benign", number=1)]
    swapped = [an_answer("v2-e2", "malignant", number=1), an_answer("v3-e3", "benign")]
    failed = an_answer("v1-e1", None)

    assert wrong([*right, *swapped, failed], expected) == tuple(swapped)


def test_a_diagnosis_that_no_variant_signed_is_wrong() -> None:
    unsigned = an_answer(None, "benign")

    assert wrong([unsigned], {(1, Kind.COMPLETE): ("benign",)}) == (unsigned,)


def test_requests_are_counted_to_the_version_that_was_given_them() -> None:
    answers = [an_answer("v1-e1"), an_answer("v2-e2"), an_answer("v2-e9", None), an_answer(None)]

    assert by_version(answers) == {1: 1, 2: 2, None: 1}
    assert failures(answers) == (answers[2],)


def test_a_row_is_covered_by_a_diagnosis_not_by_an_error() -> None:
    answers = [an_answer("v1-e1", number=0), an_answer("v1-e1", None, number=1)]

    assert covered(answers, 1, Kind.COMPLETE) == {0}
    assert covered(answers, 2, Kind.COMPLETE) == set()


@pytest.mark.parametrize(
    ("requests", "share", "most"), [(0, 0.05, 0), (100, 0.05, 13), (1000, 0.05, 77), (10, 1.0, 10)]
)
def test_the_most_errors_a_share_explains(requests: int, share: float, most: int) -> None:
    assert most_by_chance(requests, share) == most


@pytest.mark.parametrize(
    ("count", "requests", "share", "explained"),
    [
        (25, 100, 0.25, True),
        (42, 100, 0.25, True),
        (43, 100, 0.25, False),
        (7, 100, 0.25, False),
        (100, 100, 1.0, True),
        (98, 100, 1.0, False),
        (0, 10, 0.05, True),
    ],
)
def test_whether_chance_explains_a_count(
    count: int, requests: int, share: float, explained: bool
) -> None:
    assert within_chance(count, requests, share) is explained


def test_versions_that_served_alone_are_told_in_turn_without_their_canaries() -> None:
    variants = ["v1-e1"] * 5 + ["v2-e2", "v1-e1"] * 4 + ["v2-e2"] * 5 + ["v3-e3"] + ["v2-e2"] * 4
    variants += ["v1-e4"] * 5
    answers = [an_answer(name, at=float(at)) for at, name in enumerate(variants)]

    assert served_in_turn(list(reversed(answers)), least_run=4) == [1, 2, 1]


def test_the_ledger_tells_each_change_of_the_live_version_once() -> None:
    lives = [None, 1, 1, 1, 2, 2, 1]
    entries = [an_entry(n, live) for n, live in enumerate(lives, start=1)]

    assert live_in_turn(entries) == [1, 2, 1]


def test_the_watch_tells_percentages_in_order_and_where_a_version_stood_still() -> None:
    sights = [
        Sight("InService", (("v1-e1", 100.0),)),
        Sight("InService", (("v1-e1", 100.0), ("v2-e2", 0.0))),
        Sight("Updating", (("v1-e1", 95.0), ("v2-e2", 5.0))),
        Sight("InService", (("v1-e1", 95.0), ("v2-e2", 5.0))),
        Sight("InService", (("v1-e1", 0.0), ("v2-e2", 100.0))),
    ]
    stretches = tuple(Stretch(sight, at, at + 0.5) for at, sight in enumerate(sights))

    assert percentages(stretches, 2) == [0, 5, 100]
    assert [stretch.since for stretch in steady(stretches, 2, 5)] == [2, 3]


@pytest.mark.parametrize(
    ("response", "variant"),
    [
        ({"LogStreamArn": "arn:aws:logs:us-east-1:1:log-group:g:log-stream:v3-e3/i-0"}, "v3-e3"),
        (
            {
                "ResponseMetadata": {
                    "HTTPHeaders": {"x-amzn-invoked-production-variant": "v4-e4"},
                }
            },
            "v4-e4",
        ),
        ({"Error": {"Code": "ValidationException"}}, None),
    ],
)
def test_an_error_tells_the_variant_it_came_from(
    response: dict[str, object], variant: str | None
) -> None:
    assert variant_of(response) == variant


def an_answer(
    variant: str | None, said: str | None = "benign", *, number: int = 0, at: float = 0.0
) -> Answer:
    return Answer(at, 0.01, Kind.COMPLETE, number, variant, said)


def an_entry(n: int, live: int | None) -> Entry:
    from datetime import UTC, datetime

    return Entry(n, datetime(2026, 5, 3, tzinfo=UTC), "Settled", live, live, "passed")
