"""Which gates hold for which group, and which policies are none."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.evaluation_policy import PolicyError, Section, parse_policy

FLOOR: dict[str, Any] = {"metrics": {"accuracy": {"at_least": 0.8}}}
PATTERNS = st.text(alphabet="ab-*", min_size=1, max_size=5).filter(lambda one: one[0] != "-")
NAMES = st.text(alphabet="ab-", max_size=6)


def spelled(**sections: Any) -> bytes:
    return json.dumps(sections).encode()


def groups(*names: str) -> bytes:
    return spelled(groups={name: {"max_age_days": n + 1} for n, name in enumerate(names)})


def test_a_policy_is_known_by_the_digest_of_its_bytes() -> None:
    data = b'{ "default": {} }\n'

    assert parse_policy(data).digest == hashlib.sha256(data).hexdigest()


def test_the_empty_policy_demands_nothing() -> None:
    assert parse_policy(b"{}").section_of("churn") == ("default", Section())
    assert not Section().compares


@pytest.mark.parametrize(
    ("group", "section"),
    [
        ("churn-eu", "churn-eu"),
        ("churn-eu-2", "churn-eu*"),
        ("churn-us", "churn-*"),
        ("fraud-us", "*-us"),
        ("fraud", "default"),
        ("Churn-us", "*-us"),
    ],
)
def test_the_exact_name_comes_first_then_the_longest_pattern_then_the_default(
    group: str, section: str
) -> None:
    policy = parse_policy(groups("*-us", "churn-*", "churn-eu*", "churn-eu"))

    assert policy.section_of(group)[0] == section


def test_a_section_holds_whole_and_takes_nothing_from_the_default() -> None:
    policy = parse_policy(spelled(default=FLOOR, groups={"churn": {"max_age_days": 30}}))

    assert policy.section_of("churn")[1].metrics == {}


@pytest.mark.parametrize(
    ("one", "two", "ambiguous"),
    [
        ("a-*", "*-b", True),
        ("a*", "*a", True),
        ("a*", "b*", False),
        ("a*c", "ab*", True),
        ("a-*", "*-bc", False),
        ("*", "**", True),
        ("a**", "a*", True),
    ],
)
def test_two_patterns_that_could_both_hold_must_not_be_equally_specific(
    one: str, two: str, *, ambiguous: bool
) -> None:
    if ambiguous:
        with pytest.raises(PolicyError, match="equally specific"):
            parse_policy(groups(one, two))
    else:
        parse_policy(groups(one, two))


@given(st.lists(PATTERNS, min_size=1, max_size=4, unique=True), NAMES)
def test_of_a_policy_that_is_taken_one_section_holds_whatever_their_order(
    patterns: list[str], name: str
) -> None:
    try:
        policy = parse_policy(groups(*patterns))
    except PolicyError:
        return
    found = policy.section_of(name)[0]

    assert parse_policy(groups(*reversed(patterns))).section_of(name)[0] == found


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (b"", "Expecting value"),
        (b"[]", "evaluation_policy.json"),
        (b'{"default": {}, "default": {}}', "stands twice"),
        (b'{"defaults": {}}', "defaults: Extra inputs"),
        (spelled(default={"metrics": {"a": {}}}), "give at_least, at_most or"),
        (spelled(default={"metrics": {"a": {"at_least": "0.8"}}}), "at_least: Input should be"),
        (spelled(default={"metrics": {"a": {"at_least": True}}}), "at_least: Input should be"),
        (b'{"default": {"metrics": {"a": {"at_least": NaN}}}}', "NaN is not JSON"),
        (b'{"default": {"metrics": {"a": {"at_least": 1e999}}}}', "too large"),
        (spelled(default={"metrics": {"a": {"at_least": 2, "at_most": 1}}}), "above at_most"),
        (spelled(default={"metrics": {"a": {"no_worse_than_live_by": 1}}}), "better goes with"),
        (spelled(default={"metrics": {"a": {"at_least": 1, "better": "higher"}}}), "better goes"),
        (
            spelled(default={"metrics": {"a": {"no_worse_than_live_by": -1, "better": "lower"}}}),
            "greater than or equal to 0",
        ),
        (
            spelled(default={"metrics": {"a": {"no_worse_than_live_by": 1, "better": "more"}}}),
            "'higher' or 'lower'",
        ),
        (spelled(default={"metrics": {"a\nb": {"at_least": 1}}}), "String should match"),
        (spelled(default={"metrics": {"": {"at_least": 1}}}), "String should match"),
        (spelled(default={"max_age_days": 0}), "greater than 0"),
        (spelled(default={"required_suites": ["é" * 128] * 8 + ["a"]}), "have 2049 bytes in all"),
        (spelled(default={"required_suites": "toxicity"}), "required_suites"),
        (spelled(groups={"churn?": {}}), "String should match"),
        (spelled(groups={"churn": {"metric": {}}}), "metric: Extra inputs"),
    ],
)
def test_what_is_no_policy_is_refused_with_what_to_change(document: bytes, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        parse_policy(document)
