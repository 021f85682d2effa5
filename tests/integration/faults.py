"""Faults at AWS calls: seen by every attempt of the SDK, invisible to our own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError

if TYPE_CHECKING:
    import pytest

    from tests.integration.inbox import Inbox

BAD_REQUEST = 400
MOST_CALLS = 60
CLAIMED = 11
"""Within that many calls the last object's delivery has claimed the folder, and a little more."""
READING = ("Describe", "Get", "Head", "List", "Query", "Verify")

type Answer = tuple[Any, Exception | None]
type Call = Callable[[], Answer]
type Fault = Callable[[str, Call], Answer]


class Crash(BaseException):
    """The process ends here: no handler of ours may run after it."""


class Faults:
    """Stands between the SDK and AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    @contextmanager
    def at_every_call(self, fault: Fault) -> Iterator[None]:
        """`fault` gets each call's operation and the call itself, and answers for AWS."""
        answer = Endpoint._do_get_response  # type: ignore[attr-defined]

        def faulty(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Answer:
            return fault(model.name, lambda: answer(endpoint, request, model, context))

        with self._monkeypatch.context() as patched:
            patched.setattr(Endpoint, "_do_get_response", faulty)
            yield

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """The operations called, in order."""
        seen: list[str] = []

        def record(operation: str, call: Call) -> Answer:
            seen.append(operation)
            return call()

        with self.at_every_call(record):
            yield seen

    @contextmanager
    def crash(self, number: int) -> Iterator[list[str]]:
        """End the process when AWS has carried out the writing call with this number.

        Calls that only read are not counted: to end after one of them leaves AWS as ending
        after the write before it does.
        """
        seen: list[str] = []

        def crash(operation: str, call: Call) -> Answer:
            if operation.startswith(READING):
                return call()
            seen.append(operation)
            if len(seen) == number + 1:
                call()
                raise Crash(operation)
            return call()

        with self.at_every_call(crash):
            yield seen

    @contextmanager
    def crash_when(self, operation: str, *, succeeds: bool) -> Iterator[None]:
        """End the process as soon as such a call has succeeded, or been refused."""

        def crash(called: str, call: Call) -> Answer:
            answer = call()
            refused = answer[0] is None or answer[0][0].status_code >= BAD_REQUEST
            if called == operation and succeeds != refused:
                raise Crash(operation)
            return answer

        with self.at_every_call(crash):
            yield

    @contextmanager
    def meanwhile(self, number: int, other: Callable[[], Any]) -> Iterator[None]:
        """Let `other` run whole just before the call with this number."""
        count = 0

        def interrupt(_operation: str, call: Call) -> Answer:
            nonlocal count
            count += 1
            if count == number + 1:
                other()
            return call()

        with self.at_every_call(interrupt):
            yield

    @contextmanager
    def lost_reply(self, operation: str) -> Iterator[None]:
        """AWS carries out the first such call, and its answer never arrives."""
        lost = False

        def lose(called: str, call: Call) -> Answer:
            nonlocal lost
            answer = call()
            if called != operation or lost:
                return answer
            lost = True
            return None, ConnectionClosedError(endpoint_url="https://lost.example")

        with self.at_every_call(lose):
            yield

    @contextmanager
    def refusing(self, operation: str, code: str, *, status: int = 400) -> Iterator[None]:
        """AWS answers every such call with this error."""

        def refuse(called: str, call: Call) -> Answer:
            if called != operation:
                return call()
            parsed = {
                "Error": {"Code": code, "Message": "refused by the test"},
                "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
            }
            response: Any = AWSResponse("https://refused.example", status, HTTPHeaders(), BytesIO())
            response._content = b""
            return (response, parsed), None

        with self.at_every_call(refuse):
            yield


def meetings(
    faults: Faults,
    given: Callable[[], tuple[Inbox, list[Any]]],
    *,
    ours: Callable[[list[Any]], list[Any]],
    rival: Callable[[list[Any]], list[Any]],
    until: int = MOST_CALLS,
) -> Iterator[tuple[Inbox, list[Any]]]:
    """Deliver ours with the rival's whole delivery inside it, before one of our calls in turn.

    Before each of them until the folder is claimed, before every third of them after that.
    """
    for number in [*range(CLAIMED), *range(CLAIMED, until, 3)]:
        inbox, pushed = given()
        handed_back: list[list[int]] = []

        def meanwhile(inbox: Inbox = inbox, events: list[Any] = rival(pushed)) -> None:  # noqa: B008
            handed_back.append(inbox.deliver(*events))  # noqa: B023 - called in this round only

        with faults.meanwhile(number, meanwhile):
            failed = inbox.deliver(*ours(pushed))
        if not handed_back:  # our delivery made fewer calls
            return
        assert (handed_back, failed) == ([[]], [])
        yield inbox, pushed
    assert until < MOST_CALLS, f"the delivery made more than {MOST_CALLS} calls"
