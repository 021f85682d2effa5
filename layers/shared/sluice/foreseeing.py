"""Say before a rollout begins what its steps can show, and warn of what they never can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.metrics import MetricsUnreadError
from sluice.domain.forecasting import expect, in_words, to_ask
from sluice.observability import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.ledger.evidence import Evidences
    from sluice.adapters.metrics import Metrics
    from sluice.domain.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """What `PrepareRollout` does about expectations; nothing here keeps a rollout waiting."""

    metrics: Metrics
    evidences: Evidences
    announcements: Announcements

    def tell(self, rollout: Rollout, *, now: datetime) -> None:
        """Announce the forecast and keep it; people read it where there is something to warn of."""
        asked = to_ask(rollout, now=now)
        if asked is None or self.evidences.forecast(rollout.target, rollout.id):
            return
        try:
            told = expect(rollout, self.metrics.read(asked), now=now)
        except MetricsUnreadError:
            logger.exception("no forecast")
            return
        detail = {
            "target": rollout.target,
            "release": str(rollout.release.release),
            **told.model_dump(mode="json"),
        }
        message = f"{rollout.release.release} on {rollout.target_name}\n{in_words(told)}"
        self.announcements.announce_if_possible(
            "RolloutForeseen", detail, message=message if told.warnings else ""
        )
        self.evidences.foresee(rollout.target, told)
