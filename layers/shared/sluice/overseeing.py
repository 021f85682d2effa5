"""The schedule's look at what serves, at the way back, and at models that end: a target a message.

Nothing but what is told is written. A target that a rollout moves while it is looked at is looked
at again: what was read before and after a change fits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.bedrock_manifest import BedrockManifest
from sluice.domain.ending import ending
from sluice.domain.overseeing import of_drift, of_ends, of_readiness
from sluice.domain.verifying import Severity, Unread, findings
from sluice.events.triggers import TargetDue, Tick, look_at
from sluice.examining import attempt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.queue import Queue
    from sluice.domain.ending import Ending
    from sluice.domain.overseeing import Telling
    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.verifying import Finding
    from sluice.events.triggers import Trigger
    from sluice.readying import Readying
    from sluice.reminding import Reminding
    from sluice.verifying import Verifying

_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Overseen:
    """What one look at a target found."""

    target: str
    told: tuple[str, ...] = ()
    """The events that were sent."""
    drift: int = 0
    not_ready: int = 0
    unreadable: tuple[str, ...] = ()
    """What could not be read, and why."""


@dataclass(frozen=True, slots=True)
class Overseeing:
    """The work of `verify_targets`."""

    targets: Targets
    verifying: Verifying
    readying: Readying
    reminding: Reminding
    verifications: Queue
    warning_days: int
    """How long before the end of a model people are warned."""

    def handle(self, triggers: Iterable[Trigger]) -> list[Overseen]:
        """Look at the targets asked for; when the schedule asks, a message for each there is."""
        found = list[Overseen]()
        for trigger in triggers:
            match trigger:
                case Tick():
                    known = self.targets.known()
                    self.verifications.send(look_at(one, at=trigger.at) for one in known)
                case TargetDue():
                    found.append(self.oversee(trigger.target, at=trigger.at))
        return found

    def oversee(self, target: str, *, at: datetime) -> Overseen:
        """Verify the target, prove its way back, and tell what is due. Raises AnnouncementError."""
        for _ in range(_LOOKS):
            state = self.targets.read(target)
            if state is None:
                break
            found, tellings, seen = self._look(state, at=at)
            latest = self.targets.read(target)
            if latest and latest.revision == state.revision:
                told = (self.reminding.tell(target, one, at=at) for one in tellings)
                return Overseen(target, tuple(filter(None, told)), *seen, _unread(found))
        return Overseen(target)

    def _look(
        self, state: TargetState, *, at: datetime
    ) -> tuple[tuple[Finding, ...], tuple[Telling, ...], tuple[int, int]]:
        checks = tuple(self.verifying.checks(state, at=at))
        verified = findings(checks)
        ways = self.readying.landings(state)
        ready = self.readying.look(ways, at=at)
        ends, unread = self._ends(state, [one for one, _ in ways], at=at)
        tellings = (
            of_drift(state, checks),
            of_readiness(state, ready),
            of_ends(state, ends, unread=unread),
        )
        drift = sum(one.severity is not Severity.UNREADABLE for one in verified)
        lacking = sum(bool(one.lacking) for one in ready)
        every = (*verified, *(each for one in ready for each in one.findings))
        return every, tellings, (drift, lacking)

    def _ends(
        self, state: TargetState, ways: list[Deployed], *, at: datetime
    ) -> tuple[tuple[Ending, ...], set[ReleaseName]]:
        """Models of what is live and of what may take over that end; those that are unread."""
        known = {one.release: one for one in (*((state.live,) if state.live else ()), *ways)}
        found = {name: self._end(state, one, at=at) for name, one in known.items()}
        ends = tuple(one for one in found.values() if one and not isinstance(one, Unread))
        return ends, {name for name, one in found.items() if isinstance(one, Unread)}

    def _end(self, state: TargetState, one: Deployed, *, at: datetime) -> Ending | Unread | None:
        examining = self.verifying.examining
        manifest = examining.capture(one).manifest
        if manifest is None:
            return Unread("its manifest is unknown")
        if not isinstance(manifest, BedrockManifest):
            return None
        named = attempt(lambda: examining.catalogue.named(manifest.config.model_id))
        if isinstance(named, Unread):
            return named
        said = named[0].end_of_life_at if named[0] else None
        return ending(
            one.release,
            manifest.config.model_id,
            said or manifest.model.end_of_life_at,
            live=state.live is not None and one.release == state.live.release,
            at=at,
            within_days=self.warning_days,
        )


def _unread(found: Iterable[Finding]) -> tuple[str, ...]:
    unread = (one for one in found if one.severity is Severity.UNREADABLE)
    return tuple(dict.fromkeys(f"{one.what}: {one.found}" for one in unread))
