"""What a task may do under its lease: nothing in another epoch, nothing onward against a signal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.domain.advancing import heed
from sluice.domain.arming import disarm
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.rollout import Action, Phase, Rollout
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

NOBODY: dict[str, object] = {
    "holder": "",
    "rollout": None,
    "token": "",
    "parked_at": None,
    "intent": "",
    "signal": None,
}
"""What a target says of its lease when nobody holds it."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a task did to the endpoint: nothing, if the endpoint was as intended already."""

    weights: Mapping[str, int] = field(default_factory=dict)
    """What the traffic was changed to."""
    refused: str = ""
    """What SageMaker said to a change that it refused."""
    stuck: str = ""
    """Why what should serve could not be given its traffic."""
    landed: bool = False
    """Whether what is to be taken back has taken over for good: nothing is left to go back to."""
    under_way: bool = False
    """Whether it is done only when the endpoint has settled: the task is to come back."""


def held(state: TargetState | None, rollout: Rollout) -> TargetState:
    """The state, still in the rollout's epoch. Raises DisplacedError if it is not."""
    if state is None or state.epoch != rollout.epoch or state.holder != rollout.id:
        message = f"{rollout.id} does not hold {rollout.target} any more"
        raise DisplacedError(message)
    return state


def unsignalled(state: TargetState | None, rollout: Rollout) -> TargetState:
    """The state, held and without a signal. Raises DisplacedError or SignalPendingError."""
    current = held(state, rollout)
    if current.signal:
        raise SignalPendingError(current.signal.reason)
    return current


def as_recorded(state: TargetState, rollout: Rollout) -> Rollout:
    """The rollout with what the ledger knows better: a task whose reply was lost had its effect."""
    if state.rollout is None:
        return rollout
    promoted = rollout.promoted or state.rollout.promoted
    return rollout.model_copy(update={"promoted": promoted})


def intend(state: TargetState | None, rollout: Rollout, intent: str, *, onward: bool) -> Change:
    """Record what the task is about to do.

    `onward` acts (more weight, promotion) stop at a signal; taking back and cleaning up do not.
    Raises DisplacedError or SignalPendingError.
    """
    current = unsignalled(state, rollout) if onward else held(state, rollout)
    return Change(current.model_copy(update={"intent": intent}))


def known_before(
    state: TargetState | None, rollout: Rollout, firing: Collection[str], *, now: datetime
) -> Change:
    """Hold against nobody the alarms that are in ALARM before the rollout moves anything.

    Raises DisplacedError.
    """
    disarmed = disarm(held(state, rollout), firing, at=now)
    said = f"in ALARM before this rollout and held against nobody: {', '.join(firing)}"
    event = Event(now, "AlarmsDisarmed", said, rollout.release.release)
    known = disarmed is state
    return Change(disarmed, () if known else (event,))


def heard(state: TargetState) -> Rollout | None:
    """What to wake the parked holder with because of the signal; None if there is no need.

    While the endpoint settles there is nothing left to take back: release turns the signal into
    the rollback that reconcile owes.
    """
    if not state.token or state.signal is None or state.rollout is None:
        return None
    if state.phase is Phase.SETTLING:
        return None
    return heed(state.rollout, state.signal.reason, blames=state.signal.blames)


def leads_onward(rollout: Rollout) -> bool:
    """Whether the rollout's action gives its release more, or takes the way back away.

    To drop what stands by is such an act: an alarm heard in time still finds it there.
    """
    if rollout.action is Action.SETTLE:
        return rollout.stable is not None and not rollout.taken_back
    return rollout.action in {Action.CREATE, Action.UPDATE, Action.SHIFT}


def acted(state: TargetState | None, rollout: Rollout, act: Act, *, now: datetime) -> Change:
    """Record what came of the intent. Raises DisplacedError."""
    current = held(state, rollout)
    told = {
        "Shifted": ", ".join(f"{variant} {weight} %" for variant, weight in act.weights.items()),
        "Refused": f"{rollout.action}: {act.refused}" if act.refused else "",
    }
    release, evidence = rollout.release.release, rollout.evidence
    events = (Event(now, event, text, release, evidence) for event, text in told.items())
    cleared = current.model_copy(update={"intent": ""})
    return Change(cleared, tuple(one for one in events if one.reason))
