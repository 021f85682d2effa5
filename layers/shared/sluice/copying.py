"""Copy pinned versions into the vault, in as many turns as it takes.

A copy is always a multipart one, whatever its size: in a bucket whose policy enforces conditional
writes, CopyObject fails with the condition (501) and without it (403), while completing a multipart
upload takes `If-None-Match: *`. It also has no 5 GB limit, and one full-object checksum.

What fits into one part is copied at once. A larger copy has its multipart upload recorded in the
ledger first; when the invocation is about to end it stops with CopyUnfinishedError, and the next
turn copies only the parts that S3 does not have yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sluice.adapters.artifacts import ArtifactGoneError
from sluice.adapters.multipart import (
    MultipartUpload,
    PartsChangedError,
    UploadEndedError,
    at_once,
)
from sluice.adapters.vault import NotComparedError, VaultConflictError
from sluice.domain.copying import Copy, progress, progress_of
from sluice.domain.manifest import loaded_prefix, vault_key
from sluice.domain.parts import cut
from sluice.domain.vault import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sluice.adapters.ledger.copies import Copies
    from sluice.adapters.multipart import Multipart
    from sluice.adapters.vault import Vault
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import CapturedObject
    from sluice.domain.vault import VaultCopy

RESERVE_MILLISECONDS = 120_000
"""What is left of an invocation when no further part is begun: to end those under way, to complete
the copy and to register the version."""
_ATTEMPTS = 5


class CopyUnfinishedError(Exception):
    """The copy goes on in another turn; `ours` tells whether it is ours to carry it on."""

    def __init__(self, detail: str, *, ours: bool) -> None:
        super().__init__(detail)
        self.ours = ours


class ContendedCopyError(Exception):
    """Others kept copying the same parts, or aborting our uploads."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One invocation's share of the work."""

    by: str
    """The input it works for; empty takes over what another one began."""
    remaining: Callable[[], int]
    """Milliseconds until Lambda ends the invocation."""
    at: datetime
    of: str = ""
    """The input it is part of, whether or not it carries the copies."""

    @property
    def ending(self) -> bool:
        """Whether nothing long may be begun any more."""
        return self.remaining() < RESERVE_MILLISECONDS


@dataclass(frozen=True, slots=True)
class Copying:
    """Copies into the vault."""

    vault: Vault
    multipart: Multipart
    copies: Copies

    def keep_all(
        self, manifest: AnyManifest, digest: str, *, turn: Turn, fresh: bool = False
    ) -> list[VaultCopy]:
        """Copies of all that the manifest names, in its order; those of a model's files at once.

        Files of one part go several at a time, larger ones one after another, each of them several
        parts at a time: never more calls at once than for one file. Raises what `keep` does.
        """
        keys = {one.name: vault_key(manifest.release, digest, one.name) for one in manifest.objects}
        prefix = loaded_prefix(manifest, digest)
        files = [one for one in manifest.objects if prefix and keys[one.name].startswith(prefix)]
        kept = self._keep_files(
            manifest.bucket, files, keys=keys, prefix=prefix, turn=turn, fresh=fresh
        )
        for one in manifest.objects:
            if one.name not in kept:
                key = keys[one.name]
                kept[one.name] = self.keep(manifest.bucket, one, key=key, turn=turn, fresh=fresh)
        return [kept[one.name] for one in manifest.objects]

    def keep(
        self, bucket: str, source: CapturedObject, *, key: str, turn: Turn, fresh: bool = False
    ) -> VaultCopy:
        """Copy the pinned version to `key`, unless it stands there; either way compare the two.

        `fresh` expects nothing there, and saves the look. Raises CopyUnfinishedError,
        ArtifactGoneError when the source is deleted, VaultConflictError when `key` holds anything
        else.
        """
        standing = None if fresh else self.vault.kept(bucket, source, key=key)
        if standing is None:
            self._copy(bucket, source, key, turn)
            standing = self.vault.kept(bucket, source, key=key)
        if standing is None:
            raise VaultConflictError(f"{key} was deleted from the vault while it was written")
        return standing

    def _keep_files(
        self,
        bucket: str,
        files: Sequence[CapturedObject],
        *,
        keys: Mapping[str, str],
        prefix: str,
        turn: Turn,
        fresh: bool,
    ) -> dict[str, VaultCopy]:
        """The copies of a model's files. Raises CopyUnfinishedError with how far all of it is."""
        sizes = {one.name: one.size for one in files}
        kept: dict[str, VaultCopy] = {}
        known = self.copies.compared(prefix) if files and not fresh else {}

        def keep(one: CapturedObject) -> None:
            key, before = keys[one.name], known.get(one.name)
            standing = None if fresh else self._standing(bucket, one, key, before, turn)
            if standing is None and turn.ending:
                raise CopyUnfinishedError("", ours=True)
            copy = standing or self.keep(bucket, one, key=key, turn=turn, fresh=True)
            if copy.compared is Comparison.STREAM and copy != before:
                # Read whole, and so not to be read by every turn to come.
                self.copies.note_compared(prefix, copy, at=turn.at)
            kept[one.name] = copy

        try:
            at_once([partial(keep, one) for one in files if len(cut(one.size)) == 1])
            for one in files:
                if one.name not in kept:
                    self.copies.tell(prefix, progress_of(sizes, kept), at=turn.at)
                    keep(one)
        except CopyUnfinishedError as error:
            said = "; ".join(filter(None, (progress_of(sizes, kept), str(error))))
            self.copies.tell(prefix, said, at=turn.at)
            raise CopyUnfinishedError(said, ours=error.ours) from error
        return kept

    def _standing(
        self, bucket: str, source: CapturedObject, key: str, known: VaultCopy | None, turn: Turn
    ) -> VaultCopy | None:
        """The copy that stands, compared; a turn that ends compares nothing that must be read."""
        try:
            return self.vault.kept(bucket, source, key=key, known=known, until=lambda: turn.ending)
        except NotComparedError as error:
            raise CopyUnfinishedError("", ours=True) from error

    def _copy(self, bucket: str, source: CapturedObject, key: str, turn: Turn) -> None:
        if source.size == 0:
            # A multipart upload has at least one part, and no part can be copied from nothing.
            self.vault.write_once(bucket, key, b"")
        elif len(cut(source.size)) == 1:
            self._at_once(bucket, source, key)
        else:
            self._in_turns(bucket, source, key, turn)

    def _at_once(self, bucket: str, source: CapturedObject, key: str) -> None:
        upload = self.multipart.begin(bucket, key)
        try:
            parts = self.multipart.copy(upload, source, cut(source.size), until=lambda: False)
            self.multipart.complete(upload, parts)
        except Exception as error:
            self.multipart.abandon(upload)
            if not isinstance(error, UploadEndedError) or not self.vault.stands(bucket, key):
                raise

    def _in_turns(self, bucket: str, source: CapturedObject, key: str, turn: Turn) -> None:
        known = self.copies.find(key)
        if known and turn.by not in {"", known.by}:
            raise CopyUnfinishedError(progress(source.name, known), ours=False)
        for _ in range(_ATTEMPTS):
            copy = known or self._begin(bucket, source, key, turn, instead_of=None)
            try:
                self._carry_on(MultipartUpload(bucket, key, copy.upload_id), source, copy, turn)
            except PartsChangedError:
                known = copy
            except UploadEndedError:
                if self.vault.stands(bucket, key):
                    return
                known = self._begin(bucket, source, key, turn, instead_of=copy)
            else:
                return
        raise ContendedCopyError(key)

    def _begin(
        self,
        bucket: str,
        source: CapturedObject,
        key: str,
        turn: Turn,
        *,
        instead_of: Copy | None,
    ) -> Copy:
        upload = self.multipart.begin(bucket, key)
        parts = len(cut(source.size))
        ours = Copy(upload_id=upload.upload_id, by=turn.by, parts=parts, at=turn.at)
        copy = self.copies.begin(key, ours, instead_of=instead_of)
        if copy.upload_id != ours.upload_id:
            self.multipart.abandon(upload)
        return copy

    def _carry_on(
        self, upload: MultipartUpload, source: CapturedObject, copy: Copy, turn: Turn
    ) -> None:
        """Copy what S3 does not have yet, and complete the upload if that is all."""
        finished = self.multipart.finished(upload)
        missing = [part for part in cut(source.size) if part.number not in finished]
        try:
            finished |= self.multipart.copy(upload, source, missing, until=lambda: turn.ending)
        except ArtifactGoneError:
            self.multipart.abandon(upload)
            raise
        if len(finished) < copy.parts:
            so_far = copy.model_copy(update={"finished": len(finished)})
            self.copies.progressed(upload.key, so_far)
            raise CopyUnfinishedError(progress(source.name, so_far), ours=True)
        self.multipart.complete(upload, finished)
