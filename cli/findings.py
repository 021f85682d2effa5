"""What comparisons found: one line of text for each, and the exit code that all come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.errors import DONE, NO, TOO_LATE
from sluice.domain.verifying import Check, Severity, findings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sluice.domain.verifying import Finding, Unread

UNREAD = TOO_LATE
"""Something could not be read, and nothing else is amiss."""


def line(finding: Finding) -> str:
    """What is told of a finding, below what it is about."""
    what = f"{finding.severity}: {finding.what}"
    return f"  {what}: expected {finding.expected}, found {finding.found}"


def exit_code(found: Iterable[Finding]) -> int:
    """DONE where nothing is amiss, NO where something is, UNREAD where nobody knows."""
    severities = {one.severity for one in found}
    if severities - {Severity.UNREADABLE}:
        return NO
    return UNREAD if severities else DONE


def unread_state(target: str, state: Unread) -> tuple[Finding, ...]:
    """What is found of a target whose state cannot be read."""
    return findings([Check(f"STATE of {target}", "a state", state)])
