"""How a lease begins: the next epoch, its execution's name, and what the rollout is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.deploying import again
from sluice.domain.rollout import Action, Deployed, Kind, Outcome, Phase, Rollout
from sluice.domain.target import Change, Event, TargetState, Wanted

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Start:
    """Take the lease, then start this rollout under it."""

    rollout: Rollout
    change: Change


def begin(
    state: TargetState,
    kind: Kind,
    release: Deployed,
    *,
    wanted: Wanted | None,
    reason: str,
    now: datetime,
) -> Start:
    """Take the lease in the next epoch, for this rollout."""
    epoch = state.epoch + 1
    rollout = Rollout(
        id=names.execution(state.target, generation=state.generation, epoch=epoch),
        target=state.target,
        epoch=epoch,
        kind=kind,
        release=release,
        stable=state.live if kind is Kind.CANARY else None,
        replaced=state.live if kind is Kind.ROLL_BACK or state.lost else None,
        approval_seq=wanted.seq if wanted else 0,
        partner=_partner(release, state.live),
        started_at=now,
        claimed_at=now,
        reason=reason,
    )
    held = state.model_copy(
        update={
            "epoch": epoch,
            "holder": rollout.id,
            "rollout": rollout,
            "phase": Phase.STARTING,
            "signal": None,
            "token": "",
            "parked_at": None,
            "intent": "",
            "displaced": "",
            "drain_until": None,
            "noted": (),
        }
    )
    event = Event(now, "RolloutStarted", f"{kind}: {reason}", release.release)
    return Start(rollout, Change(held, (event,)))


def _partner(release: Deployed, live: Deployed | None) -> str:
    paired = next((one for one in (release, live) if one and one.pair), None)
    return paired.pair.target_beside(paired.release) if paired and paired.pair else ""


def fall_back(state: TargetState, good: Deployed, reason: str, *, now: datetime) -> Start:
    """Put a good release on the target again, all at once."""
    release = again(state, good)
    return begin(state, Kind.ROLL_BACK, release, wanted=None, reason=reason, now=now)


def put_up_again(state: TargetState, live: Deployed, *, now: datetime) -> Start:
    """What serves was approved once more after somebody changed it by hand: as it was approved."""
    consumed = state.model_copy(update={"wanted": None, "rollback_owed": None})
    reason = "approved again: put up as it was approved, after it had been changed by hand"
    start = fall_back(consumed, live, reason, now=now)
    rollout = start.rollout.model_copy(update={"automatic": False})
    held = start.change.state.model_copy(update={"rollout": rollout})
    return Start(rollout, Change(held, start.change.events))


def settle(state: TargetState, live: Deployed, reason: str, *, now: datetime) -> Start:
    """Put the endpoint on the configuration that holds what serves, and nothing else."""
    start = begin(state, Kind.SETTLE, live, wanted=None, reason=reason, now=now)
    rollout = start.rollout.to(
        Action.SETTLE,
        reason,
        settle_config=live.endpoint_config,
        promoted=True,
        outcome=Outcome.SETTLED,
    )
    held = start.change.state.model_copy(update={"rollout": rollout})
    return Start(rollout, Change(held, start.change.events))
