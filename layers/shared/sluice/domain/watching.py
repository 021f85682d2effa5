"""What a look at a rollout in flight finds: wait on, or wake the machine and with what.

The machine waits by parking a task token. Each look compares what the machine waits for with what
the endpoint, the alarms and the metrics say now; an answer is the whole rollout with its next
action. Nothing here raises a canary's weight unless every alarm on it could be read and is OK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sluice.domain.advancing import advance, following, heed
from sluice.domain.arming import arm
from sluice.domain.holding import as_said
from sluice.domain.rollout import Action, Kind, Phase, Rollout, Verdict
from sluice.domain.statuses import IN_SERVICE, Allowed, allowed
from sluice.domain.superseding import superseding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sluice.domain.sight import Sight
    from sluice.domain.target import TargetState

GRACE_SECONDS = 60
"""How long an accepted update may take to show in DescribeEndpoint."""

COUNTED_AFTER_SECONDS = 240
"""Until when CloudWatch has counted what was asked in a minute that a wait began or ended in."""

SHARE_TOLERANCE = 0.5
"""Percentage points by which a share may miss its weight: SageMaker keeps single floats."""


@dataclass(frozen=True, slots=True)
class VariantView:
    """One production variant as DescribeEndpoint shows it."""

    weight: float
    instances: int


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as DescribeEndpoint shows it."""

    status: str
    config: str
    variants: Mapping[str, VariantView]
    failure: str = ""
    pending: str = ""
    """The configuration that an update under way leads to; nothing while none is."""

    @property
    def allowed(self) -> Allowed:
        """What may be done to the endpoint now."""
        return allowed(self.status)

    @property
    def settled(self) -> bool:
        """Whether the endpoint will stay as it is until somebody changes it."""
        return self.allowed is not Allowed.WAIT

    def has(self, config: str) -> bool:
        """Whether the endpoint stands on `config`, or is on its way to it."""
        stands = self.config == config and self.status in {IN_SERVICE, "Creating"}
        return stands or (not self.settled and self.pending == config)

    def serves_only(self, variant: str) -> bool:
        """Whether every request goes to `variant`."""
        weights = {name: view.weight for name, view in self.variants.items() if view.weight > 0}
        return set(weights) == {variant}

    def share(self, variant: str) -> float:
        """The percentage of requests that goes to `variant`; a lone one has them all."""
        if set(self.variants) == {variant}:
            return 100.0
        total = sum(view.weight for view in self.variants.values())
        if variant not in self.variants or not total:
            return 0.0
        return 100 * self.variants[variant].weight / total


def look(state: TargetState, sight: Sight, *, now: datetime) -> Rollout | None:
    """The rollout to wake the machine with, or None while there is nothing to say."""
    rollout = state.rollout
    if rollout is None or not state.token or state.parked_at is None:
        return None
    waited = (now - state.parked_at).total_seconds()
    sight = replace(sight, disarmed=frozenset(arm(state, sight.alarms).disarmed))
    ended = _cut_short(state, rollout, sight.endpoint, now=now)
    match state.phase:
        case Phase.SETTLING:
            return _settled(rollout, sight)
        case _ if state.signal:
            return heed(rollout, state.signal.reason, blames=state.signal.blames)
        case Phase.PROVISIONING:
            return _provisioned(rollout, sight, waited) or as_said(state, rollout)
        case _ if ended:
            return ended
        case Phase.BAKING | Phase.HELD:
            return _baked(state, rollout, sight, waited)
        case Phase.STANDING_BY:
            return _stood_by(rollout, sight, waited)
        case _:
            return None


def intended(rollout: Rollout, endpoint: EndpointView | None) -> bool:
    """Whether the endpoint is InService as the rollout's last change meant it to be.

    Never the status alone: an update that SageMaker rolled back is InService too, on the old
    configuration (AWS documents `EndpointConfigName` as the one in force).
    """
    if endpoint is None or endpoint.status != IN_SERVICE:
        return False
    if endpoint.config != rollout.provision_config or endpoint.pending:
        return False
    return rollout.stable is None or _near(endpoint.share(rollout.release.variant), rollout)


def _cut_short(
    state: TargetState, rollout: Rollout, endpoint: EndpointView | None, *, now: datetime
) -> Rollout | None:
    """The rollout that cannot go on, or need not: nothing is left to be judged."""
    lost = _lost(endpoint)
    if lost:
        return rollout.to(Action.ROLL_BACK, lost)
    newer = superseding(state, now=now)  # wanted before this one was held: no signal tells of it
    return rollout.to(Action.ROLL_BACK, newer.reason, superseded=True) if newer else None


def _lost(endpoint: EndpointView | None) -> str:
    """Why nothing can be judged on the endpoint any more, or nothing."""
    if endpoint is None:
        return "the endpoint was deleted by hand"
    able = endpoint.allowed in {Allowed.ACT, Allowed.WAIT}
    return "" if able else f"the endpoint is {endpoint.status}"


def _near(share: float, rollout: Rollout) -> bool:
    return abs(share - rollout.weight) < SHARE_TOLERANCE


def _provisioned(rollout: Rollout, sight: Sight, waited: float) -> Rollout | None:
    endpoint = sight.endpoint
    accused = _accused(rollout, sight, "while it was provisioned")
    if accused:
        return accused
    if intended(rollout, endpoint):
        # Alarms made a moment ago know nothing yet; a canary gets no weight before they do.
        blind = rollout.kind is Kind.CANARY and bool(_blind(rollout, sight))
        if blind or (rollout.trial and waited < rollout.trial.quiet_seconds):
            return None
        # A rollback was started for a better reason than that it could be.
        reason = rollout.reason if rollout.kind is Kind.ROLL_BACK else "provisioned"
        if rollout.trial and not rollout.trial.passed:
            return rollout.to(Action.SMOKE_TEST, reason)
        return following(rollout, reason)
    if waited < GRACE_SECONDS or (endpoint and not endpoint.settled):
        return None
    # An endpoint in service may still tell of a failure of long ago: our own refusal comes first.
    failure = rollout.refused or (endpoint.failure if endpoint else "") or rollout.reason
    return rollout.to(Action.ROLL_BACK, f"provisioning failed: {failure}")


def _baked(state: TargetState, rollout: Rollout, sight: Sight, waited: float) -> Rollout | None:
    accused = _accused(rollout, sight, f"while {_share(rollout)}")
    if accused:
        return accused
    if sight.finding.verdict is not Verdict.FAILED:
        said = as_said(state, rollout)
        if said and (said.action is Action.ROLL_BACK or not _blind(rollout, sight)):
            return said
    verdict, reason, evidence = _judge(rollout, sight, waited)
    if verdict is None or (verdict is Verdict.INCONCLUSIVE and state.phase is Phase.HELD):
        return None
    promotes = rollout.on_inconclusive is Action.PROMOTE
    if verdict is Verdict.INCONCLUSIVE and promotes and _blind(rollout, sight):
        return rollout.to(Action.HOLD, reason, verdict=verdict)
    served = rollout.stable_served or _stable_served(rollout, sight, verdict)
    update = {"evidence": evidence, "stable_served": served}
    return advance(rollout, verdict, reason).model_copy(update=update)


def _stable_served(rollout: Rollout, sight: Sight, verdict: Verdict) -> bool:
    """Whether the canary was held against a stable that served well all the while.

    The last step that is compared passes on evidence only, and there is none without requests to
    stable. So a first version that nobody asked while it stood by earns later what it could not.
    """
    compared = rollout.position == len(rollout.compared) - 1
    if rollout.stable is None or not compared or verdict is not Verdict.PASSED:
        return False
    return not sight.unsure(rollout.stable.alarms)


def _judge(rollout: Rollout, sight: Sight, waited: float) -> tuple[Verdict | None, str, str]:
    """The judge's verdict, unless it is for the canary and something else is in doubt."""
    found, blind = sight.finding, _blind(rollout, sight)
    if found.verdict is Verdict.FAILED or not blind:
        evidence = found.evidence.name if found.evidence and found.verdict else ""
        return found.verdict, f"{found.reason} while {_share(rollout)}", evidence
    if waited < rollout.step.max_seconds:
        return None, "", ""
    return Verdict.INCONCLUSIVE, f"{blind} after {waited:.0f} s while {_share(rollout)}", ""


def _blind(rollout: Rollout, sight: Sight) -> str:
    """Why no weight may be added whatever the plan says of doubts, or nothing."""
    if not intended(rollout, sight.endpoint):
        return "the endpoint is not as intended"
    unsure = sight.unsure((*rollout.release.alarms, *rollout.watch))
    return f"alarm {', '.join(unsure)} is not OK" if unsure else ""


def _accused(rollout: Rollout, sight: Sight, when: str) -> Rollout | None:
    """The rollout, told of the alarms that speak against its release; None if none does.

    What an alarm on the whole endpoint says, nobody can attribute: it blames nobody, and says
    nothing against a rollback that has not taken over yet.
    """
    own = sight.firing(rollout.release.alarms)
    if own:
        return heed(rollout, f"alarm {', '.join(own)} {when}", blames=True)
    early = rollout.kind is Kind.ROLL_BACK and not rollout.promoted
    shared = () if early else sight.firing(rollout.watch)
    if shared:
        reason = f"alarm {', '.join(shared)} on the whole endpoint {when}"
        return heed(rollout, reason, blames=False)
    return None


def _stood_by(rollout: Rollout, sight: Sight, waited: float) -> Rollout | None:
    accused = _accused(rollout, sight, "while standing by") or _convicted(rollout, sight)
    if accused:
        return accused
    # A bake that passed had data; stand-by may be short, and need not have any of its own.
    served = sight.finding.requests > 0 or rollout.verdict is Verdict.PASSED
    if waited < rollout.standby_seconds + (0 if served else COUNTED_AFTER_SECONDS):
        return None
    proven = served and not _blind(rollout, sight)
    reason = "served well" if proven else "served without data or with an alarm that was not OK"
    return rollout.to(Action.SETTLE, reason, proven=proven)


def _convicted(rollout: Rollout, sight: Sight) -> Rollout | None:
    """The rollout whose release does worse at all traffic than is allowed; else None."""
    found = sight.finding
    if found.verdict is not Verdict.FAILED or found.evidence is None:
        return None
    told = heed(rollout, f"{found.reason} while standing by", blames=True)
    return told.model_copy(update={"evidence": found.evidence.name})


def _settled(rollout: Rollout, sight: Sight) -> Rollout | None:
    if sight.endpoint and not sight.endpoint.settled:
        return None
    return rollout.to(Action.RELEASE, rollout.reason)


def _share(rollout: Rollout) -> str:
    return f"{rollout.release.variant} had {rollout.weight} %"
