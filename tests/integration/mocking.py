"""What moto works out anew at every call, worked out once, and an SDK that retries without waiting.

Much of a mocked call's 10 ms goes to what never changes: the addresses of a service (for S3 a
module is loaded again each time), the methods of its response class, and under which names a
member of an answer may be found on moto's own objects. Nothing here changes what moto answers, or
how often the SDK asks.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from moto.core import responses, serialize
from moto.core.base_backend import BaseBackend

if TYPE_CHECKING:
    import pytest


def remember(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto remember, for as long as the patch lives, what depends on its code alone."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    _addresses(monkeypatch)
    _names(monkeypatch)
    monkeypatch.setattr(
        responses, "method_names_from_class", cache(responses.method_names_from_class)
    )


def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    work_out = BaseBackend.urls.fget
    assert work_out
    known: dict[type, Any] = {}

    def urls(self: BaseBackend) -> Any:
        if (service := type(self)) not in known:
            known[service] = work_out(self)
        return known[service]

    monkeypatch.setattr(BaseBackend, "urls", property(urls))


def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    for picker in (serialize.AttributePicker, serialize.XFormedAttributePicker):
        monkeypatch.setattr(picker, "get_possible_keys", _once(picker.get_possible_keys))


def _once(work_out: Any) -> Any:
    known: dict[Any, tuple[str, ...]] = {}

    def names(self: Any, context: serialize.AttributePickerContext) -> tuple[str, ...]:
        shape = context.shape
        where = (
            type(self),
            context.service_model.service_name if context.service_model else None,
            getattr(getattr(shape, "parent", None), "name", None),
            shape.name if shape else None,
            context.key,
            type(context.obj),
        )
        if where not in known:
            known[where] = tuple(dict.fromkeys(work_out(self, context)))
        return known[where]

    return names
