"""Whether a target could go back: for each release that it could land on, what that takes.

Decided on checks, as verification is: what could not be read is a finding of its own, and nothing
further is said of what is gone. A release is *restorable* when nothing is amiss with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sluice.domain.pinning import ACTIVE
from sluice.domain.release import ReleaseName
from sluice.domain.returning import candidates
from sluice.domain.values import Value
from sluice.domain.verifying import Check, Finding, Severity, Unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from sluice.domain.pinning import FoundationModel
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.vetting import Probed

LEGACY = "LEGACY"
_USABLE, _ANSWER = "usable", "an answer"


class Readiness(Value):
    """What stands in the way of going back to a release; nothing, if it is restorable."""

    release: ReleaseName
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = Field(default=(), exclude=True, repr=False)
    """Everything that was looked at."""

    @property
    def restorable(self) -> bool:
        """Whether everything that a rollback needs was found."""
        return not self.findings

    @property
    def lacking(self) -> tuple[Finding, ...]:
        """What is known to be missing or changed: what could not be read is not."""
        return tuple(one for one in self.findings if one.severity is not Severity.UNREADABLE)


def landings(state: TargetState, approved: Set[ReleaseName]) -> tuple[Deployed, ...]:
    """Where the target may have to go back to, best first; each is approved and not marked bad.

    Stable of a rollout in flight; what is live, which is the next canary's stable; then the last
    good releases in the order that a rollback tries them.
    """
    home = state.rollout.home if state.rollout else None
    beside = tuple(one for one in (home, state.live) if one and one.release in approved)
    sound = (one for one in beside if not _marked(state, one))
    known: dict[ReleaseName, Deployed] = {}
    for one in (*sound, *candidates(state, approved)):
        known.setdefault(one.release, one)
    return tuple(known.values())


def is_new(state: TargetState) -> bool:
    """Whether no release has served the target yet: there never was one to go back to."""
    home = state.rollout.home if state.rollout else None
    return not (home or state.live or state.last_good)


def key_check(release: ReleaseName, complaint: str | Unread) -> Check:
    """The key under which the release's bytes lie; `complaint` is what S3 said to a read of one."""
    found = complaint if isinstance(complaint, Unread) else complaint or _USABLE
    return Check(f"encryption key of {release} in the vault", _USABLE, found, opens=True)


def role_checks(
    release: ReleaseName, role: str, *, listed: Set[str] | None, exists: bool | Unread
) -> Iterator[Check]:
    """What the model would run as: on the operator's list, where that is known, and there."""
    what = f"role of {release}"
    if listed is not None and role not in listed:
        yield Check(what, role, f"not in {', '.join(sorted(listed))}")
        return
    found = exists if isinstance(exists, Unread) else role if exists else None
    yield Check(what, role, found)


def status_check(release: ReleaseName, model: FoundationModel) -> Check:
    """The model's status in the catalogue: a LEGACY one answers until its end of life."""
    usable = model.status in {ACTIVE, LEGACY}
    return Check(
        f"status of model {model.id} of {release}", ACTIVE, ACTIVE if usable else model.status
    )


def probe_check(release: ReleaseName, model_id: str, probed: Probed) -> Check:
    """What Bedrock said to a probe; one that is busy says nothing of the release."""
    unanswered = Unread(probed.unanswered) if probed.unanswered else None
    return Check(
        f"answer of {model_id} to {release}", _ANSWER, unanswered or probed.refused or _ANSWER
    )


def _marked(state: TargetState, deployed: Deployed) -> bool:
    name = str(deployed.release)
    return name in state.bad or name in state.suspect
