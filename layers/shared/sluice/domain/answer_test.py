"""The smoke test of an application: its question as a request, and what the answer to it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain import strict_json
from sluice.domain.retrying import passing
from sluice.domain.smoke_test import Expectation
from sluice.domain.smoke_verdict import Answer, Finding, Found, Unasked, judge

if TYPE_CHECKING:
    from sluice.domain.bedrock import ApplicationTest
    from sluice.domain.smoke_verdict import Reply

_OK = 200
_EXCERPT = 200


def request(test: ApplicationTest) -> bytes:
    """What the function is invoked with."""
    return json.dumps({"question": test.question}, ensure_ascii=False).encode()


def judge_answer(test: ApplicationTest, reply: Reply) -> Found:
    """What one reply says of the version.

    An error that says Bedrock was busy is nobody's fault, whoever passes it on.
    """
    if isinstance(reply, Answer) and reply.status != _OK:
        said = reply.body.decode("utf-8", errors="replace")
        if passing(said):
            return judge(Expectation(), Unasked(said[:_EXCERPT]))
    if isinstance(reply, Answer) and reply.status == _OK:
        wrong = _wrong(test, reply.body)
        if wrong:
            return Found(Finding.WRONG, wrong, reply.took_ms)
    return judge(Expectation(within_ms=test.within_ms), reply)


def _wrong(test: ApplicationTest, body: bytes) -> str:
    """What is wrong with what was answered, or nothing."""
    text = _text(body)
    if text is None:
        return f"it refused the question: {_excerpt(body)}"
    if not text.strip():
        return "its answer is empty"
    absent = [one for one in test.contains if one not in text]
    return (
        f"its answer does not hold {' and '.join(map(repr, absent))}: {text[:_EXCERPT]!r}"
        if absent
        else ""
    )


def _text(body: bytes) -> str | None:
    """The answer's text: the member `answer`, or all of it where a function has no such member.

    None where it says `error` instead.
    """
    said = body.decode("utf-8", errors="replace")
    try:
        value: Any = strict_json.parse(body)
    except strict_json.MalformedJsonError:
        return said
    match value:
        case {"answer": str(answer)}:
            return answer
        case {"error": _}:
            return None
        case str():
            return value
        case _:
            return said


def _excerpt(body: bytes) -> str:
    return repr(body[:_EXCERPT].decode("utf-8", errors="replace"))
