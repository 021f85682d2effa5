"""moto, mounted in this process for the services ministack does not have."""

from __future__ import annotations

import json
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client, TestResponse

_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
    "SignedHeaders=host, Signature=0"
)

_moto = Client(DomainDispatcherApplication(create_backend_app))


class EngineError(Exception):
    """moto refused a call: `code` and `message` as the service would answer them."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def open_request(
    service: str, method: str, path: str, *, headers: dict[str, str], body: bytes, query: Any = None
) -> TestResponse:
    """Hand one HTTP request to moto's `service`; authorization has been done before."""
    passed = {k: v for k, v in headers.items() if k.lower() not in {"content-length", "host"}}
    passed["Authorization"] = _AUTHORIZATION.format(service=service)
    return _moto.open(path, method=method, headers=passed, data=body, query_string=query)


def call(service: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call a JSON operation of moto's `service`, for example `SageMaker.DescribeModelPackage`."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    answer = open_request(service, "POST", "/", headers=headers, body=json.dumps(body).encode())
    parsed: dict[str, Any] = json.loads(answer.data or b"{}")
    if answer.status_code >= 400:  # noqa: PLR2004
        code = str(parsed.get("__type", "InternalFailure")).rsplit("#", 1)[-1]
        raise EngineError(
            code, parsed.get("message") or parsed.get("Message", ""), answer.status_code
        )
    return parsed
