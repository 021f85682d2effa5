"""What machines and people are told about registrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.vault import Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.adapters.announcements import Announcements
    from sluice.domain.gates import Gates
    from sluice.domain.inbox import Upload
    from sluice.domain.model_files import Misfit
    from sluice.domain.refusal import Refusal
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.vault import VaultCopy

_MOST_TOLD = 10
"""Misfits of one folder that a mail names."""


@dataclass(frozen=True, slots=True)
class Telling:
    """`ReleaseRegistered`, `ReleaseBelowPolicy`, `ReleaseRefused`, each with a plain message."""

    announcements: Announcements

    def registered(
        self,
        release: Release,
        copies: Sequence[VaultCopy],
        *,
        caveats: Sequence[str] = (),
        gates: Gates | None = None,
    ) -> None:
        """The release waits for somebody's approval, or is below the evaluation policy.

        How far its copies are proven is said too.
        """
        unread = ", ".join(one.name for one in copies if one.compared is Comparison.PARTS)
        proof = f"Source and copy of {unread} were compared by S3's part checks alone."
        uncompared = tuple(one.detail for one in gates.not_applicable) if gates else ()
        said = (*caveats, *uncompared, *_of_pair(release), *([proof] if unread else []))
        known = "".join(f"\n{one}" for one in said)
        if gates and gates.missed:
            self._below(release, gates, known)
            return
        self.announcements.announce(
            "ReleaseRegistered",
            release.model_dump(mode="json", exclude_none=True),
            message=(
                f"{release.name} is registered as version {release.package_version} of model "
                f"package group {release.name.group} and waits for approval.\n"
                f"{release.package_arn}{known}"
            ),
        )

    def _below(self, release: Release, gates: Gates, known: str) -> None:
        """It is registered whole, and Rejected: each number that the policy misses is named."""
        missed = "".join(f"\n- {one.detail}" for one in gates.missed)
        detail = {
            **release.model_dump(mode="json", exclude_none=True),
            "gates": gates.model_dump(mode="json", exclude_none=True),
        }
        self.announcements.announce(
            "ReleaseBelowPolicy",
            detail,
            message=(
                f"{release.name} is registered as version {release.package_version} of model "
                f"package group {release.name.group}, and Rejected: its evaluation is below the "
                f"policy (section {gates.section}).{missed}\n"
                "Push a better version; or approve it in the registry all the same: it is rolled "
                "out then, and the history says against which gates.\n"
                f"{release.package_arn}{known}"
            ),
        )

    def upload_refused(self, upload: Upload, refusal: Refusal) -> None:
        """An object was not taken up, and what its pusher can change."""
        self._refused(upload.key, refusal, version_id=upload.version_id)

    def misfit_refused(
        self, misfit: Misfit, folder: str, *, beside: Sequence[Misfit] | None
    ) -> None:
        """The same of what contradicts others of its folder, with what stands `beside` it.

        None: people have been told of this one, or that there may be more of them.
        """
        upload, refusal = misfit.upload, misfit.refusal
        if beside is None:
            self._refused(upload.key, refusal, quiet=True, version_id=upload.version_id)
            return
        others = "".join(f"\n- {one.refusal.detail}" for one in beside[:_MOST_TOLD])
        more = f"\n- and {len(beside) - _MOST_TOLD} more" if len(beside) > _MOST_TOLD else ""
        alike = f"Refused with it:{others}{more}\n" if beside else ""
        further = (
            f"{alike}What else comes of this folder in the next hour and is refused for the same "
            f"reason, no mail tells: `sluice wait {folder}` names it."
        )
        self._refused(upload.key, refusal, further=further, version_id=upload.version_id)

    def capture_refused(self, release: ReleaseName, refusal: Refusal) -> None:
        """A complete folder could not be captured, and what to do about it."""
        self._refused(str(release), refusal)

    def _refused(
        self, subject: str, refusal: Refusal, *, quiet: bool = False, further: str = "", **more: str
    ) -> None:
        detail = {
            "subject": subject,
            "reason": refusal.reason.value,
            "detail": refusal.detail,
            "advice": refusal.advice,
            **more,
        }
        said = (f"{subject} is refused: {refusal.detail}.", refusal.advice, further)
        message = "" if quiet else "\n".join(filter(None, said))
        self.announcements.announce("ReleaseRefused", detail, message=message)


def _of_pair(release: Release) -> tuple[str, ...]:
    pair = release.pair
    if pair is None:
        return ()
    if not pair.moves:
        return (f"It needs {pair.model}, which serves {pair.model_target} already.",)
    promise = "neither is rolled out before both are Approved, and both go back together."
    return (f"It moves with {pair.model}: {promise}",)
