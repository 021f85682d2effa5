"""Condition keys that policies test and ministack does not know of a request.

`aws:SecureTransport`: loopback stands in for TLS, since nothing leaves the machine; policies that
deny plain HTTP, as every bucket's should, then work here unchanged.
`events:source`, `events:detail-type`: what the entries of PutEvents say (Service Authorization
Reference, Amazon EventBridge).
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions

from localcloud import hooks


def mount() -> None:
    """Add the keys to what policies are evaluated against."""

    @hooks.wrap(app, "pin_request_origin", "source_ip", "secure_transport")
    def pin(original: Any, source_ip: str, _secure_transport: object) -> None:
        secure = True
        original(source_ip, secure)

    @hooks.wrap(iam_actions, "request_tag_context", "service", "iam_action", "body", "params")
    def context(
        original: Any, service: str, iam_action: str, body: bytes, params: dict[str, Any]
    ) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, iam_action, body, params)
        return {**keys, **_put_events_keys(body)} if iam_action == "events:PutEvents" else keys


def stop() -> None:
    """Nothing was started."""


def _put_events_keys(body: bytes) -> dict[str, str | list[str]]:
    entries = json.loads(body or b"{}").get("Entries", [])
    return {
        "events:source": _one({str(entry.get("Source", "")) for entry in entries}),
        "events:detail-type": _one({str(entry.get("DetailType", "")) for entry in entries}),
    }


def _one(values: set[str]) -> str | list[str]:
    """The value all entries share; several are a list, which no single-valued test matches."""
    return next(iter(values)) if len(values) == 1 else sorted(values)
