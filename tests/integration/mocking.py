"""What moto works out anew at every call, worked out once, and an SDK that retries without waiting.

Much of a mocked call's 10 ms goes to what never changes: the addresses of a service (for S3 a
module is loaded again each time), the methods of its response class, and under which names a
member of an answer may be found on moto's own objects. The SDK's signature, which moto reads only
for the key and the region in it, is not calculated; its descriptions of services are read once,
whatever sessions a command makes. Nothing here changes what moto answers, or how often it is asked.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.loaders import create_loader
from botocore.signers import RequestSigner
from moto.core import responses, serialize, utils
from moto.core.base_backend import BaseBackend

if TYPE_CHECKING:
    import pytest
    from botocore.model import Shape


def remember(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto remember, for as long as the patch lives, what depends on its code alone."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    monkeypatch.setattr("botocore.useragent.UserAgentString.to_string", lambda _self: "tests")
    monkeypatch.setattr("botocore.session.create_loader", cache(create_loader))
    _signatures(monkeypatch)
    _addresses(monkeypatch)
    _names(monkeypatch)
    monkeypatch.setattr(
        responses, "method_names_from_class", cache(responses.method_names_from_class)
    )


def _signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    calculate = RequestSigner.sign

    def sign(self: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> None:
        checksum = request.context.get("checksum", {}).get("request_algorithm")
        streamed = isinstance(checksum, dict) and checksum.get("in") == "trailer"
        if args or kwargs or streamed:  # signed in advance; or moto reads how the body is coded
            calculate(self, operation_name, request, *args, **kwargs)
            return
        key = self._credentials.access_key
        scope = f"{key}/20261123/{self._region_name}/{self._signing_name}/aws4_request"
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, Signature=none"

    monkeypatch.setattr(RequestSigner, "sign", sign)


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
    known: dict[Any, tuple[str, ...]] = {}

    def get_value(self: Any, value: Any, key: str, shape: Shape) -> Any:
        service = self.operation_model.service_model
        parent = getattr(shape, "parent", None)
        where = (
            service.service_name,
            type(self._value_picker),
            parent and parent.name,
            shape.name,
            key,
            type(value),
        )
        if where not in known:
            context = serialize.AttributePickerContext(
                value, key, shape, self.operation_model, service
            )
            known[where] = tuple(dict.fromkeys(self._value_picker.get_possible_keys(context)))
        picked = (utils.get_value(value, name, utils.MISSING) for name in known[where])
        member = next((one for one in picked if one is not utils.MISSING), None)
        path = ".".join((*self.path, key))
        for end, transform in self._value_picker.response_transformers.items():
            if path.endswith(end):
                return transform(member)
        return member

    monkeypatch.setattr(serialize.ResponseSerializer, "get_value", get_value)
