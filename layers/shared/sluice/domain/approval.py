"""What an observed approval status means for the target that the release names.

SageMaker keeps no approval time and may tell of one change several times, or not at all. Only a
*transition* counts: a status other than the one the ledger holds, on a package modified later.
An approval may be taken back and given again before anybody looks; then the event that tells of
the first is all there is of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sluice.domain.gates import actor_of
from sluice.domain.release import UNKNOWN, ApprovalChange, ApprovalStatus, Release
from sluice.domain.superseding import superseding
from sluice.domain.target import Cause, Change, Event, Mark, Signal, TargetState, Wanted

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.gates import Gates

AGAINST = ", against the evaluation policy: "
"""Between who approved a release and what of the policy it misses."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """The release with the change recorded, and the target as it follows; nothing if not new."""

    release: Release
    change: Change
    refusal: str = ""


def observe(
    state: TargetState,
    release: Release,
    seen: ApprovalChange,
    *,
    told: ApprovalChange | None = None,
) -> Observation | None:
    """Record that `release` was seen with another approval status; None if that is no news.

    `told` is a rejection, or a setting to pending, that an event tells of, if any.
    """
    if told and _is_unseen(release, told, seen):
        return _approved_again(state, release, told, seen)
    return _observed(state, release, seen) if is_news(release, seen) else None


def _observed(state: TargetState, release: Release, seen: ApprovalChange) -> Observation:
    updated = release.seen(seen)
    match seen.status:
        case ApprovalStatus.APPROVED if state.owner not in {"", release.name.group}:
            reason = f"TARGET_NOT_OWNED: {state.target} belongs to group {state.owner}"
            return Observation(updated, Change(state), refusal=reason)
        case ApprovalStatus.APPROVED:
            still = _still_bad(state, updated, seen)
            change = still or _approved(state, updated, seen)
            return Observation(updated, change)
        case ApprovalStatus.REJECTED:
            confirmed = confirm(state, updated, seen)
            return Observation(updated, _rejected(confirmed, updated, seen))
        case ApprovalStatus.PENDING:
            return Observation(updated, Change(state))


def approved_by(release: Release, seen: ApprovalChange) -> str:
    """Who approved, and what the evaluation policy missed, if it was done all the same."""
    said = f"approved by {seen.actor}"
    if not release.missed:
        return said
    more = len(release.missed) - _MOST_NAMED
    named = "; ".join(release.missed[:_MOST_NAMED])
    return f"{said}{AGAINST}{named}{f'; and {more} more' if more > 0 else ''}"


def below_policy(
    release: Release, gates: Gates | None, *, created: datetime, at: datetime
) -> Release:
    """The registered release; if it misses a gate, Rejected since its package was created.

    Whatever a person then says of the package is later, and news.
    """
    if gates is None or not gates.missed:
        return release
    change = ApprovalChange(
        status=ApprovalStatus.REJECTED,
        last_modified=created,
        actor=actor_of(gates),
        observed_at=at,
    )
    return release.seen(change)


def is_news(release: Release, seen: ApprovalChange) -> bool:
    """Whether what was seen is a transition that the release does not record yet."""
    if seen.status is release.approval:
        return False
    return not release.approvals or seen.last_modified > release.approvals[-1].last_modified


def _is_unseen(release: Release, told: ApprovalChange, seen: ApprovalChange) -> bool:
    """Whether what is told of lies between the approval recorded and the one seen now."""
    approved = release.approval is seen.status is ApprovalStatus.APPROVED
    return approved and is_news(release, told) and told.last_modified <= seen.last_modified


def _approved_again(
    state: TargetState, release: Release, told: ApprovalChange, seen: ApprovalChange
) -> Observation:
    """One change after the other. What was only told of confirms no mark of a bad release."""
    rejected = told.status is ApprovalStatus.REJECTED
    before = _rejected(state, release, told) if rejected else Change(state)
    approved = _observed(before.state, release.seen(told), seen)
    events = (*before.events, *approved.change.events)
    return replace(approved, change=replace(approved.change, events=events))


def _approved(state: TargetState, release: Release, seen: ApprovalChange) -> Change:
    if _is_overtaken(state, release, seen):
        reason = f"approved by {seen.actor}, but a newer approval was taken up before"
        return Change(state, (Event(seen.observed_at, "Superseded", reason, release.name),))
    seq = state.approval_seq + 1
    wanted = Wanted(
        seq=seq,
        release=release.name,
        package_arn=release.package_arn,
        package_version=release.package_version,
        approved_at=seen.last_modified,
        pair=release.pair,
    )
    events = [Event(seen.observed_at, "Approved", approved_by(release, seen), release.name)]
    if state.wanted and not _is_under_way(state, state.wanted):
        reason = f"superseded by {release.name} before its rollout began"
        events.append(Event(seen.observed_at, "Superseded", reason, state.wanted.release))
    update = {
        "owner": release.name.group,
        "approval_seq": seq,
        "wanted": wanted,
        "approved": wanted,
        "bad": {name: mark for name, mark in state.bad.items() if name != str(release.name)},
        "parted": {name: mark for name, mark in state.parted.items() if name != str(release.name)},
        "rollback_owed": _still_owed(state, release),
    }
    approved = state.model_copy(update=update)
    signal = state.signal or superseding(approved, now=seen.observed_at)
    return Change(approved.model_copy(update={"signal": signal}), tuple(events))


def _is_under_way(state: TargetState, wanted: Wanted) -> bool:
    """Whether the rollout that runs is the one this approval asked for."""
    return state.rollout is not None and state.rollout.approval_seq == wanted.seq


def confirm(
    state: TargetState, release: Release, seen: ApprovalChange, *, by: str = ""
) -> TargetState:
    """The state in which a bad release's package was seen to be Rejected, if it is bad.

    `by` is our own role's ARN where it was us.
    """
    mark = state.bad.get(str(release.name))
    if mark is None:
        return state
    update = {"rejected_at": seen.last_modified, "rejected_by": by or mark.rejected_by}
    bad: dict[str, Mark] = {**state.bad, str(release.name): mark.model_copy(update=update)}
    return state.model_copy(update={"bad": bad})


def _still_bad(state: TargetState, release: Release, seen: ApprovalChange) -> Change | None:
    """Why an approval does not lift a mark, remembered; None where there is no mark, or it does.

    Only a person who knows of the rejection can take it back: it must have been seen, the approval
    must be later, and of somebody else. Until then the package's Approved is the one that was
    found bad.
    """
    mark = state.bad.get(str(release.name))
    if mark is None:
        return None
    if mark.rejected_at is None:
        why = "the package was not yet Rejected for it"
    elif seen.last_modified <= mark.rejected_at:
        why = "the approval is older than the rejection"
    elif seen.actor == mark.rejected_by and seen.actor not in {"", UNKNOWN}:
        why = "nobody but us approved it"
    else:
        return None
    reason = f"approved by {seen.actor}, but it is marked bad ({mark.reason}) and {why}"
    return Change(state, (Event(seen.observed_at, "StillBad", reason, release.name),))


def _is_overtaken(state: TargetState, release: Release, seen: ApprovalChange) -> bool:
    """Whether the approval, heard of late, is older than the one taken up last.

    SageMaker's `LastModifiedTime` moves with any edit, so it alone proves no order: a higher
    version found later still wins, as it does when both are found in one pass.
    """
    newest = state.approved
    return (
        newest is not None
        and seen.last_modified < newest.approved_at
        and release.package_version < newest.package_version
    )


def _still_owed(state: TargetState, release: Release) -> Signal | None:
    """The rollback owed, unless no alarm is behind it and a person wants the release after all."""
    owed = state.rollback_owed
    if owed and owed.cause is not Cause.ALARM and owed.release == release.name:
        return None
    return owed


def _rejected(state: TargetState, release: Release, seen: ApprovalChange) -> Change:
    reason = f"rejected by {seen.actor}"
    event = Event(seen.observed_at, "Rejected", reason, release.name)
    update: dict[str, object] = {}
    if state.wanted and state.wanted.release == release.name:
        update["wanted"] = None
    signal = Signal(cause=Cause.REJECTION, release=release.name, reason=reason, at=seen.observed_at)
    if state.rollout and state.rollout.release.release == release.name:
        known = state.accusation or state.rollout.taken_back
        update["signal"] = state.signal if known else signal
    elif state.live and state.live.release == release.name:
        owed = state.rollback_owed
        # An alarm's stays: no later approval settles that one.
        update["rollback_owed"] = owed if owed and owed.cause is Cause.ALARM else signal
    return Change(state.model_copy(update=update), (event,))


def new_target(target: str) -> TargetState:
    """A target nobody has approved for yet; the first approval, and no rejection, binds it."""
    return TargetState(target=target)
