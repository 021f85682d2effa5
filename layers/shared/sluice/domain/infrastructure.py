"""What captured a version: the stack that registered it, as it was at that moment."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from sluice.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "unknown"
"""In place of what nobody told us: said, never guessed."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}(?:-dirty)?")


class Infrastructure(Value):
    """The stack that captured a version, its template and the commit it was deployed from."""

    stack: str
    """The stack's name."""
    stack_id: str
    """Its ARN; empty where the function was in no stack."""
    template_sha256: str
    """Of the template as CloudFormation has it, as `template_digest` takes it; or `unknown`."""
    commit: str
    """The stack parameter `InfrastructureCommit`: `9f8d111`, `9f8d111-dirty`, or `unknown`."""


def infrastructure(stack_id: str, template: str | Mapping[str, Any], commit: str) -> Infrastructure:
    """The stack with this ARN, with what CloudFormation answered and the commit it was told."""
    return Infrastructure(
        stack=stack_name(stack_id),
        stack_id=stack_id,
        template_sha256=template_digest(template),
        commit=commit_of(commit),
    )


def without_stack(commit: str) -> Infrastructure:
    """Where the function runs in no stack, all but the commit is unknown."""
    return Infrastructure(
        stack=UNKNOWN, stack_id="", template_sha256=UNKNOWN, commit=commit_of(commit)
    )


def stack_name(stack_id: str) -> str:
    """`sluice` of `arn:aws:cloudformation:us-east-1:123456789012:stack/sluice/51af…`."""
    return stack_id.split("/")[1] if stack_id.count("/") > 1 else stack_id


def commit_of(said: str) -> str:
    """The commit that the stack was told, or `unknown` for anything that is none."""
    commit = said.strip().lower()
    return commit if _COMMIT.fullmatch(commit) else UNKNOWN


def template_digest(template: str | Mapping[str, Any]) -> str:
    """SHA-256 of a template as GetTemplate answers it, 64 hex digits.

    Of a YAML template: of its text in UTF-8, to the last byte and with nothing added. Of a JSON
    template, which the SDK and the AWS CLI answer parsed: of its canonical JSON in UTF-8 (sorted
    names, no spaces, no escapes of what is not ASCII), as of our manifests. To check either:
    docs/operations.md.
    """
    text = template if isinstance(template, str) else _canonical(template)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _canonical(template: Mapping[str, Any]) -> str:
    return json.dumps(template, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
