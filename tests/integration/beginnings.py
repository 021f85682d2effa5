"""What AWS is like where many tests begin: made by the real code once, then copied.

A beginning is known by all that was asked of AWS before it, the environment, and what its maker
was given: where any of that differs, it is made anew. Each test gets a copy of its own.
"""

from __future__ import annotations

import copy
import copyreg
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from moto.core.base_backend import BackendDict
from moto.moto_api._internal import moto_api_backend
from moto.s3.models import FakeKey, FakeMultipart, s3_backends
from moto.s3.utils import _VersionedKeyStore

from tests.integration import own_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

# A copy's locks are its own, and free.
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))
# Its items are the newest versions alone.
copyreg.pickle(_VersionedKeyStore, lambda store: (_key_store, (list(store.iterlists()),)))


@dataclass(frozen=True)
class _State:
    """Everything that AWS holds."""

    objects: list[Any]
    """Those of S3 among the contents: each has an open file."""
    contents: list[dict[str, Any]]
    backends: list[tuple[Any, str, str, Any]]
    buckets: dict[str, tuple[str, str]]
    played: dict[str, Any]


def _key_store(lists: list[tuple[str, list[Any]]]) -> _VersionedKeyStore:
    store = _VersionedKeyStore()
    for key, versions in lists:
        store.setlist(key, versions)
    return store


_past = [""]
"""What was asked of AWS since it was empty, digested."""
_kept: dict[str, tuple[_State, Any]] = {}


@contextmanager
def attending(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take note of all that is asked of AWS; what was kept is given up in the end."""
    ask = BaseClient._make_api_call  # type: ignore[attr-defined]

    def asked(client: BaseClient, operation: str, parameters: Any) -> Any:
        note(operation, parameters)
        return ask(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", asked)
    yield
    for state, _ in _kept.values():
        for one in state.objects:
            one.dispose()
    _kept.clear()


def note(*change: Any) -> None:
    """AWS was changed so: for whoever asks nothing of it, and reaches into moto."""
    _past[0] = _digest(_past[0], *change)


def empty() -> None:
    """There is nothing in AWS, and nothing was asked of it."""
    moto_api_backend.reset()
    own_stack.played.__init__()  # type: ignore[misc]
    _past[0] = ""


def begin[T](make: Callable[[], T], *given: Any) -> T:
    """Let AWS be as `make` leaves it, which does nothing else; what it returned is nobody's own."""
    maker = make.__module__, make.__qualname__
    known_by = _digest(_past[0], maker, given, own_stack.played.template, _settings())
    if known_by in _kept:
        state, answer = _kept[known_by]
        _restore(state)
    else:
        answer = make()
        _kept[known_by] = _state(), answer
    _past[0] = known_by
    return answer


def _settings() -> list[tuple[str, str]]:
    return sorted(one for one in os.environ.items() if one[0] != "PYTEST_CURRENT_TEST")


def _digest(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()


def _state() -> _State:
    backends = [
        (service, account, region, backend)
        for service in BackendDict._instances
        for account, region, backend in service.iter_backends()
    ]
    with _untracked(FakeKey) as objects, _untracked(FakeMultipart):
        contents = _copied([vars(backend) for *_, backend in backends], backends)
    played = dict(vars(own_stack.played))
    return _State(objects, contents, backends, dict(s3_backends.bucket_accounts), played)


@contextmanager
def _untracked(kind: Any) -> Iterator[list[Any]]:
    """What is made meanwhile is put into the list, and outlives the next reset of moto."""
    made: list[Any] = []
    before = len(kind.instances_tracked)
    yield made
    made += kind.instances_tracked[before:]
    del kind.instances_tracked[before:]


def _restore(state: _State) -> None:
    moto_api_backend.reset()
    copied = _copied(state.contents, state.backends)
    for (service, account, region, backend), content in zip(state.backends, copied, strict=True):
        backend.__dict__ = content
        dict.__setitem__(service[account], region, backend)
    s3_backends.bucket_accounts.update(state.buckets)
    vars(own_stack.played).update(state.played)


def _copied(
    contents: list[dict[str, Any]], backends: list[tuple[Any, str, str, Any]]
) -> list[dict[str, Any]]:
    """Copies of what is in the backends; wherever one leads to a backend, they do as well."""
    return copy.deepcopy(contents, {id(backend): backend for *_, backend in backends})
