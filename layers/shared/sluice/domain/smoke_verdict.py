"""What the answers to a smoke test mean for the rollout, try by try.

A wrong answer is the version's fault. A question that could not be asked is nobody's: the rollout
goes back, because nothing gets traffic untested, but the version is not blamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sluice.domain import strict_json
from sluice.domain.advancing import following
from sluice.domain.lease import held
from sluice.domain.rollout import Action, Kind, Rollout, Trial, Verdict
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.bedrock import ApplicationTest
    from sluice.domain.pushed import Alarms
    from sluice.domain.smoke_test import Expectation, SmokeTest

LARGEST_ANSWER = 1024 * 1024
"""Bytes of an answer that are looked at."""

_PAUSE_SECONDS = 2.0
_ROUND_SECONDS = 12.0
"""A try may begin this late in one invocation: it can take 30 s more, the function has 50."""
_EXCERPT = 200
_SERVER_ERROR = 500
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answered; status 0 when it let the request time out."""

    status: int
    content_type: str
    body: bytes
    took_ms: int


@dataclass(frozen=True, slots=True)
class Unasked:
    """The request never got to the model, and why."""

    reason: str


type Reply = Answer | Unasked


class Finding(StrEnum):
    """What one try found."""

    PASSED = "Passed"
    WRONG = "Wrong"
    """No other try would change it."""
    FAILING = "Failing"
    """As a container that is still warming up would answer."""
    UNASKED = "Unasked"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with the numbers behind it."""

    finding: Finding
    detail: str
    took_ms: int = 0


def judge(expect: Expectation, reply: Reply) -> Found:
    """What one reply says of the version."""
    if isinstance(reply, Unasked):
        return Found(Finding.UNASKED, reply.reason)
    if reply.status != expect.status:
        passing = reply.status in {0, _TOO_MANY} or reply.status >= _SERVER_ERROR
        finding = Finding.FAILING if passing else Finding.WRONG
        return Found(finding, _status(reply, expect.status), reply.took_ms)
    wrong = _wrong_content(expect, reply)
    if wrong:
        return Found(Finding.WRONG, wrong, reply.took_ms)
    if expect.within_ms is not None and reply.took_ms > expect.within_ms:
        detail = f"it took {reply.took_ms} ms, more than {expect.within_ms} ms"
        return Found(Finding.FAILING, detail, reply.took_ms)
    return Found(Finding.PASSED, f"{reply.status} in {reply.took_ms} ms", reply.took_ms)


def counted(trial: Trial, *, spent_ms: int) -> Trial:
    """The trial after one more try, which took that long with the pause before it."""
    tries, spent = trial.tries + 1, trial.spent_ms + spent_ms
    return trial.model_copy(update={"tries": tries, "spent_ms": spent})


def pause(
    test: SmokeTest | ApplicationTest, trial: Trial, found: Found, *, round_seconds: float
) -> float | None:
    """Seconds to wait before the next try; None when there is none, in this invocation or ever."""
    if not _goes_on(test, trial, found) or round_seconds + _PAUSE_SECONDS > _ROUND_SECONDS:
        return None
    return _PAUSE_SECONDS


def conclude(
    rollout: Rollout,
    test: SmokeTest | ApplicationTest,
    trial: Trial,
    found: Found,
    *,
    alarms: Alarms,
) -> Rollout:
    """The rollout with what follows: on, back, or another round of tries."""
    tested = rollout.model_copy(update={"trial": trial})
    if found.finding is Finding.PASSED:
        return _passed(tested, trial, found, alarms)
    if _goes_on(test, trial, found):
        return tested.to(Action.SMOKE_TEST, rollout.reason)
    reason = _failure(trial, found)
    if rollout.kind is Kind.ROLL_BACK:
        if rollout.others and found.finding is not Finding.UNASKED:
            return tested.to(Action.ROLL_BACK, reason, verdict=Verdict.FAILED)
        # There is nowhere else to go, and the release served well before: people are told.
        done = tested.model_copy(update={"trial": trial.model_copy(update={"passed": True})})
        return following(done, f"{rollout.reason}; {reason}")
    if found.finding is Finding.UNASKED:
        return tested.to(Action.ROLL_BACK, reason)
    return tested.to(Action.ROLL_BACK, reason, blames=True, verdict=Verdict.FAILED)


def told(state: TargetState | None, rollout: Rollout, found: Found, *, now: datetime) -> Change:
    """Record what the smoke test came to. Raises DisplacedError."""
    current = held(state, rollout)
    trial = rollout.trial or Trial()
    said = found.detail if found.finding is Finding.PASSED else _failure(trial, found)
    event = Event(now, "SmokeTested", said, rollout.release.release)
    return Change(current.model_copy(update={"intent": ""}), (event,))


def _goes_on(test: SmokeTest | ApplicationTest, trial: Trial, found: Found) -> bool:
    passing = found.finding in {Finding.FAILING, Finding.UNASKED}
    return passing and trial.spent_ms < test.warm_up_seconds * 1000


def _passed(rollout: Rollout, trial: Trial, found: Found, alarms: Alarms) -> Rollout:
    quiet = _quiet_seconds(trial, found, alarms)
    done = trial.model_copy(update={"passed": True, "quiet_seconds": quiet})
    tested = rollout.model_copy(update={"trial": done})
    reason = f"smoke test passed: {found.detail}"
    if rollout.kind is Kind.ROLL_BACK:
        return following(tested, rollout.reason)
    return tested.to(Action.AWAIT, reason) if quiet else following(tested, reason)


def _quiet_seconds(trial: Trial, found: Found, alarms: Alarms) -> int:
    """How long the alarms need to forget what the smoke test alone did.

    CloudWatch counts its requests like those of users: a try that failed or was slow while the
    container warmed up must not condemn the version minutes later.
    """
    slow = alarms.latency_ms is not None and found.took_ms > alarms.latency_ms
    if trial.tries == 1 and not slow:
        return 0
    return (alarms.evaluation_periods + 1) * 60


def _failure(trial: Trial, found: Found) -> str:
    tries = f"{trial.tries} tries" if trial.tries > 1 else "1 try"
    if found.finding is Finding.UNASKED:
        return f"SMOKE_TEST_NOT_ASKED: {found.detail} ({tries})"
    return f"SMOKE_TEST_FAILED: {found.detail} ({tries})"


def _status(reply: Answer, expected: int) -> str:
    if reply.status == 0:
        return f"it gave no answer in {reply.took_ms} ms"
    return f"it answered {reply.status} instead of {expected}: {_excerpt(reply.body)}"


def _wrong_content(expect: Expectation, reply: Answer) -> str:
    """What is wrong with an answer whose status is right, or nothing."""
    kind = reply.content_type.partition(";")[0].strip().lower()
    if expect.content_type is not None and kind != expect.content_type.lower():
        return f"its content type is {kind or 'not told'} instead of {expect.content_type}"
    text = reply.body.decode("utf-8", errors="replace")
    if expect.contains is not None and expect.contains not in text:
        return f"it does not contain {expect.contains!r}: {_excerpt(reply.body)}"
    return _wrong_json(expect, reply.body) if expect.reads_json else ""


def _wrong_json(expect: Expectation, body: bytes) -> str:
    if len(body) > LARGEST_ANSWER:
        return f"it is larger than {LARGEST_ANSWER} bytes, too large to compare as JSON"
    try:
        value = strict_json.parse(body)
    except strict_json.MalformedJsonError as error:
        return f"it is not JSON ({error}): {_excerpt(body)}"
    absent = [name for name in expect.fields if not isinstance(value, dict) or name not in value]
    if absent:
        return f"it has no {' and no '.join(absent)}: {_excerpt(body)}"
    for pointer, wanted in expect.equals.items():
        found = _at(value, pointer)
        if isinstance(found, bool) is not isinstance(wanted, bool) or found != wanted:
            return f"at {pointer!r} it has {_said(found)} instead of {wanted!r}"
    for pointer, (least, greatest) in expect.between.items():
        found = _at(value, pointer)
        number = isinstance(found, int | float) and not isinstance(found, bool)
        if not number or not least <= found <= greatest:
            return f"at {pointer!r} it has {_said(found)}, not between {least} and {greatest}"
    return ""


class _Nothing:
    """What a pointer finds that points nowhere: equal to no value, null included."""

    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def _at(value: Any, pointer: str) -> Any:
    """What RFC 6901 finds at `pointer`."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        match value:
            case dict() if name in value:
                value = value[name]
            case list() if name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            case _:
                return _NOTHING
    return value


def _said(found: Any) -> str:
    return repr(found)[:_EXCERPT]


def _excerpt(body: bytes) -> str:
    return repr(body[:_EXCERPT].decode("utf-8", errors="replace"))
