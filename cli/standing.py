"""How far a release has come, for a pipeline that waits for it: pure decisions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.receipt import Kind
from sluice.domain.refusal import ADVICE, Reason
from sluice.domain.registration import Waiting, plan_registration
from sluice.domain.release import ApprovalStatus, Capture, Release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sluice.domain.history import Entry
    from sluice.domain.noted import Noted
    from sluice.domain.receipt import Receipt
    from sluice.domain.refusal import Refusal
    from sluice.domain.target import TargetState


class Goal(StrEnum):
    """What can be waited for; each stands for those before it as well."""

    REGISTERED = "registered"
    APPROVED = "approved"
    PROMOTED = "promoted"


class State(StrEnum):
    """Where the wait stands."""

    REACHED = "reached"
    ENDED = "ended"
    """It will not come to be so: refused, rejected, aborted, rolled back, superseded."""
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found at one look."""

    state: State
    said: str
    release: Release | None = None


def of_push(
    receipts: Mapping[str, Receipt | None],
    release: Release | None,
    *,
    pushed: Mapping[str, str],
    captured: Mapping[str, str],
    copied: str = "",
) -> Standing:
    """What became of the files `pushed`, each with its version id; `receipts` are theirs.

    `captured` are the files of the release that the folder was claimed as, `copied` says how far
    the copies of many are. A release of other
    versions of them is no success of this push, whatever it registered.
    """
    found = {name: receipt for name, receipt in receipts.items() if receipt}
    ended = [_received(name, one) for name, one in found.items() if one.kind in _ENDED]
    if ended:
        return Standing(State.ENDED, "\n".join(ended), release)
    others = [name for name, version in pushed.items() if captured.get(name) != version]
    if release and others:
        said = f"{release.name} is captured with another version of {', '.join(others)}"
        advice = ADVICE[Reason.ALREADY_REGISTERED]
        return Standing(State.ENDED, f"{Reason.ALREADY_REGISTERED}: {said}. {advice}", release)
    if release and release.capture is Capture.REGISTERED:
        return Standing(State.REACHED, _registered(release), release)
    if release and copied:
        return Standing(State.PENDING, f"being captured: {copied}", release)
    details = [one.detail for one in found.values() if one.kind is Kind.PENDING and one.detail]
    return Standing(State.PENDING, details[-1] if details else "not registered yet", release)


_ENDED = frozenset({Kind.REJECTED, Kind.FAILED, Kind.IGNORED})


def _received(name: str, receipt: Receipt) -> str:
    said = f"{name}: {receipt.kind}, {receipt.reason}: {receipt.detail}"
    return f"{said}. {ADVICE[receipt.reason]}" if receipt.reason else said


def of_folder(noted: Sequence[Noted]) -> Standing:
    """Where a version folder stands that nobody claimed yet, by what was noted of it."""
    planned = plan_registration(noted) if noted else None
    waiting = planned if isinstance(planned, Waiting) else None
    refused = [(one.place.name, one.refusal) for one in noted if one.refusal]
    refused += [(one.name, one.refusal) for one in waiting.misfits] if waiting else []
    if refused:
        return Standing(State.ENDED, "\n".join(_refused(name, why) for name, why in refused))
    if waiting:
        return Standing(State.PENDING, waiting.detail)
    said = "complete, and not taken up yet" if noted else "nothing of it is there"
    return Standing(State.PENDING, said)


def _refused(name: str, refusal: Refusal) -> str:
    return f"{name}: Rejected, {refusal.reason}: {refusal.detail}. {refusal.advice}"


def of_release(
    release: Release,
    goal: Goal,
    history: Iterable[Entry],
    *,
    target: TargetState | None,
    copied: str = "",
) -> Standing:
    """How far a claimed release has come; `history` is its target's, the newest entry first.

    `copied` says how far the copies of its files are, where there are many.
    """
    if release.capture is not Capture.REGISTERED:
        said = f"being captured: {copied}" if copied else "being captured"
        return Standing(State.PENDING, said, release)
    if goal is Goal.REGISTERED:
        return Standing(State.REACHED, _registered(release), release)
    if goal is Goal.APPROVED:
        return _approval(release)
    return _promotion(release, history, target)


def _registered(release: Release) -> str:
    return f"registered as {release.package_arn}{_missed(release)}"


def _missed(release: Release) -> str:
    return f", below the evaluation policy: {'; '.join(release.missed)}" if release.missed else ""


def _approval(release: Release) -> Standing:
    last = release.approvals[-1] if release.approvals else None
    by = f" by {last.actor} at {last.last_modified:%Y-%m-%d %H:%M} UTC" if last else ""
    match release.approval:
        case ApprovalStatus.APPROVED:
            return Standing(State.REACHED, f"approved{by}", release)
        case ApprovalStatus.REJECTED:
            # Rejected again by a person, it is that person's word.
            ours = _missed(release) if len(release.approvals) == 1 else ""
            return Standing(State.ENDED, f"rejected{by}{ours}", release)
        case ApprovalStatus.PENDING:
            return Standing(State.PENDING, f"waits for approval: {release.package_arn}", release)


def _promotion(release: Release, history: Iterable[Entry], target: TargetState | None) -> Standing:
    """By the newest entry about the release that says where it stands; else by its approval.

    One that is marked bad has gone back, or is about to: the entry of a rollback that began after
    its rollout had settled is about the release that took over.
    """
    mark = target.bad.get(str(release.name)) if target else None
    if mark:
        return Standing(State.ENDED, f"marked bad: {mark.reason}", release)
    for entry in history:
        if entry.release == release.name and (state := _state_after(entry)):
            return Standing(state, f"{entry.event}: {entry.reason}", release)
    approval = _approval(release)
    if approval.state is not State.REACHED:
        return approval
    if target and target.owner not in {"", release.name.group}:
        said = f"TARGET_NOT_OWNED: {release.target} belongs to group {target.owner}"
        return Standing(State.ENDED, said, release)
    return Standing(State.PENDING, f"{approval.said}; its rollout has not begun", release)


def _state_after(entry: Entry) -> State | None:
    """What an entry about a release says of it; None for what says nothing of where it stands."""
    match entry.event:
        case "Promoted" | "ApprovalConsumed":  # it was live already when it was approved
            return State.REACHED
        case "RolledBack":  # it was taken back, or it took over
            serves = entry.live is not None and entry.live.release == entry.release
            return State.REACHED if serves else State.ENDED
        case "Aborted" | "Halted" | "Superseded" | "Failed" | "Rejected" | "PackageGone":
            return State.ENDED
        case "Approved" | "Waits" | "RolloutStarted" | "Held" | "Deferred" | "StillBad":
            return State.PENDING
        case _:
            return None
