"""How a rollout moves on: its step was judged, its test passed, or somebody spoke against it."""

from __future__ import annotations

from sluice.domain.rollout import Action, Rollout, Verdict


def advance(rollout: Rollout, verdict: Verdict, reason: str) -> Rollout:
    """Move the rollout on, its current step having been judged."""
    judged = rollout.model_copy(update={"verdict": verdict})
    match verdict:
        case Verdict.FAILED:
            return judged.to(Action.ROLL_BACK, reason, blames=True)
        case Verdict.INCONCLUSIVE if rollout.on_inconclusive is Action.PROMOTE:
            return following(judged, reason)
        case Verdict.INCONCLUSIVE:
            return judged.to(rollout.on_inconclusive, reason)
        case Verdict.PASSED:
            return following(judged, reason)


def following(rollout: Rollout, reason: str) -> Rollout:
    """The rollout at its next step, or to be promoted when there is none left."""
    position = rollout.position + 1
    if position < len(rollout.steps):
        return rollout.to(Action.SHIFT, reason, position=position)
    return rollout.to(Action.PROMOTE, reason)


def heed(rollout: Rollout, reason: str, *, blames: bool) -> Rollout:
    """The rollout, told that its release must not go on serving."""
    return rollout.to(Action.ROLL_BACK, reason, blames=blames, verdict=Verdict.FAILED)
