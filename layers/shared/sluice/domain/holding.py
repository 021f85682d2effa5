"""A rollout that is held: what people are told, and what a person's word does about it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.advancing import following
from sluice.domain.arming import note
from sluice.domain.lease import held
from sluice.domain.rollout import Action, Phase, Verdict
from sluice.domain.target import Change, Event, Word

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState

_ABORTABLE = {Phase.PROVISIONING, Phase.BAKING, Phase.HELD}
_HOUR = 3600


class Saying(StrEnum):
    """What a person may say of a rollout in flight."""

    PROMOTE = "promote"
    """The step that is held passes."""
    ABORT = "abort"
    """The canary goes back; it is not marked bad."""


class WrongPhaseError(Exception):
    """Nothing is there that this could be said of; the message says what is."""


def hold(state: TargetState | None, rollout: Rollout, *, now: datetime) -> Change | None:
    """Remember that this step is held, once. Raises DisplacedError."""
    event = Event(now, "Held", rollout.reason, rollout.release.release, rollout.evidence)
    return note(held(state, rollout), f"HELD {rollout.position}", event)


def notice(rollout: Rollout) -> str:
    """What people read: why it is held, and what resolves it."""
    release, target = rollout.release.release, rollout.target
    return (
        f"{release} is held on {rollout.target_name} with {rollout.weight} % of the traffic: "
        f"{rollout.reason}.\n"
        f"It goes on by itself as soon as there is evidence enough. It is taken off again after "
        f"{rollout.hold_seconds // _HOUR} hours, or when a newer version is approved. You can say "
        f"what to do: `sluice promote {target}` lets this step pass, `sluice abort {target}` "
        f"returns all traffic."
    )


def say(state: TargetState | None, saying: Saying, *, by: str, why: str, now: datetime) -> Change:
    """Write down a person's word for `watch_rollout` to act on. Raises WrongPhaseError."""
    if state is None:
        message = "nothing was ever approved for it: it is endpoint/NAME or application/NAME"
        raise WrongPhaseError(message)
    rollout = state.rollout
    if rollout is None or not state.holder:
        message = f"{state.target} is {state.phase}: no rollout is in flight"
        raise WrongPhaseError(message)
    if saying is Saying.PROMOTE and state.phase is not Phase.HELD:
        message = f"{state.target} is {state.phase}, and only what is held can be promoted by hand"
        raise WrongPhaseError(message)
    if state.phase not in _ABORTABLE or rollout.promoted or rollout.taken_back:
        message = (
            f"{state.target} is {state.phase}: {rollout.release.release} can not be aborted any "
            f"more. Reject its package to roll back"
        )
        raise WrongPhaseError(message)
    word = Word(says=saying, rollout=rollout.id, position=rollout.position, by=by, why=why, at=now)
    event = Event(now, _EVENTS[saying], _told(word), rollout.release.release)
    return Change(state.model_copy(update={"word": word}), (event,))


def as_said(state: TargetState, rollout: Rollout) -> Rollout | None:
    """The rollout as a person wants this step of it to end; None if nobody said anything."""
    word = state.word
    if word is None or word.rollout != rollout.id or word.position != rollout.position:
        return None
    if word.says == Saying.ABORT:
        return rollout.to(Action.ROLL_BACK, f"aborted by {_told(word)}", blames=False)
    if state.phase is not Phase.HELD:
        return None
    undecided = rollout.model_copy(update={"verdict": Verdict.INCONCLUSIVE})
    return following(undecided, f"promoted by {_told(word)}")


_EVENTS = {Saying.PROMOTE: "PromotionAsked", Saying.ABORT: "AbortAsked"}


def _told(word: Word) -> str:
    return f"{word.by}: {word.why}" if word.why else word.by
