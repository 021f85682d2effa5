"""What becomes of a lease whose execution has ended, or whose execution's name was taken.

A holder that ended without releasing its target is displaced: the next epoch begins at once, so
that no task of it may act any more, but its successor acts only when no call that such a task has
made before can still be on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.lease import NOBODY
from sluice.domain.outcome import unconsumed
from sluice.domain.patience import DRAIN
from sluice.domain.rollout import Action, Kind, Phase, Rollout
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from datetime import datetime

MOST_SUCCESSORS = 5
"""How many successors a holder gets before a person is called: one that fails fails again."""

LEAP = 1000
"""Epochs that a new generation leaves out: more leases than a backup can be old.

Variants, models and configurations are named after epochs; those of the ledger's lost future exist.
"""


def take_over(state: TargetState, *, now: datetime) -> tuple[Rollout | None, Change | None]:
    """The rollout with which a new execution replaces a holder that ended; None if there is none.

    It only finishes: what was promoted stands by and settles, what was not goes back. Its tasks
    find what was done already. Variants keep the names of the epoch they were made in. Where one
    successor after the other has ended, nobody takes over: the target is released, and halted.
    """
    rollout = state.rollout
    if rollout is None:
        return None, None
    reason = f"{state.holder} ended without releasing the target"
    if rollout.successions >= MOST_SUCCESSORS:
        return None, _give_up(state, rollout, f"{reason}, as {MOST_SUCCESSORS} before it", now=now)
    return _succeed(state, rollout, reason, generation=state.generation, leap=1, now=now)


def renew(state: TargetState, *, now: datetime) -> tuple[Rollout | None, Change | None]:
    """Begin a new generation: the holder's name belongs to an execution the ledger knows not of.

    The ledger was restored from a backup, and what it holds is repeated under names that nobody
    has used. A rollout that has not begun is decided again, after the drain; one that takes over
    goes on under its new name.
    """
    rollout = state.rollout
    if rollout is None:
        return None, None
    reason = f"{state.holder} is the name of an execution of before: the ledger was restored"
    generation = state.generation + 1
    if rollout.successions:
        return _succeed(state, rollout, reason, generation=generation, leap=LEAP, now=now)
    update = {"generation": generation, "epoch": state.epoch + LEAP, **_displaced(state, now)}
    released = state.model_copy(update={**update, **NOBODY, "phase": Phase.IDLE})
    event = Event(now, "GenerationRaised", reason, rollout.release.release)
    return None, Change(released, (event,))


def draining(state: TargetState, *, now: datetime) -> str:
    """Why nobody may act on the target yet, or nothing."""
    if state.drain_until is None or now >= state.drain_until:
        return ""
    return f"draining until {state.drain_until.isoformat()}: calls of {state.displaced} may come"


def _displaced(state: TargetState, now: datetime) -> dict[str, object]:
    return {"displaced": state.holder, "drain_until": now + DRAIN}


def _succeed(
    state: TargetState, rollout: Rollout, reason: str, *, generation: int, leap: int, now: datetime
) -> tuple[Rollout, Change]:
    epoch = state.epoch + leap
    execution = names.execution(state.target, generation=generation, epoch=epoch)
    successor = rollout.to(
        _finish(rollout),
        reason,
        id=execution,
        epoch=epoch,
        claimed_at=now,
        successions=rollout.successions + 1,
    )
    update = {
        "generation": generation,
        "epoch": epoch,
        "holder": execution,
        "rollout": successor,
        "phase": Phase.STARTING,
        "token": "",
        "parked_at": None,
        **_displaced(state, now),
    }
    event = Event(now, "HolderReplaced", reason, rollout.release.release)
    return successor, Change(state.model_copy(update=update), (event,))


def _give_up(state: TargetState, rollout: Rollout, reason: str, *, now: datetime) -> Change:
    """Traffic stays as it is; a new approval still deploys, and whoever is called can look."""
    update = {
        **NOBODY,
        **_displaced(state, now),
        "phase": Phase.HALTED,
        "wanted": unconsumed(state, rollout),
        "rollback_owed": None,
    }
    event = Event(now, "Halted", reason, rollout.release.release)
    return Change(state.model_copy(update=update), (event,))


def _finish(rollout: Rollout) -> Action:
    if rollout.kind is Kind.SETTLE:
        return Action.SETTLE
    serves = rollout.promoted and not rollout.taken_back
    return Action.PROMOTE if serves else Action.ROLL_BACK
