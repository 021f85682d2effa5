"""Who pushed and who approved a release, and how that is known: by CloudTrail, or by whose word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.trails import Trails
from sluice.domain.manifest import CapturedObject
from sluice.domain.trail import approver
from sluice.domain.values import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import ApprovalChange, Release
    from sluice.domain.trail import Trail

CLOUDTRAIL = "CloudTrail"
_LAST_MODIFIER = "said by SageMaker's last modifier"
_NOT_RECORDED = "unknown: CloudTrail does not record it"
_UNKNOWN = "unknown"


class People:
    """What the ledger knows of people."""

    def __init__(self, table: Table) -> None:
        self._trails = Trails(table)

    def pushed(self, manifest: dict[str, Any]) -> list[dict[str, Any]]:
        """Who pushed each object of a release, given as its manifest's JSON."""
        objects = [CapturedObject.model_validate(one) for one in manifest.get("objects") or ()]
        folders = {"/".join(one.source_key.split("/")[:2]) for one in objects}
        trails = [trail for folder in sorted(folders) for trail in self._trails.of_folder(folder)]
        return [{"object": one.name, **_by(_writer(trails, one))} for one in objects]

    def approved(self, release: Release, seen: ApprovalChange) -> dict[str, Any]:
        """Who approved a release, given the approval that was seen."""
        trail = approver(self._trails.of_package(release.package_arn), seen)
        if trail is None and seen.actor not in {"", _UNKNOWN}:
            return {"by": seen.actor, "source": _LAST_MODIFIER}
        return _by(trail)


def told_of_pushes(pushed: list[dict[str, Any]]) -> str:
    """One line: who pushed, of each object where they were several."""
    by_whom: dict[str, list[str]] = {}
    for one in pushed:
        by_whom.setdefault(told_of(one), []).append(one["object"])
    if len(by_whom) == 1:
        return f"pushed by {next(iter(by_whom))}"
    return "pushed: " + "; ".join(f"{', '.join(names)} by {who}" for who, names in by_whom.items())


def told_of(who: dict[str, Any]) -> str:
    """`arn:… for mia@example.com (CloudTrail)`."""
    if who["by"] is None:
        return f"somebody {who['source']}"
    for_whom = f" for {who['source_identity']}" if who.get("source_identity") else ""
    return f"{who['by']}{for_whom} ({who['source']})"


def approval_of(release: Release) -> ApprovalChange | None:
    """The approval that the release stands by, if it is approved."""
    newest = release.approvals[-1:]
    return newest[0] if newest and newest[0].status.value == "Approved" else None


def _writer(trails: list[Trail], one: CapturedObject) -> Trail | None:
    return next((trail for trail in trails if trail.wrote(one)), None)


def _by(trail: Trail | None) -> dict[str, Any]:
    if trail is None:
        return {"by": None, "source": _NOT_RECORDED}
    return dict(_said(trail))


def _said(trail: Trail) -> Iterator[tuple[str, Any]]:
    yield from (("by", trail.actor.name), ("source", CLOUDTRAIL))
    more = {"role": trail.actor.role, "source_identity": trail.actor.source_identity}
    yield from ((name, value) for name, value in more.items() if value)
    yield from (("at", iso(trail.at)), ("call", trail.call), ("event_id", trail.event_id))
