"""What the answer to a smoke test means: for the version, and for its rollout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.errors import DisplacedError
from sluice.domain.pushed import Alarms
from sluice.domain.rollout import Action, Kind, Rollout, Trial, Verdict
from sluice.domain.smoke_test import Expectation, SmokeTest
from sluice.domain.smoke_verdict import (
    LARGEST_ANSWER,
    Answer,
    Finding,
    Found,
    Reply,
    Unasked,
    conclude,
    counted,
    judge,
    pause,
    told,
)
from tests.builders import AT, a_rollout, a_state

ALARMS = Alarms(latency_ms=500, evaluation_periods=3)
PASSED = Found(Finding.PASSED, "200 in 35 ms", 35)
FAILING = Found(Finding.FAILING, "it answered 503 instead of 200: 'loading'", 20)
WRONG = Found(Finding.WRONG, "it has no score: '{}'", 20)
UNASKED = Found(Finding.UNASKED, "ThrottlingException")
SMOKE = SmokeTest(body="{}", warm_up_seconds=60)


def answer(body: Any = None, *, status: int = 200, kind: str = "", took_ms: int = 35) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, kind or "application/json", data, took_ms)


GOOD = {"score": 0.7, "labels": [{"name": "cat"}], "ok": True, "none": None, "a/b": {"m~n": 8}}


@pytest.mark.parametrize(
    ("expect", "reply"),
    [
        pytest.param({}, answer(b"anything at all"), id="an answer is an answer"),
        pytest.param({"content_type": "text/csv"}, answer(b"1", kind="Text/CSV; header=no")),
        pytest.param({"contains": "cat"}, answer(GOOD)),
        pytest.param({"fields": ("score", "labels")}, answer(GOOD)),
        pytest.param({"equals": {"/labels/0/name": "cat"}}, answer(GOOD), id="in a list"),
        pytest.param({"equals": {"/a~1b/m~0n": 8}}, answer(GOOD), id="escaped names"),
        pytest.param({"equals": {"": 3}}, answer(3), id="the whole answer"),
        pytest.param({"equals": {"/none": None}}, answer(GOOD), id="null where null is wanted"),
        pytest.param({"between": {"/score": (0.7, 0.8)}}, answer(GOOD), id="on the border"),
        pytest.param({"within_ms": 35}, answer(GOOD), id="just in time"),
        pytest.param(
            {"status": 422}, answer(b"no such column", status=422), id="refuses what it should"
        ),
        pytest.param({}, answer(b"x" * (LARGEST_ANSWER + 1)), id="large, and nobody compares it"),
    ],
)
def test_an_answer_that_satisfies_passes(expect: dict[str, Any], reply: Reply) -> None:
    assert judge(Expectation.model_validate(expect), reply).finding is Finding.PASSED


@pytest.mark.parametrize(
    ("expect", "reply", "finding", "said"),
    [
        pytest.param({}, answer(b"boom", status=500), Finding.FAILING, "500", id="an error"),
        pytest.param({}, answer(b"wait", status=503), Finding.FAILING, "503", id="loading"),
        pytest.param({}, answer(b"wait", status=429), Finding.FAILING, "429", id="too many"),
        pytest.param({}, Answer(0, "", b"", 30_000), Finding.FAILING, "no answer", id="silence"),
        pytest.param(
            {"within_ms": 34}, answer(GOOD), Finding.FAILING, "35 ms, more than 34", id="slow"
        ),
        pytest.param(
            {}, answer(b"bad column", status=422), Finding.WRONG, "bad column", id="refused"
        ),
        pytest.param({"status": 422}, answer(b"1"), Finding.WRONG, "200 instead of 422"),
        pytest.param({"content_type": "text/csv"}, answer(GOOD), Finding.WRONG, "application/json"),
        pytest.param({"contains": "dog"}, answer(GOOD), Finding.WRONG, "'dog'"),
        pytest.param({"fields": ("score",)}, answer([1]), Finding.WRONG, "no score", id="a list"),
        pytest.param({"fields": ("age",)}, answer(GOOD), Finding.WRONG, "no age"),
        pytest.param({"fields": ("age",)}, answer(b"{"), Finding.WRONG, "not JSON", id="cut off"),
        pytest.param(
            {"fields": ("age",)}, answer(b"[" * 9999), Finding.WRONG, "not JSON", id="deep nesting"
        ),
        pytest.param({"equals": {"/score": 0.8}}, answer(GOOD), Finding.WRONG, "0.7 instead of"),
        pytest.param({"equals": {"/ok": 1}}, answer(GOOD), Finding.WRONG, "True", id="true, not 1"),
        pytest.param({"equals": {"/age": None}}, answer(GOOD), Finding.WRONG, "nothing"),
        pytest.param({"equals": {"/labels/9": 1}}, answer(GOOD), Finding.WRONG, "nothing"),
        pytest.param({"equals": {"/labels/-1": 1}}, answer(GOOD), Finding.WRONG, "nothing"),
        pytest.param({"between": {"/score": (0.8, 1)}}, answer(GOOD), Finding.WRONG, "not between"),
        pytest.param({"between": {"/ok": (0, 1)}}, answer(GOOD), Finding.WRONG, "True"),
        pytest.param(
            {"fields": ("a",)},
            answer(b" " * (LARGEST_ANSWER + 1)),
            Finding.WRONG,
            "too large",
            id="too large to compare",
        ),
        pytest.param({}, Unasked("AccessDenied"), Finding.UNASKED, "AccessDenied"),
    ],
)
def test_an_answer_that_does_not_satisfy_says_what_is_wrong(
    expect: dict[str, Any], reply: Reply, finding: Finding, said: str
) -> None:
    found = judge(Expectation.model_validate(expect), reply)

    assert found.finding is finding
    assert said in found.detail
    assert len(found.detail) < 700


@given(st.binary(max_size=300))
def test_no_answer_a_model_could_give_breaks_the_judge(body: bytes) -> None:
    expect = Expectation(fields=("a",), equals={"/a/0": 1}, between={"/b": (0, 1)})

    assert judge(expect, answer(body)).finding is Finding.WRONG


def concluded(
    found: Found,
    *,
    kind: Kind = Kind.CANARY,
    tries: int = 1,
    spent_ms: int = 90_000,
    others: bool = False,
) -> Rollout:
    trial = Trial(tries=tries, spent_ms=spent_ms)
    rollout = a_rollout(kind, reason="approved", trial=Trial(), others=others)
    return conclude(rollout, SMOKE, trial, found, alarms=ALARMS)


@pytest.mark.parametrize(
    ("kind", "found", "action", "blames"),
    [
        pytest.param(Kind.CANARY, PASSED, Action.SHIFT, False, id="a canary gets its weight"),
        pytest.param(Kind.CANARY, WRONG, Action.ROLL_BACK, True, id="a wrong answer is its fault"),
        pytest.param(Kind.CANARY, FAILING, Action.ROLL_BACK, True, id="it never warmed up"),
        pytest.param(
            Kind.CANARY, UNASKED, Action.ROLL_BACK, False, id="what was not asked is nobody's fault"
        ),
        pytest.param(Kind.ALL_AT_ONCE, PASSED, Action.PROMOTE, False, id="a first deployment"),
        pytest.param(Kind.ALL_AT_ONCE, WRONG, Action.ROLL_BACK, True, id="a first one that fails"),
        pytest.param(Kind.ROLL_BACK, PASSED, Action.PROMOTE, False, id="a rollback"),
        pytest.param(
            Kind.ROLL_BACK, WRONG, Action.PROMOTE, False, id="a rollback has nowhere else to go"
        ),
        pytest.param(Kind.ROLL_BACK, UNASKED, Action.PROMOTE, False, id="a rollback goes on"),
    ],
)
def test_what_follows_a_smoke_test(kind: Kind, found: Found, action: Action, blames: bool) -> None:
    done = concluded(found, kind=kind)

    assert (done.action, done.blames) == (action, blames)
    assert (done.verdict is Verdict.FAILED) is blames
    if found is PASSED and kind is Kind.ROLL_BACK:
        assert done.reason == "approved"
    else:
        assert found.detail in done.reason


@pytest.mark.parametrize(
    ("found", "action"),
    [
        pytest.param(PASSED, Action.PROMOTE, id="it came up"),
        pytest.param(WRONG, Action.ROLL_BACK, id="the next good release is tried"),
        pytest.param(FAILING, Action.ROLL_BACK, id="it never warmed up"),
        pytest.param(UNASKED, Action.PROMOTE, id="what was not asked says nothing against it"),
    ],
)
def test_a_rollback_with_another_good_release_to_go_to_is_not_sent_to_users_untested(
    found: Found, action: Action
) -> None:
    done = concluded(found, kind=Kind.ROLL_BACK, others=True)

    assert (done.action, done.blames) == (action, False)


def test_a_rollback_keeps_its_reason_and_tells_of_a_test_that_failed() -> None:
    assert concluded(PASSED, kind=Kind.ROLL_BACK).reason == "approved"
    said = concluded(WRONG, kind=Kind.ROLL_BACK).reason
    assert said.startswith("approved; SMOKE_TEST_FAILED: it has no score")


@pytest.mark.parametrize("found", [FAILING, UNASKED])
def test_a_container_that_may_be_warming_up_is_asked_again_for_a_bounded_time(found: Found) -> None:
    assert concluded(found, spent_ms=59_999).action is Action.SMOKE_TEST
    assert concluded(found, spent_ms=60_000).action is Action.ROLL_BACK


def test_a_wrong_answer_is_not_asked_for_twice() -> None:
    assert concluded(WRONG, spent_ms=0).action is Action.ROLL_BACK
    assert pause(SMOKE, Trial(), WRONG, round_seconds=0) is None


def test_one_invocation_asks_for_seconds_only() -> None:
    assert pause(SMOKE, Trial(), FAILING, round_seconds=9) == 2
    assert pause(SMOKE, Trial(), FAILING, round_seconds=11) is None
    assert pause(SMOKE, Trial(spent_ms=60_000), FAILING, round_seconds=0) is None


def test_time_spent_adds_up_over_invocations() -> None:
    trial = counted(counted(Trial(), spent_ms=20), spent_ms=2020)

    assert trial == Trial(tries=2, spent_ms=2040)


@pytest.mark.parametrize(
    ("tries", "took_ms", "quiet"),
    [
        pytest.param(1, 500, 0, id="nothing an alarm could have seen"),
        pytest.param(1, 501, 240, id="slower than the latency alarm allows"),
        pytest.param(2, 20, 240, id="a try failed"),
    ],
)
def test_alarms_get_the_time_to_forget_what_the_smoke_test_did(
    tries: int, took_ms: int, quiet: int
) -> None:
    done = concluded(Found(Finding.PASSED, "200", took_ms), tries=tries)

    assert done.trial
    assert (done.trial.passed, done.trial.quiet_seconds) == (True, quiet)
    assert done.action is (Action.AWAIT if quiet else Action.SHIFT)


def test_what_the_smoke_test_came_to_is_remembered() -> None:
    rollout = concluded(WRONG, tries=3)

    change = told(a_state(rollout, intent="SmokeTest"), rollout, WRONG, now=AT)

    (event,) = change.events
    assert (event.event, event.release) == ("SmokeTested", rollout.release.release)
    assert event.reason == "SMOKE_TEST_FAILED: it has no score: '{}' (3 tries)"
    assert change.state.intent == ""


def test_a_displaced_holder_remembers_nothing() -> None:
    with pytest.raises(DisplacedError):
        told(a_state(), concluded(WRONG), WRONG, now=AT)
