"""The partners of what a target wants and serves, looked at in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.domain.pairing import seen_from, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.pairing import Partner
    from sluice.domain.release import Pair, Release, ReleaseName
    from sluice.domain.target import Change, TargetState
    from sluice.observing import Looked


@dataclass(frozen=True, slots=True)
class Pairing:
    """What `reconcile_target` sees of partners; where there are none, it reads nothing."""

    targets: Targets
    releases: Releases

    def partners(self, state: TargetState, looked: Looked) -> dict[ReleaseName, Partner]:
        """The partner of each release that `state` names and that has one."""
        pairs = dict(_pairs(state, looked))
        found = ((name, self._look(name, pair)) for name, pair in pairs.items())
        return {name: partner for name, partner in found if partner}

    def tell(self, state: TargetState, *, now: datetime) -> tuple[TargetState, set[str]]:
        """Signal the holder if its release goes back with its partner.

        The state as it stands then, and the targets of the partners.
        """
        deployed = state.rollout.release if state.rollout else None
        partner = (
            self._look(deployed.release, deployed.pair) if deployed and deployed.pair else None
        )
        if deployed is None or partner is None:
            return state, set()

        def decide(latest: TargetState | None) -> Change | None:
            return tell(latest, partner, now=now) if latest else None

        told = self.targets.change(state.target, decide) if decide(state) else None
        return told or state, {partner.target}

    def _look(self, name: ReleaseName, pair: Pair) -> Partner | None:
        """The partner; None where the record of either has nothing to say of the two.

        Of a partner whose record cannot be read its target's state tells how it stands.
        """
        own, _ = self._record(name)
        if own is None:
            return None
        other, unreadable = self._record(pair.other(name))
        state = self.targets.read(pair.target_beside(name))
        return seen_from(own, pair, other=other, state=state, unreadable=unreadable)

    def _record(self, name: ReleaseName) -> tuple[Release | None, str]:
        """The release as it is recorded, or what is wrong with its record."""
        try:
            return self.releases.get(name), ""
        except RecordUnreadableError as error:
            return None, str(error)


def concerned(state: TargetState, partners: dict[ReleaseName, Partner]) -> set[str]:
    """The targets of the partners of what is wanted and what serves."""
    names = {one.release for one in (state.wanted, state.live) if one}
    return {partner.target for name, partner in partners.items() if name in names}


def _pairs(state: TargetState, looked: Looked) -> Iterator[tuple[ReleaseName, Pair]]:
    for one in (*state.last_good, *((state.live,) if state.live else ())):
        if one.pair:
            yield one.release, one.pair
    wanted = looked.approved.get(state.wanted.release) if state.wanted else None
    if wanted and wanted.pair:  # it may have got one after it was approved
        yield wanted.name, wanted.pair
