"""What a release stands on: an endpoint's fleets, or the versions of an application's function.

Preparing a rollout is the same for both, up to what is looked at and what is made. That is a
*ground*'s: there are two, and the target's kind says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sluice.domain import names
from sluice.domain.release import System

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView
    from sluice.fleets import Fleets
    from sluice.publishing import Publishing
    from sluice.recalling import Capture, Captures


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a rollout was found to come to, before anything is made or moves."""

    captures: Captures[Any]
    reason: str = ""
    """Why the rollout must not go on, or nothing."""
    footing: Any = None
    """What else was read and is made use of: the ground's own."""
    edited: bool = False
    """Whether the reason is that somebody changed by hand what the rollout begins from."""


class Ground(Protocol):
    """What prepares a release on its kind of target."""

    def look_ahead(
        self,
        state: TargetState | None,
        rollout: Rollout,
        view: EndpointView | None,
        *,
        now: datetime,
    ) -> Prospect:
        """Re-read everything that the rollout relies on; nothing is changed.

        Raises ManifestError, with a reason for people, where the ledger was changed.
        """

    def stuck(self, stable: Deployed) -> str:
        """What keeps traffic from returning to what serves beside a canary, or nothing."""

    def lacks(
        self, release: Deployed, capture: Capture[Any] | None = None, *, now: datetime
    ) -> str:
        """What keeps a release from being deployed again, or nothing. Raises ManifestError.

        `capture` is what it was captured as, where that was read already.
        """

    def make_ready(self, rollout: Rollout, prospect: Prospect, *, now: datetime) -> Rollout:
        """Make what the target is led to, and the plan; or turn the rollout back with the reason.

        Safe to repeat. Raises EndpointBusyError where that takes longer than a task has.
        """


@dataclass(frozen=True, slots=True)
class Grounds:
    """The ground of each kind of target."""

    fleets: Fleets
    publishing: Publishing

    def of(self, target: str) -> Ground:
        """What releases on this target stand on."""
        of_application = names.system_of(target) is System.BEDROCK
        return self.publishing if of_application else self.fleets
