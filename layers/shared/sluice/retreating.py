"""Whether a canary may begin: something must be left to go back to, or a person has said so."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain.manifest import ManifestError
from sluice.domain.overriding import overridden, refusal, take, waits
from sluice.domain.readiness import landings
from sluice.domain.release import ApprovalStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Registry
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.grounds import Ground, Grounds
    from sluice.recalling import Capture


_PATIENCE_SECONDS = 10.0
"""For how long releases are asked about, the last of them begun by then; a task has 50."""


@dataclass(frozen=True, slots=True)
class Retreating:
    """The way back of a rollout that has a stable; a rollback is never asked for one."""

    targets: Targets
    registry: Registry
    grounds: Grounds
    elapsed: Callable[[], float] = time.monotonic

    def objection(
        self,
        rollout: Rollout,
        state: TargetState | None,
        *,
        capture: Capture[Any] | None,
        now: datetime,
    ) -> str:
        """Why the rollout must not begin, or nothing; `capture` is stable's. Raises DisplacedError.

        A person's word for this release is used up here, in a write of its own: what comes twice
        finds that this rollout has it.
        """
        if rollout.stable is None or capture is None or state is None:
            return ""
        missing = self._missing(rollout, state, stable=rollout.stable, capture=capture, now=now)
        if missing or waits(state, rollout):
            taken = self.targets.change(
                rollout.target, lambda latest: take(latest, rollout, missing, now=now)
            )
            state = taken or state
        if not missing or overridden(state, rollout):
            return ""
        return refusal(rollout.target, rollout.release.release, missing)

    def _missing(
        self,
        rollout: Rollout,
        state: TargetState,
        *,
        stable: Deployed,
        capture: Capture[Any],
        now: datetime,
    ) -> str:
        """What each release lacks that traffic could return to; nothing if one lacks nothing.

        Stable is asked about first. The others only if it lacks something: they take over when it
        stands there no more. What a person has rejected is no way back. One that there was no time
        for counts as lacking: Bedrock may leave each probe unanswered for seconds.
        """
        began = self.elapsed()
        stuck = self._ground(rollout).stuck(stable)
        lack = stuck or self._lack(rollout, stable, capture, now=now)
        if not lack:
            return ""
        ways = self._ways(state)
        if stuck and stable in ways:
            return stuck
        lacking = [lack] if stable in ways else []
        for one in ways:
            if one != stable and one.release != rollout.release.release:
                late = self.elapsed() - began > _PATIENCE_SECONDS
                lack = _unasked(one) if late else self._lack(rollout, one, now=now)
                if not lack:
                    return ""
                lacking.append(lack)
        return "; ".join(lacking)

    def _lack(
        self,
        rollout: Rollout,
        release: Deployed,
        capture: Capture[Any] | None = None,
        *,
        now: datetime,
    ) -> str:
        try:
            return self._ground(rollout).lacks(release, capture, now=now)
        except ManifestError as error:  # what ledger and vault say of it disagrees
            return str(error)

    def _ground(self, rollout: Rollout) -> Ground:
        return self.grounds.of(rollout.target)

    def _ways(self, state: TargetState) -> tuple[Deployed, ...]:
        known = {one.release: one for one in (state.live, *state.last_good) if one}
        approved = {name for name, one in known.items() if self._approved(one)}
        return landings(state, approved)

    def _approved(self, release: Deployed) -> bool:
        package = self.registry.find(release.package_arn)
        return package is not None and package.approval is ApprovalStatus.APPROVED


def _unasked(release: Deployed) -> str:
    return f"{release.release} was not looked at: the others took too long"
