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
from sluice.adapters.ledger.releases import GroupTakenError
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.adapters.own_stack import TemplateUnreadableError
from sluice.capturing import CaptureRefusedError
from sluice.copying import CopyUnfinishedError, Turn
from sluice.domain.inbox import Place, Upload, locate
from sluice.domain.model_files import ONE_PUSH, told_once
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import (
    Ready,
    Waiting,
    group_taken,
    judge_late,
    plan_registration,
    refused,
)
from sluice.domain.release import Capture
from sluice.events.uploads import offer_of
from sluice.partnering import PartnerRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.intake import Intake, Seen
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.queue import Queue
    from sluice.capturing import Capturing, Claimed
    from sluice.domain.model_files import Misfit
    from sluice.domain.release import ReleaseName
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
    queue: Queue

    def register(self, upload: Upload, *, remaining: Callable[[], int]) -> Receipt:
        """Take up what arrived; what became of it.

        `remaining` tells the milliseconds until Lambda ends the invocation. What it does not
        suffice for goes on with the next message to the same queue: nothing waits for a redelivery,
        and no redelivery is counted against an upload that others kept waiting.
        """
        turn = Turn(
            by="" if upload.offered else upload.identity,
            remaining=remaining,
            at=upload.at,
            of=upload.identity,
        )
        if turn.ending:
            self.queue.send([offer_of(upload)])
            detail = "put back: the invocation is about to end"
            return Receipt(identity=upload.identity, kind=Kind.PENDING, detail=detail, at=upload.at)
        for _ in range(_ATTEMPTS):
            with suppress(ConditionFailedError):
                return self._attempt(upload, turn)
        message = f"{upload.key} is in a folder that kept changing"
        raise ContendedFolderError(message)

    def record(self, receipt: Receipt) -> Receipt:
        """Record what became of a message that tells of nothing of ours; once."""
        before = self.intake.receipt(receipt.identity)
        if before:
            return before.model_copy(update={"kind": Kind.DUPLICATE})
        self.intake.end(receipt)
        return receipt

    def _attempt(self, upload: Upload, turn: Turn) -> Receipt:
        before = self.intake.receipt(upload.identity)
        if before and before.terminal:
            return before.model_copy(update={"kind": Kind.DUPLICATE})
        place = locate(upload)
        if isinstance(place, Refusal):
            return self._refuse(upload, place)
        release = self.releases.of_folder(place)
        if release and release.system is not place.system:
            return self._refuse(upload, group_taken(place, release.system), place)
        if release:
            return self._late(upload, place, self.capturing.claimed_as(release), turn)
        return self._take_up(upload, place, turn)

    def _take_up(self, upload: Upload, place: Place, turn: Turn) -> Receipt:
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
        return self._complete(upload, place, self.intake.seen(place.folder), turn)

    def _complete(self, upload: Upload, place: Place, seen: Seen, turn: Turn) -> Receipt:
        match plan_registration(seen.noted):
            case Waiting() as waiting:
                return self._stay_open(upload, place, waiting)
            case Ready(manifest):
                try:
                    claimed = self.capturing.claim(manifest, based_on=seen, at=upload.at)
                except GroupTakenError as error:
                    return self._refuse(upload, group_taken(place, error.standing), place)
                except PartnerRefusedError as error:
                    return self._refuse(upload, error.refusal, place)
                except TemplateUnreadableError as error:
                    return self._wait(upload, place, error)
                return self._late(upload, place, claimed, turn)

    def _wait(self, upload: Upload, place: Place, error: TemplateUnreadableError) -> Receipt:
        """The folder is complete and cannot be claimed before an operator has changed something.

        Its input stays open: the schedule offers it again, and then says no word to people.
        """
        refusal = Refusal(reason=Reason.INFRASTRUCTURE_UNREADABLE, detail=str(error))
        if not upload.offered:
            self.telling.upload_refused(upload, refusal)
        waits = _receipt(upload, Kind.PENDING, place.release, detail=refusal.detail)
        waits = waits.model_copy(update={"reason": refusal.reason})
        self.intake.end_unclaimed(waits, place)
        return waits

    def _stay_open(self, upload: Upload, place: Place, waiting: Waiting) -> Receipt:
        """The folder stays open; what contradicts its config is refused, whichever came first.

        People are told once of all that is refused for one reason: before the first receipt of it,
        so that whoever finds that one needs not tell again. Ours ends last, and the work with it.
        """
        receipt = _receipt(upload, Kind.PENDING, place.release, detail=waiting.detail)
        for one, beside in told_once(*self._refusable(upload, waiting)):
            self.telling.misfit_refused(one, place.folder, beside=beside)
            ended = refused(one.upload, one.refusal, release=place.release)
            if one.upload.identity == upload.identity:
                receipt = ended
            else:
                self.intake.end_unclaimed(ended, place)
        self.intake.end_unclaimed(receipt, place)
        return receipt

    def _refusable(
        self, upload: Upload, waiting: Waiting
    ) -> tuple[list[Misfit], frozenset[Reason]]:
        """The misfits that have not ended, ours last, and why others ended a short while ago."""
        receipts = [(one, self.intake.receipt(one.upload.identity)) for one in waiting.misfits]
        ended = [found for _, found in receipts if found and found.terminal]
        fresh = [one for one, found in receipts if found is None or not found.terminal]
        fresh.sort(key=lambda one: one.upload.identity == upload.identity)
        lately = (one.reason for one in ended if abs(upload.at - one.at) < ONE_PUSH)
        return fresh, frozenset(filter(None, lately))

    def _late(self, upload: Upload, place: Place, claimed: Claimed, turn: Turn) -> Receipt:
        """The folder is claimed: finish its capture, then see what this object is to it."""
        try:
            self.capturing.finish(claimed, turn=turn)
        except CaptureRefusedError as error:  # who pushed the folder has been told
            failed = refused(upload, error.refusal, release=claimed.release.name)
            self.intake.end(failed)
            return failed
        except CopyUnfinishedError as error:
            return self._unfinished(upload, place, claimed, error)
        return self._judge(upload, place, claimed)

    def _unfinished(
        self, upload: Upload, place: Place, claimed: Claimed, error: CopyUnfinishedError
    ) -> Receipt:
        """The copy takes another turn, which a message to the same queue begins."""
        refusal = judge_late(upload, place, claimed.manifest)
        if error.ours:
            self.queue.send([offer_of(upload)])
        if refusal and not error.ours:
            return self._refuse(upload, refusal, place)
        pending = _receipt(upload, Kind.PENDING, claimed.release.name, detail=str(error))
        self.intake.end(pending)
        return pending

    def _judge(self, upload: Upload, place: Place, claimed: Claimed) -> Receipt:
        refusal = judge_late(upload, place, claimed.manifest)
        if refusal:
            return self._refuse(upload, refusal, place)
        name = claimed.release.name
        if claimed.release.capture is Capture.CLAIMED:
            return _receipt(upload, Kind.REGISTERED, name)  # written with the registration
        again = _receipt(upload, Kind.DUPLICATE, name)
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
        if unclaimed and place:
            self.intake.end_unclaimed(receipt, place)
        else:
            self.intake.end(receipt)
        return receipt


def _receipt(
    upload: Upload, kind: Kind, release: ReleaseName | None, *, detail: str = ""
) -> Receipt:
    return Receipt(
        identity=upload.identity, kind=kind, detail=detail, release=release, at=upload.at
    )
