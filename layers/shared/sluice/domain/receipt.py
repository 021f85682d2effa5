"""The receipt of an input: the one record that says what became of an object version."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sluice.domain.refusal import FAILED, IGNORED, Reason, Refusal
from sluice.domain.release import ReleaseName
from sluice.domain.values import SCHEMA_VERSION, Moment, Value


class Kind(StrEnum):
    """What became of an input."""

    PENDING = "Pending"
    """Taken up; its folder is not complete yet. Every other kind is terminal."""
    REGISTERED = "Registered"
    DUPLICATE = "Duplicate"
    REJECTED = "Rejected"
    """The pusher has to change something."""
    IGNORED = "Ignored"
    FAILED = "Failed"
    """An operator has to change something."""


class Receipt(Value):
    """`INPUT#identity / RECORD`: one per object version, whatever was delivered how often."""

    schema_version: int = SCHEMA_VERSION
    identity: str
    kind: Kind
    reason: Reason | None = None
    detail: str = ""
    release: ReleaseName | None = None
    at: Moment
    """When the input arrived, by its event."""

    @property
    def terminal(self) -> bool:
        """Whether nothing further follows for this input."""
        return self.kind is not Kind.PENDING

    @property
    def summary(self) -> dict[str, Any]:
        """What a log line says of the input."""
        said = {"input": self.identity, "reason": self.reason, "detail": self.detail}
        return {"kind": str(self.kind), **{name: value for name, value in said.items() if value}}


def kind_of(refusal: Refusal) -> Kind:
    """The kind of receipt that a refusal ends in."""
    if refusal.reason in IGNORED:
        return Kind.IGNORED
    return Kind.FAILED if refusal.reason in FAILED else Kind.REJECTED
