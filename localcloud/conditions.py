"""Condition keys that policies test and ministack does not answer as AWS does.

`aws:PrincipalArn`: for a role's session the role's ARN, not the session's (IAM user guide, global
condition context keys).
`aws:SecureTransport`: loopback stands in for TLS, since nothing leaves the machine; policies that
deny plain HTTP, as every bucket's should, then work here unchanged.
`events:source`, `events:detail-type`: what the entries of PutEvents say (Service Authorization
Reference, Amazon EventBridge).
`kms:SigningAlgorithm`, `kms:MessageType`: what Sign and Verify are asked with (KMS developer guide,
Condition keys for AWS KMS).
`dynamodb:LeadingKeys`: the partition keys of what is read or written by key, of a transaction those
of all its items (DynamoDB developer guide, Using IAM policy conditions for fine-grained access
control). Queries and batches have none here: a test for `ForAllValues` alone lets them through.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

from localcloud import hooks


def mount() -> None:
    """Add the keys to what policies are evaluated against."""
    hooks.require(dynamodb, "_tables", call=False)
    hooks.require(dynamodb, "_normalize_table_name", "value")

    @hooks.wrap(app, "pin_request_origin", "source_ip", "secure_transport")
    def pin(original: Any, source_ip: str, _secure_transport: object) -> None:
        secure = True
        original(source_ip, secure)

    @hooks.wrap(iam_actions, "request_tag_context", "service", "iam_action", "body", "params")
    def context(
        original: Any, service: str, iam_action: str, body: bytes, params: dict[str, Any]
    ) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, iam_action, body, params)
        own = _OWN_KEYS.get(iam_action)
        return {**keys, **own(body)} if own else keys

    @hooks.wrap(iam_evaluator, "_resolve_condition_key", "key", "ctx")
    def resolve(original: Any, key: str, ctx: Any) -> Any:
        value = original(key, ctx)
        return _role_of(value) if key.lower() == "aws:principalarn" else value


def stop() -> None:
    """Nothing was started."""


def _role_of(principal_arn: str) -> str:
    """The role of a session's ARN; any other principal's ARN as it is."""
    session = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+", principal_arn)
    return f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else principal_arn


def _put_events_keys(body: bytes) -> dict[str, str | list[str]]:
    entries = json.loads(body or b"{}").get("Entries", [])
    return {
        "events:source": _one({str(entry.get("Source", "")) for entry in entries}),
        "events:detail-type": _one({str(entry.get("DetailType", "")) for entry in entries}),
    }


def _signing_keys(body: bytes) -> dict[str, str | list[str]]:
    asked = json.loads(body or b"{}")
    return {
        "kms:signingalgorithm": str(asked.get("SigningAlgorithm", "")),
        "kms:messagetype": str(asked.get("MessageType", "RAW")),
    }


def _leading_keys(body: bytes) -> dict[str, str | list[str]]:
    asked = json.loads(body or b"{}")
    whole = [each for item in asked.get("TransactItems", []) for each in item.values()]
    keys = [key for one in whole or [asked] for key in _leading_key(one)]
    return {"dynamodb:leadingkeys": keys} if keys else {}


def _leading_key(asked: dict[str, Any]) -> list[str]:
    """The partition key's value, whatever its type; nothing where there is no such table."""
    table = dynamodb._tables.get(dynamodb._normalize_table_name(asked.get("TableName")))
    named = {**asked.get("Item", {}), **asked.get("Key", {})}.get(table["pk_name"] if table else "")
    return [str(value) for value in (named or {}).values()]


_OWN_KEYS = {
    "events:PutEvents": _put_events_keys,
    "kms:Sign": _signing_keys,
    "kms:Verify": _signing_keys,
    **dict.fromkeys(
        (
            *("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
            *("dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"),
        ),
        _leading_keys,
    ),
}


def _one(values: set[str]) -> str | list[str]:
    """The value all entries share; several are a list, which no single-valued test matches."""
    return next(iter(values)) if len(values) == 1 else sorted(values)
