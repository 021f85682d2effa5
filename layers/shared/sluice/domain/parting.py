"""What with a partner a target has lost: remembered whatever took it away, for the partner to see.

Found by comparing a target's state before and after each change, so that no way out is forgotten:
an abort, a rollback, a rejection, a newer approval, a package that was deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.rollout import Kind
from sluice.domain.target import Change, Mark, TargetState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.release import ReleaseName

REMEMBERED = 20
"""How many a target keeps, the newest: a partner looks within minutes."""


def part(before: TargetState | None, change: Change) -> TargetState:
    """The change's state, and in it what was here before, is here no more and has a partner.

    Not what a newer release was promoted over: that is no fault, and takes no partner back.
    """
    after = change.state
    if before is None:
        return after
    left = set(_paired(before)) - set(_paired(after)) - set(_replaced(before, after))
    marks = {str(name): _mark(before, change, name) for name in left}
    parted = {**after.parted, **{name: mark for name, mark in marks.items() if mark}}
    if parted == after.parted:
        return after
    newest = sorted(parted.items(), key=lambda one: one[1].at)[-REMEMBERED:]
    return after.model_copy(update={"parted": dict(newest)})


def _paired(state: TargetState) -> Iterator[ReleaseName]:
    """What with a partner is wanted, on its way, or serves."""
    wanted, rollout, live = state.wanted, state.rollout, state.live
    if wanted and wanted.pair:
        yield wanted.release
    if rollout and rollout.release.pair and not rollout.taken_back:
        yield rollout.release.release
    if live and live.pair:
        yield live.release


def _replaced(before: TargetState, after: TargetState) -> Iterator[ReleaseName]:
    """What served until a newer release was promoted over it."""
    rollout = after.rollout
    promoted = rollout is not None and rollout.promoted and not rollout.taken_back
    if before.live and rollout and promoted and rollout.kind is not Kind.ROLL_BACK:
        yield before.live.release


def _mark(before: TargetState, change: Change, name: ReleaseName) -> Mark | None:
    """When and why it left: as the history tells it."""
    of_it = [one for one in change.events if one.release == name]
    for event in reversed(of_it or change.events):
        return Mark(reason=event.reason, at=event.at)
    at = before.history_at
    return Mark(reason="it is there no more", at=at) if at else None
