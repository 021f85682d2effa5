"""What a scheduled look at a target found, and the words in which people are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sluice.domain.reminding import DAILY, WEEKLY, Doubt, Thing, digests
from sluice.domain.verifying import Severity, Unread, findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from sluice.domain.ending import Ending
    from sluice.domain.readiness import Readiness
    from sluice.domain.release import ReleaseName
    from sluice.domain.target import TargetState
    from sluice.domain.verifying import Check, Finding

_MOST_TOLD = 20
"""Findings in one message: a whole folder of files may be amiss."""


class Matter(StrEnum):
    """What is told of a target, each apart from the others."""

    DRIFT = "Drift"
    READINESS = "Readiness"
    ENDS = "ModelEnds"


@dataclass(frozen=True, slots=True)
class Telling:
    """What there is to tell of one matter now, whether or not it was told before."""

    matter: Matter
    event: str
    """The event's name; empty: nothing is said, it is only remembered that it is over."""
    detail: dict[str, Any]
    message: str
    said: tuple[str, ...]
    """Digests of what is amiss; none: all is well."""
    doubt: Doubt
    """What could not be read."""
    every: timedelta = DAILY


def of_drift(state: TargetState, checks: tuple[Check, ...]) -> Telling:
    """`DriftDetected` for what is not as it was approved; what could not be read is no drift."""
    found = findings(checks)
    amiss = tuple(one for one in found if one.severity is not Severity.UNREADABLE)
    serves = str(state.live.release) if state.live else "nothing"
    ask = f"`sluice verify {state.target}` reads it again."
    message = (
        f"{state.target}, where by the ledger {serves} serves, is not as it was approved:\n"
        f"{_lines(amiss)}\nNobody but Sluice should change it. {ask}"
        if amiss
        else f"{state.target} is as it was approved again: {serves} serves. {ask}"
    )
    return Telling(
        matter=Matter.DRIFT,
        event="DriftDetected" if amiss else "DriftEnded",
        detail={"target": state.target, "live": serves, "findings": _shown(amiss)},
        message=message,
        said=digests(Thing("", one.what, str(one)) for one in amiss),
        doubt=_doubt({"": checks}),
    )


def of_readiness(state: TargetState, found: tuple[Readiness, ...]) -> Telling:
    """`RollbackNotReady` for each release that the target could not be taken back to now."""
    lacking = tuple(one for one in found if one.lacking)
    ready = [str(one.release) for one in found if one.restorable]
    left = f"It could go back to {', '.join(ready)}." if ready else "It could go back to nothing."
    said = "\n".join(f"{one.release}:\n{_lines(one.lacking)}" for one in lacking)
    message = (
        f"{state.target} could not be rolled back to every release that served it well.\n{said}\n"
        f"{left} Mend what is named, or push what takes its place. `sluice readiness "
        f"{state.target}` reads it again."
        if lacking
        else f"{state.target} can be rolled back again. {left}"
    )
    return Telling(
        matter=Matter.READINESS,
        event="RollbackNotReady" if lacking else "RollbackReady",
        detail={
            "target": state.target,
            "restorable": ready,
            "releases": [
                {"release": str(one.release), "findings": _shown(one.lacking)} for one in lacking
            ],
        },
        message=message,
        said=digests(
            Thing(str(one.release), each.what, str(each)) for one in lacking for each in one.lacking
        ),
        doubt=_doubt({str(one.release): one.checks for one in found}),
    )


def of_ends(
    state: TargetState, found: tuple[Ending, ...], *, unread: Iterable[ReleaseName]
) -> Telling:
    """`ModelEnds` for what is live and what the target may have to go back to.

    `unread` are the releases of which nobody knows when their models end.
    """
    lines = "\n".join(
        f"- {one.model_id} of {one.release}, which "
        f"{'serves' if one.live else 'a rollback may need'}: "
        + (
            f"ends on {one.ends_at:%Y-%m-%d}, in {one.days} days"
            if one.days
            else f"ends, or has ended, on {one.ends_at:%Y-%m-%d}"
        )
        for one in found
    )
    message = (
        f"Bedrock takes models away that {state.target} needs:\n{lines}\n"
        f"Push a configuration with another model, and let it serve long enough to be gone back to."
    )
    return Telling(
        matter=Matter.ENDS,
        event="ModelEnds" if found else "",
        detail={"target": state.target, "models": [one.model_dump(mode="json") for one in found]},
        message=message,
        said=digests(Thing(str(one.release), one.model_id, one.told_as) for one in found),
        doubt=Doubt(hidden=frozenset(map(str, unread))),
        every=WEEKLY,
    )


def _doubt(looked: Mapping[str, Iterable[Check]]) -> Doubt:
    """What could not be read, by its scope, and where that may hide something else."""
    every = [(scope, check, _is_unread(check)) for scope, some in looked.items() for check in some]
    return Doubt(
        unread=frozenset((scope, check.what) for scope, check, unread in every if unread),
        read=frozenset((scope, check.what) for scope, check, unread in every if not unread),
        hidden=frozenset(scope for scope, check, unread in every if unread and check.opens),
    )


def _is_unread(check: Check) -> bool:
    return isinstance(check.found, Unread) and not check.found.edited


def _shown(found: Iterable[Finding]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in tuple(found)[:_MOST_TOLD]]


def _lines(found: tuple[Finding, ...]) -> str:
    told = [
        f"- {one.severity}: {one.what}: expected {one.expected}, found {one.found}"
        for one in found[:_MOST_TOLD]
    ]
    more = len(found) - len(told)
    return "\n".join([*told, f"- and {more} more"] if more else told)
