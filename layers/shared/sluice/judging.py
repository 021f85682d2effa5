"""Count what both variants did since the last look, and judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.metrics import MetricsUnreadError
from sluice.domain.judging import Finding, find
from sluice.domain.rollout import Phase
from sluice.domain.tally import Tally, to_read
from sluice.domain.watching import intended
from sluice.observability import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.ledger.evidence import Evidences
    from sluice.adapters.metrics import Metrics
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView

_JUDGED = {Phase.BAKING, Phase.HELD, Phase.STANDING_BY}


@dataclass(frozen=True, slots=True)
class Judging:
    """What a look does about metrics: one request to CloudWatch at most."""

    metrics: Metrics
    evidences: Evidences

    def find(
        self, state: TargetState, rollout: Rollout, view: EndpointView | None, *, now: datetime
    ) -> Finding:
        """What the traffic says of the step that the rollout waits in; nothing if it does not."""
        since, phase = state.parked_at, state.phase
        if phase not in _JUDGED or since is None:
            return Finding()
        known = self.evidences.tally(state.target, rollout.id)
        known = known or Tally(rollout=rollout.id, period=rollout.policy.period)
        if intended(rollout, view):
            tally = known.begun(rollout, phase, since=since, now=now)
        else:
            tally = known.not_begun(rollout, phase)
        asked = to_read(tally, rollout, now=now)
        if asked:
            try:
                tally = tally.read(asked, self.metrics.read(asked))
            except MetricsUnreadError:
                logger.exception("metrics not read")
                tally = tally.not_read()
        if tally is not known and not self.evidences.count(state.target, tally):
            return Finding()  # another look counts at this moment, and judges
        return find(tally, rollout)

    def keep(self, target: str, finding: Finding, evidence: str) -> None:
        """Store what an answer stands on, before it is given."""
        if finding.evidence and finding.evidence.name == evidence:
            self.evidences.store(target, finding.evidence)
