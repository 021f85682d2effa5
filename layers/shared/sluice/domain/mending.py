"""What a target at rest needs whose endpoint is not as the ledger left it.

Found by the schedule: deleted by hand, Failed, a mix of fleets, or without the variant that should
serve. Each such incident is tried to be mended once, and recorded; what that did not mend waits
for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.moves import Idle, Move, halt
from sluice.domain.release import System
from sluice.domain.retrying import waiting
from sluice.domain.returning import candidates
from sluice.domain.rollout import Phase
from sluice.domain.starting import fall_back, settle
from sluice.domain.statuses import Allowed, allowed
from sluice.domain.succession import draining
from sluice.domain.target import Change, Incident, TargetState

if TYPE_CHECKING:
    from collections.abc import Set
    from datetime import datetime

    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Deployed


def mend(
    state: TargetState, status: str | None, *, approved: Set[ReleaseName], now: datetime
) -> Move | None:
    """What the endpoint's status calls for; None if nothing. `status` None: it does not exist."""
    live, incident = state.live, state.incident
    if live is None or state.holder or draining(state, now=now):
        return None
    ability = allowed(status) if status else Allowed.RECREATE
    if ability is Allowed.WAIT:
        return None
    if ability is Allowed.ACT and (incident is None or incident.tried):
        return _mended(state) if incident else None
    found = incident.found if incident and ability is Allowed.ACT else _found(state, status)
    if incident and incident.tried:
        return _again(state, live, found, approved, now=now)
    return _try(state, live, found, ability, approved=approved, now=now)


def _found(state: TargetState, status: str | None) -> str:
    if status:
        return f"the endpoint is {status}"
    if names.system_of(state.target) is System.BEDROCK:
        return f"{names.LIVE} leads to no release: somebody changed it by hand"
    return "the endpoint was deleted by hand"


def _mended(state: TargetState) -> Idle:
    return Idle("the endpoint serves again", Change(state.model_copy(update={"incident": None})))


def _again(
    state: TargetState, live: Deployed, found: str, approved: Set[ReleaseName], *, now: datetime
) -> Move | None:
    """Only what AWS had no room for is tried a second time."""
    if state.phase is Phase.HALTED:
        return None
    if state.retry and state.retry.approval_seq == 0:
        later = waiting(state, 0, now=now)
        return Idle(later) if later else _restore(state, live, found, approved, now=now)
    return halt(state, live.release, f"{found}, and could not be mended", now=now)


def _try(
    state: TargetState,
    live: Deployed,
    found: str,
    ability: Allowed,
    *,
    approved: Set[ReleaseName],
    now: datetime,
) -> Move:
    lost = ability is Allowed.RECREATE
    incident = Incident(found=found, at=now, lost=lost, tried=True)
    tried = state.model_copy(update={"incident": incident})
    if ability is Allowed.REISSUE:
        return settle(tried, live, f"{found}: back to {live.endpoint_config}", now=now)
    return _restore(tried, live, found, approved, now=now)


def _restore(
    state: TargetState, live: Deployed, found: str, approved: Set[ReleaseName], *, now: datetime
) -> Move:
    serving = (live,) if _is_good(state, live, approved) else ()
    good = (*serving, *candidates(state, approved))
    if not good:
        return halt(
            state, live.release, f"{found}, and no release is good to serve instead", now=now
        )
    return fall_back(state, good[0], found, now=now)


def _is_good(state: TargetState, live: Deployed, approved: Set[ReleaseName]) -> bool:
    marked = {*state.bad, *state.suspect}
    return live.release in approved and str(live.release) not in marked
