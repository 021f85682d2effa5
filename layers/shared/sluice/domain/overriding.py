"""A canary without a way back: refused, unless a person has said that it may begin all the same.

The word is for one release and its next rollout. It is used up by the first rollout of that release
which gets as far as needing a way back, whether it had one or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.lease import held
from sluice.domain.target import Change, Event, Override

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState


class NotOverridableError(Exception):
    """Nothing is there that this could be said of; the message says what is."""


def override(
    state: TargetState | None, release: Release, *, by: str, why: str, now: datetime
) -> Change:
    """Write down a person's word for `prepare_rollout`. Raises NotOverridableError."""
    name = release.name
    if not why.strip():
        message = "say why: the history keeps it for whoever asks later"
        raise NotOverridableError(message)
    if state is None or state.live is None:
        message = f"nothing serves that {name} could fail to go back to: approve it"
        raise NotOverridableError(message)
    if state.live.release == name:
        message = f"{name} serves {state.target} already"
        raise NotOverridableError(message)
    said = Override(release=name, by=by, why=why.strip(), at=now)
    event = Event(now, "OverrideGiven", f"{by}: {said.why}", name)
    return Change(state.model_copy(update={"override": said}), (event,))


def overridden(state: TargetState, rollout: Rollout) -> bool:
    """Whether the rollout goes on without a way back on a person's word: it has taken that."""
    word = state.override
    return word is not None and bool(word.rollout) and word.rollout == rollout.id


def waits(state: TargetState, rollout: Rollout) -> bool:
    """Whether there is a word for this rollout's release that no rollout has taken."""
    word = state.override
    return word is not None and not word.rollout and word.release == rollout.release.release


def take(
    state: TargetState | None, rollout: Rollout, missing: str, *, now: datetime
) -> Change | None:
    """Use the word up, if there is one; `missing` is what there is no way back for, or nothing.

    Raises DisplacedError.
    """
    current = held(state, rollout)
    word = current.override
    if word is None or not waits(current, rollout):
        return None
    taken = word.model_copy(update={"rollout": rollout.id})
    said = f"{word.by}: {word.why}"
    event = (
        Event(
            now,
            "OverrideUsed",
            f"begun without a way back on the word of {said} ({missing})",
            word.release,
        )
        if missing
        else Event(now, "OverrideNotNeeded", f"there is a way back; said by {said}", word.release)
    )
    return Change(current.model_copy(update={"override": taken}), (event,))


def refusal(target: str, release: ReleaseName, missing: str) -> str:
    """Why the canary does not begin, and what a person can do about it."""
    return (
        f"NO_WAY_BACK: {missing}. Mend that and approve {release} again; or, to go on without a "
        f'way back, `sluice override {target} --release {release} --why "…"` first'
    )
