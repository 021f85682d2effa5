"""What a release and its partner mean for each other: promoted in order, back together, or not.

Each target decides for itself, from its own state and its partner's as both stand. So a message
that is lost, late or doubled changes nothing: whoever looks next decides the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.differing import record_objection
from sluice.domain.release import ApprovalStatus
from sluice.domain.rollout import Kind, Phase
from sluice.domain.target import Cause, Change, Event, Mark, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime

    from sluice.domain.release import Pair, Release, ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState

PATIENCE = timedelta(days=7)
"""How long an approval waits for the partner's before it is consumed."""
GIVES_WAY = timedelta(minutes=10)
"""For how long at most a model that must go back lets its config go first."""


class Standing(StrEnum):
    """How a release stands on its target."""

    NOWHERE = "Nowhere"
    """Not approved yet, or a newer release was promoted over it."""
    WANTED = "Wanted"
    UNDER_WAY = "UnderWay"
    """Its rollout runs, and it is not promoted."""
    SERVES = "Serves"
    LEAVING = "Leaving"
    """It serves or is under way, and it is decided that it goes back."""
    PARTED = "Parted"
    """It was taken back, consumed or rejected, and is not approved again."""


@dataclass(frozen=True, slots=True)
class Partner:
    """The other release of a pair, seen from one of the two."""

    pair: Pair
    name: ReleaseName
    standing: Standing
    reason: str = ""
    """Why it parted, or is leaving."""
    since: datetime | None = None
    """When it parted."""
    taken_at: datetime | None = None
    """When it was taken from its target, or its approval consumed; a rejection alone is not that:
    people may reject what a newer release has replaced long since."""
    halted: bool = False
    """Whether its target waits for a person."""
    busy: bool = False
    """Whether its target is held for another release."""
    approved_at: datetime | None = None
    """When the release from which it is seen was last seen to be approved."""
    approvals: int = 0
    """How often that one was approved."""
    asked: int = 0
    """How often it was approved itself."""
    estranged: bool = False
    """Whether the model moves with another config by now."""
    unreadable: str = ""
    """What is wrong with its record: then nobody knows whether the two still belong together."""

    @property
    def target(self) -> str:
        """Its target."""
        return self.pair.target_beside(self.pair.other(self.name))

    @property
    def is_model(self) -> bool:
        """Whether it is the model of the two, which goes first."""
        return self.name == self.pair.model

    @property
    def parted(self) -> bool:
        """Whether it parted after the approval of the other: that one was given to both."""
        return self._after_approval(self.since)

    def left(self, deployed: Deployed) -> bool:
        """Whether it was taken back since the other was deployed, and nobody stands by that one.

        Nothing is deployed beside a partner that has left, so its mark is younger. By the number of
        approvals, not by their times: an event may be an hour ahead.
        """
        if self.standing is not Standing.PARTED or self.taken_at is None:
            return False
        stood_by = self.approvals > deployed.approvals and not self._after_approval(self.taken_at)
        # A model that served before this try of its config was not moved by it.
        earlier = 0 < deployed.partner_approvals < self.asked
        return not stood_by and (self.is_model or not earlier)

    def _after_approval(self, moment: datetime | None) -> bool:
        if self.standing is not Standing.PARTED or moment is None:
            return False
        return self.approved_at is None or moment >= self.approved_at


@dataclass(frozen=True, slots=True)
class Wait:
    """The approval is kept, and nothing begins yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The approval is consumed: the two do not come together any more."""

    reason: str


def seen_from(
    own: Release,
    pair: Pair,
    *,
    other: Release | None,
    state: TargetState | None,
    unreadable: str = "",
) -> Partner:
    """The partner of `own`, by its release and its target's state."""
    name = pair.other(own.name)
    standing, reason, since = _standing(name, other, state)
    taken = _parted(name, state)
    model = own if own.name == pair.model else other
    held = state.rollout if state and state.holder else None
    return Partner(
        pair=pair,
        name=name,
        standing=standing,
        reason=reason,
        since=since,
        taken_at=taken.at if taken else None,
        halted=state is not None and state.phase is Phase.HALTED,
        busy=held is not None and held.release.release != name,
        approved_at=_approved_at(own),
        approvals=_approvals(own),
        asked=_approvals(other) if other else 0,
        estranged=pair.moves and model is not None and model.pair != pair,
        unreadable=unreadable,
    )


def may_begin(partner: Partner, *, now: datetime) -> Wait | Drop | None:
    """Whether the rollout of an approved release must wait for its partner; None: it begins."""
    if partner.unreadable:
        return Drop(record_objection(partner.unreadable))
    if partner.estranged:
        return Drop(f"{partner.pair.model} moves with another config by now")
    if partner.parted:
        return Drop(f"{partner.name}, which it moves with, is not there: {partner.reason}")
    reason = _model_waits(partner) if partner.is_model else _config_waits(partner)
    if not reason:
        return None
    if partner.approved_at and now >= partner.approved_at + PATIENCE:
        return Drop(f"it {reason}, for {PATIENCE.days} days in vain")
    return Wait(reason)


def beside(release: Deployed, partner: Partner | None) -> Deployed:
    """The release as it is deployed beside its partner: how often each was approved by then."""
    if partner is None:
        return release
    counts = {"approvals": partner.approvals, "partner_approvals": partner.asked}
    return release.model_copy(update=counts)


def goes_along(deployed: Deployed, partner: Partner | None) -> str:
    """Why what serves, or is under way, goes back with its partner; or nothing.

    A config leaves as soon as it is decided that its model does; a model when its config has left,
    unless the config only needed it.
    """
    if partner is None or not (partner.is_model or partner.pair.moves):
        return ""
    if partner.left(deployed):
        return f"{partner.name}, which it moves with, was taken back: {partner.reason}"
    if partner.is_model and partner.standing is Standing.LEAVING:
        return f"{partner.name}, which it moves with, goes back: {partner.reason}"
    return ""


def gives_way(partner: Partner | None, owed: Signal, *, now: datetime) -> str:
    """Why a model that is to go back lets its config go first, or nothing: no longer than needed.

    A config whose target is halted stays, and one that does not go in time is not waited for: what
    is wrong with the model hurts meanwhile.
    """
    if partner is None or partner.is_model or partner.halted or now >= owed.at + GIVES_WAY:
        return ""
    if partner.standing in {Standing.SERVES, Standing.UNDER_WAY, Standing.LEAVING}:
        return f"{owed.reason}; {partner.name} goes back first"
    return ""


def unfinished(partner: Partner | None) -> str:
    """Why a newer approval waits while what serves has a config on its way; or nothing."""
    if partner is None or partner.is_model or not partner.pair.moves:
        return ""
    if partner.standing in {Standing.WANTED, Standing.UNDER_WAY}:
        return f"waits for the rollout of {partner.name} on {partner.target} to end"
    return ""


def along(
    state: TargetState, partners: Mapping[ReleaseName, Partner], *, now: datetime
) -> Signal | None:
    """The rollback that is owed because the partner of what serves has left; None: none."""
    live = state.live
    reason = goes_along(live, partners.get(live.release)) if live else ""
    if live is None or not reason or state.phase is Phase.HALTED:
        return None
    return Signal(cause=Cause.PARTNER, release=live.release, reason=reason, at=now)


def tell(state: TargetState, partner: Partner | None, *, now: datetime) -> Change | None:
    """Signal the holder that its release goes back with its partner; None: nothing to say."""
    rollout = state.rollout
    if rollout is None or rollout.kind is Kind.SETTLE or rollout.taken_back:
        return None
    release, reason = rollout.release.release, goes_along(rollout.release, partner)
    if state.accusation or partner is None or not reason:
        return None
    if partner.pair.other(partner.name) != release:
        return None
    signal = Signal(cause=Cause.PARTNER, release=release, reason=reason, at=now)
    event = Event(now, "PartnerLeft", reason, release)
    return Change(state.model_copy(update={"signal": signal}), (event,))


def fit(
    state: TargetState, approved: Set[ReleaseName], partners: Mapping[ReleaseName, Partner]
) -> frozenset[ReleaseName]:
    """Those of the approved releases that a rollback may land on as far as partners go.

    None that its partner has left; and no config whose model nobody may approve any more.
    """
    found = ((one, partners.get(one.release)) for one in state.last_good)
    unfit = {
        one.release
        for one, partner in found
        if partner and (goes_along(one, partner) or (partner.is_model and partner.parted))
    }
    return frozenset(approved) - unfit


def _model_waits(partner: Partner) -> str:
    """What a config waits for, its partner being the model."""
    match partner.standing:
        case Standing.SERVES if partner.halted:
            return f"waits for {partner.target}, which is halted"
        case Standing.SERVES:
            return ""
        case Standing.WANTED | Standing.UNDER_WAY:
            return f"waits for {partner.name} to be promoted on {partner.target}"
        case Standing.LEAVING:
            return f"waits for {partner.name}, which goes back"
        case _:
            return f"waits for {partner.name} to be approved"


def _config_waits(partner: Partner) -> str:
    """What a model waits for, its partner being the config."""
    match partner.standing:
        case Standing.SERVES | Standing.UNDER_WAY:
            return ""
        case Standing.WANTED if not partner.busy:
            return ""
        case Standing.WANTED:
            return f"waits for the rollout that {partner.target} is in"
        case Standing.LEAVING:
            return f"waits for {partner.name}, which goes back"
        case _:
            return f"waits for {partner.name} to be approved"


def _standing(
    name: ReleaseName, release: Release | None, state: TargetState | None
) -> tuple[Standing, str, datetime | None]:
    there = _there(name, state) if state else None
    if there:
        return *there, None
    # What was found bad is Rejected by us later: the first of the two says why, the last when.
    marks = [mark for mark in (_parted(name, state), _rejected(release)) if mark]
    if not marks:
        return Standing.NOWHERE, "", None
    return Standing.PARTED, marks[0].reason, max(one.at for one in marks)


def _there(name: ReleaseName, state: TargetState) -> tuple[Standing, str] | None:
    """How it stands on its target, if it serves, is on its way or is wanted."""
    rollout, live, said, owed = state.rollout, state.live, state.accusation, state.rollback_owed
    if rollout and rollout.release.release == name and not rollout.taken_back:
        # What was promoted with nothing to go back to goes on serving, whatever is said of it.
        if said and said.release == name and (rollout.stable or not rollout.promoted):
            return Standing.LEAVING, said.reason
        serves = rollout.promoted or rollout.kind is Kind.SETTLE
        return Standing.SERVES if serves else Standing.UNDER_WAY, ""
    if live and live.release == name:
        if rollout and rollout.kind is Kind.ROLL_BACK:
            return Standing.LEAVING, rollout.reason
        leaves = owed is not None and owed.release == name and owed.agreed
        return (Standing.LEAVING, owed.reason) if owed and leaves else (Standing.SERVES, "")
    if state.wanted and state.wanted.release == name:
        return Standing.WANTED, ""
    return None


def _rejected(release: Release | None) -> Mark | None:
    if release is None or release.approval is not ApprovalStatus.REJECTED:
        return None
    seen = release.approvals[-1]
    return Mark(reason=f"rejected by {seen.actor}", at=seen.observed_at)


def _parted(name: ReleaseName, state: TargetState | None) -> Mark | None:
    return state.parted.get(str(name)) if state else None


def _approved_at(release: Release) -> datetime | None:
    """When it was last seen to be approved."""
    seen = (one for one in reversed(release.approvals) if one.status is ApprovalStatus.APPROVED)
    last = next(seen, None)
    return last.observed_at if last else None


def _approvals(release: Release) -> int:
    return sum(one.status is ApprovalStatus.APPROVED for one in release.approvals)
