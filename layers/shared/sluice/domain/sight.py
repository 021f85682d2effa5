"""Everything that one look at a rollout sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.domain.arming import AlarmState, Readings
from sluice.domain.judging import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sluice.domain.watching import EndpointView


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything one look sees: None for an endpoint that does not exist."""

    endpoint: EndpointView | None
    alarms: Mapping[str, AlarmState]
    finding: Finding = field(default_factory=Finding)
    """What the traffic of this step says."""
    muted: frozenset[str] = frozenset()
    """Those of the alarms in ALARM that an alarm mute rule mutes now."""
    disarmed: frozenset[str] = frozenset()
    """Alarms that have been in ALARM since before the rollout."""

    def firing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the alarms that speak against the release."""
        return Readings(self.alarms, self.muted).firing(names, disarmed=self.disarmed)

    def unsure(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the alarms that do not speak for it: not OK, or not to be read."""
        return tuple(
            name
            for name in names
            if self.alarms.get(name) is not AlarmState.OK and name not in self.disarmed
        )
