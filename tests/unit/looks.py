"""Looks at a rollout that is parked, and endpoints as they may stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.arming import AlarmState
from sluice.domain.watching import look
from tests.builders import AT, CANARY, STEPS, a_rollout, a_state, after, an_endpoint

if TYPE_CHECKING:
    from sluice.domain.rollout import Action, Phase, Rollout
    from sluice.domain.sight import Sight
    from sluice.domain.target import TargetState

OK, FIRING, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
DARK = an_endpoint(v3_e3=100, v4_e5=0)
AT_TEN = an_endpoint(v3_e3=90, v4_e5=10)
AT_ALL = an_endpoint(v3_e3=0, v4_e5=100)
ALONE = an_endpoint(config=CANARY.endpoint_config, v4_e5=1)
PROVISIONING = a_rollout()
BAKING = a_rollout(position=0)
LAST = a_rollout(position=1)
STANDING_BY = a_rollout(position=1, promoted=True)
MIN, MAX = STEPS[0].min_seconds, STEPS[0].max_seconds


def parked(rollout: Rollout, phase: Phase, **changes: object) -> TargetState:
    return a_state(rollout, phase=phase, token="t-1", parked_at=AT, **changes)


def looked(
    rollout: Rollout, phase: Phase, sight: Sight, waited: float = 0, **changes: object
) -> Rollout | None:
    return look(parked(rollout, phase, **changes), sight, now=after(waited))


def action(found: Rollout | None) -> Action | None:
    return found.action if found else None
