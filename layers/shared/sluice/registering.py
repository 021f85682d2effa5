"""What becomes of an input, from the upload to its receipt.

Look, decide, act, record. Each object is noted in the ledger first and the folder's completeness
decided from a consistent read after that, so of two last objects at least one sees both. Whatever
is recorded is conditioned on the folder being as it was when it was decided; when it is not, all of
it is done again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.artifacts import ArtifactGoneError
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.capturing import CaptureRefusedError
from sluice.domain.inbox import Place, Upload, locate
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import (
    Ready,
    Waiting,
    judge_late,
    plan_registration,
    refused,
)
from sluice.domain.release import Capture, Release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.adapters.ledger.intake import Intake
    from sluice.adapters.ledger.releases import Releases
    from sluice.capturing import Capturing
    from sluice.domain.inbox import Noted
    from sluice.domain.manifest import Manifest
    from sluice.inspecting import Inspecting
    from sluice.telling import Telling

_ATTEMPTS = 10


class ContendedFolderError(Exception):
    """Others kept changing the folder while we tried; the message's next delivery goes on."""


@dataclass(frozen=True, slots=True)
class Registering:
    """The work of `register_package`."""

    inspecting: Inspecting
    capturing: Capturing
    releases: Releases
    intake: Intake
    telling: Telling

    def register(self, arrival: Upload | Receipt) -> Receipt:
        """Take up what arrived; what became of it."""
        if isinstance(arrival, Receipt):
            return self._once(arrival)
        for _ in range(_ATTEMPTS):
            with suppress(ConditionFailedError):
                return self._attempt(arrival)
        message = f"{arrival.key} is in a folder that kept changing"
        raise ContendedFolderError(message)

    def _attempt(self, upload: Upload) -> Receipt:
        before = self.intake.receipt(upload.identity)
        if before and before.terminal:
            return before.model_copy(update={"kind": Kind.DUPLICATE})
        place = locate(upload)
        if isinstance(place, Refusal):
            return self._refuse(upload, place)
        release = self.releases.get(place.release)
        if release:
            return self._late(upload, place, release)
        return self._take_up(upload, place)

    def _take_up(self, upload: Upload, place: Place) -> Receipt:
        """The folder is open: note the object, and claim the folder if that completes it."""
        try:
            noted = self.intake.note(self.inspecting.inspect(upload, place))
        except ArtifactGoneError as error:
            gone = Refusal(reason=Reason.ARTIFACT_GONE, detail=str(error))
            return self._refuse(upload, gone, place)
        if noted.upload.version_id != upload.version_id:
            detail = f"version {noted.upload.version_id} of the object came after it"
            return self._refuse(upload, Refusal(reason=Reason.SUPERSEDED, detail=detail), place)
        if noted.refusal:
            return self._refuse(upload, noted.refusal, place, unclaimed=True)
        return self._complete(upload, place, self.intake.folder(place.release))

    def _complete(self, upload: Upload, place: Place, folder: Sequence[Noted]) -> Receipt:
        match plan_registration(folder):
            case Waiting() as waiting:
                pending = _receipt(upload, Kind.PENDING, place, detail=waiting.detail)
                self.intake.end_unclaimed(pending, place.release)
                return pending
            case Ready(manifest):
                claimed = self.capturing.claim(manifest, based_on=folder, at=upload.at)
                return self._late(upload, place, claimed, claimed_as=manifest)

    def _late(
        self,
        upload: Upload,
        place: Place,
        release: Release,
        *,
        claimed_as: Manifest | None = None,
    ) -> Receipt:
        """The folder is claimed: finish its capture, then see what this object is to it."""
        try:
            manifest = self.capturing.finish(release, at=upload.at, claimed_as=claimed_as)
        except CaptureRefusedError as error:  # who pushed the folder has been told
            failed = refused(upload, error.refusal, release=place.release)
            self.intake.end(failed)
            return failed
        refusal = judge_late(upload, place, manifest)
        if refusal:
            return self._refuse(upload, refusal, place)
        if release.capture is Capture.CLAIMED:
            return _receipt(upload, Kind.REGISTERED, place)  # written with the registration
        again = _receipt(upload, Kind.DUPLICATE, place)
        self.intake.end(again)
        return again

    def _refuse(
        self,
        upload: Upload,
        refusal: Refusal,
        place: Place | None = None,
        *,
        unclaimed: bool = False,
    ) -> Receipt:
        """Tell whoever can change something, then record: told twice is better than never."""
        release = place.release if place else None
        receipt = refused(upload, refusal, release=release)
        if receipt.kind in {Kind.REJECTED, Kind.FAILED}:
            self.telling.upload_refused(upload, refusal)
        if unclaimed and release:
            self.intake.end_unclaimed(receipt, release)
        else:
            self.intake.end(receipt)
        return receipt

    def _once(self, receipt: Receipt) -> Receipt:
        before = self.intake.receipt(receipt.identity)
        if before:
            return before.model_copy(update={"kind": Kind.DUPLICATE})
        self.intake.end(receipt)
        return receipt


def _receipt(upload: Upload, kind: Kind, place: Place, *, detail: str = "") -> Receipt:
    return Receipt(
        identity=upload.identity, kind=kind, detail=detail, release=place.release, at=upload.at
    )
