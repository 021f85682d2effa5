"""Between botocore and the account: every attempt of every call passes here, and may fail here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError

from tests.integration.machine.account import READING
from tests.integration.machine.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from tests.integration.machine.account import Account

OK, REFUSED = 200, 400
_VALIDATED: set[tuple[str, ...]] = set()
"""Operations, each with the parameters it was sent, that botocore has found well-formed."""

type Meanwhile = Callable[[Call], None]


@dataclass(frozen=True)
class Call:
    """One call: who made it, what it asked, and its number since counting began."""

    number: int
    by: str
    service: str
    operation: str
    asked: dict[str, Any]

    @property
    def mutates(self) -> bool:
        """Whether it may change anything."""
        return not self.operation.startswith(READING)


class LostReplyError(Exception):
    """The call has had its effect, and its answer never arrives."""


def _nothing(_call: Call) -> None:
    """Nothing happens."""


class Wire:
    """Gives every call to the account; tells what was called, and lets things happen meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
        self.account = account
        self.by = ""
        """The function at work; the machine itself is the empty name."""
        self.calls: list[Call] = []
        self.watch: Meanwhile = _nothing
        self._before: Meanwhile = _nothing
        self._after: Meanwhile = _nothing
        self._whole = BaseClient._make_api_call
        self._converted = BaseClient._convert_to_request_dict
        self._signed = Endpoint.create_request
        self._real = Endpoint._do_get_response
        for owner, name, ours in (
            (BaseClient, "_make_api_call", self._short),
            (BaseClient, "_convert_to_request_dict", self._remember),
            (Endpoint, "create_request", self._unsigned),
            (Endpoint, "_do_get_response", self._respond),
        ):
            monkeypatch.setattr(owner, name, _method(ours))
        monkeypatch.setattr("time.sleep", lambda _seconds: None)

    @contextmanager
    def around(
        self, *, before: Meanwhile = _nothing, after: Meanwhile = _nothing
    ) -> Iterator[None]:
        """Let this happen around every call; what it raises is what the caller meets."""
        previous = self._before, self._after
        self._before, self._after = before, after
        try:
            yield
        finally:
            self._before, self._after = previous

    def _short(self, client: Any, operation: str, params: Any) -> Any:
        """Past the SDK: while no call may fail it has nothing to try again."""
        model = client.meta.service_model.operation_model(operation)
        form = operation, *sorted(params)
        played = self.account.plays(_service(model))
        if form not in _VALIDATED or self._watched or not played:
            answer = self._whole(client, operation, params)
            _VALIDATED.add(form)
            return answer
        status, answer = self._answered(self._noted(model, params))
        if status == OK:
            return answer
        raise client.exceptions.from_code(answer["Error"]["Code"])(answer, operation)

    def _remember(self, client: Any, **named: Any) -> Any:
        named["context"]["asked"] = named["api_params"]
        return self._converted(client, **{**named, "set_user_agent_header": False})

    def _unsigned(self, endpoint: Any, request: Any, model: Any = None) -> Any:
        """Signing costs more than all else, and nobody here looks at a signature."""
        played = self.account.plays(_service(model))
        return _Unsigned() if played else self._signed(endpoint, request, model)

    def _respond(self, endpoint: Any, request: Any, model: Any, context: Any) -> Any:
        call = self._noted(model, context["asked"])
        self._apart(self._before, call)
        if not self.account.plays(call.service):
            return self._real(endpoint, request, model, context)
        answer = self._answered(call)
        try:
            self._apart(self._after, call)
        except LostReplyError:
            return None, ConnectionClosedError(endpoint_url="https://lost.example")
        return (AWSResponse("https://account.example", answer[0], {}, _NoBody()), answer[1]), None

    @property
    def _watched(self) -> bool:
        """Whether something may happen around a call."""
        return self._before is not _nothing or self._after is not _nothing

    def _noted(self, model: Any, asked: dict[str, Any]) -> Call:
        call = Call(len(self.calls), self.by, _service(model), model.name, asked)
        self.calls.append(call)
        return call

    def _apart(self, happening: Meanwhile, call: Call) -> None:
        """What happens meanwhile is somebody else's doing, and is not interrupted itself."""
        by, before, after = self.by, self._before, self._after
        self._before = self._after = _nothing
        try:
            happening(call)
        finally:
            self.by, self._before, self._after = by, before, after

    def _answered(self, call: Call) -> tuple[int, dict[str, Any]]:
        self.watch(call)
        try:
            body = self.account.answer(call.service, xform_name(call.operation), call.asked)
        except RefusedError as refused:
            error = {"Code": refused.code, "Message": refused.message}
            return REFUSED, {"Error": error, **refused.more, **_metadata(REFUSED)}
        return OK, {**body, **_metadata(OK)}


class _Unsigned:
    """A request of which the parameters are known already."""

    def reset_stream(self) -> None:
        """There is none."""


class _NoBody:
    """The raw answer: everything in it is parsed already."""

    def stream(self) -> list[bytes]:
        return []


def _method(bound: Callable[..., Any]) -> Callable[..., Any]:
    """As a method of another class, whose instance becomes the first argument."""

    def method(other: Any, *args: Any, **named: Any) -> Any:
        return bound(other, *args, **named)

    return method


def _metadata(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}


def _service(model: Any) -> str:
    name: str = model.service_model.service_name
    return name
