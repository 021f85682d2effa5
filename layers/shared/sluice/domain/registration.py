"""Whether a version folder is complete, and what it registers as.

Decided from everything noted of the folder, each object judged once when it arrived. The same
objects make the same manifest, in whatever order they came.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.composing import compose, labelled_by
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL, required
from sluice.domain.manifest import Manifest
from sluice.domain.model_files import Misfit, judge_description, misfits
from sluice.domain.names import MAX_ENDPOINT_NAME
from sluice.domain.receipt import Receipt, kind_of
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import System
from sluice.domain.scores import refuse_disagreement
from sluice.domain.smoke_test import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.inbox import Place, Upload
    from sluice.domain.noted import Noted
    from sluice.domain.release import ReleaseName

REQUIRED_METADATA = ("git-sha", "training-dataset-version")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
GZIP_MAGIC = b"\x1f\x8b\x08"
MODEL_SAMPLE = 64 * 1024
"""Bytes of `model.tar.gz` that are read to judge it."""
_UNPACKED_AT_MOST = 1024 * 1024
"""However much the sample may hold: a bomb's first bytes are as harmless as any."""
_MOST_TOLD = 10
"""Files that a folder waits for, by name."""
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Waiting:
    """The folder is not complete: these names are missing, or were refused as they stand."""

    missing: tuple[str, ...]
    refused: tuple[str, ...] = ()
    too_large: tuple[str, ...] = ()
    """Bodies of a smoke test that no function could send."""
    misfits: tuple[Misfit, ...] = ()
    """Objects that are refused in sight of the others."""

    @property
    def detail(self) -> str:
        """What the folder waits for, in one line."""
        names = dict.fromkeys((*self.refused, *(one.name for one in self.misfits)))
        corrected = (f"a corrected {name}" for name in names)
        smaller = (f"a {name} of at most {LARGEST_BODY} bytes" for name in self.too_large)
        waited = [*self.missing, *corrected, *smaller]
        more = [f"and {len(waited) - _MOST_TOLD} more"] if len(waited) > _MOST_TOLD else []
        return "waits for " + ", ".join([*waited[:_MOST_TOLD], *more])


@dataclass(frozen=True, slots=True)
class Ready:
    """The folder is complete: this is the version."""

    manifest: AnyManifest


type Registration = Waiting | Ready


def plan_registration(noted: Sequence[Noted]) -> Registration:
    """What to do about a folder in which `noted` was found."""
    found = {one.place.name: one for one in noted}
    needed = _needed(found)
    missing = tuple(name for name in needed if name not in found)
    refused = tuple(name for name in needed if name in found and found[name].refusal)
    too_large = _too_large(found)
    contradicting = (*misfits(found), *_disagreement(found))
    if missing or refused or too_large or contradicting:
        return Waiting(missing, refused, too_large, contradicting)
    manifest = compose({name: found[name] for name in sorted(needed)})
    refusal = judge_description(manifest) if isinstance(manifest, Manifest) else None
    if refusal:
        return Waiting((), misfits=(Misfit(found[CONFIG].upload, CONFIG, refusal),))
    return Ready(manifest)


def judge_model(first_bytes: bytes, metadata: Mapping[str, str], *, size: int) -> Refusal | None:
    """Whether `model.tar.gz` can be taken, by its first bytes, its metadata and its size alone."""
    if not first_bytes.startswith(GZIP_MAGIC):
        return Refusal(reason=Reason.NOT_GZIP, detail=f"{MODEL} is not a gzip file")
    broken = _broken(first_bytes, whole=len(first_bytes) >= size)
    if broken:
        return Refusal(reason=Reason.BROKEN_GZIP, detail=f"{MODEL} {broken}")
    return judge_labels(metadata, of=MODEL)


def judge_labels(metadata: Mapping[str, str], *, of: str) -> Refusal | None:
    """Whether an object's metadata says of the model what every version has to tell."""
    absent = [name for name in REQUIRED_METADATA if not metadata.get(name, "").strip()]
    if absent:
        detail = f"{of} carries no metadata {' and no '.join(absent)}"
        return Refusal(reason=Reason.MISSING_METADATA, detail=detail)
    if not _COMMIT.fullmatch(metadata["git-sha"].strip()):
        detail = "git-sha must be 7 to 64 hexadecimal digits"
        return Refusal(reason=Reason.MISSING_METADATA, detail=detail)
    return None


def _broken(first_bytes: bytes, *, whole: bool) -> str:
    """What is wrong with the beginning of a gzip file; empty if nothing is seen."""
    reader = zlib.decompressobj(_GZIP)
    try:
        reader.decompress(first_bytes, _UNPACKED_AT_MOST)
    except zlib.error as error:
        return f"is damaged: {error}"
    cut_off = whole and not reader.eof and not reader.unconsumed_tail
    return "ends in the middle" if cut_off else ""


def judge_target(endpoint_name: str | None, release: ReleaseName) -> Refusal | None:
    """Whether the endpoint that the version is to serve can bear the names we derive from it."""
    if len(endpoint_name or release.group) <= MAX_ENDPOINT_NAME:
        return None
    detail = (
        f"endpoint_name: the group {release.group} is longer than {MAX_ENDPOINT_NAME} characters, "
        "so the config must name a shorter endpoint"
    )
    return Refusal(reason=Reason.INVALID_CONFIG, detail=detail)


def judge_late(upload: Upload, place: Place, manifest: AnyManifest) -> Refusal | None:
    """Why an object is no part of the folder captured as `manifest`; None when it is."""
    captured = {one.name: one.version_id for one in manifest.objects}.get(place.name)
    if captured == upload.version_id:
        return None
    if captured is None:
        detail = f"the config of {manifest.release} does not name {place.name}"
        return Refusal(reason=Reason.NOT_NAMED, detail=detail)
    detail = f"{manifest.release} is captured with another version of {place.name}"
    return Refusal(reason=Reason.ALREADY_REGISTERED, detail=detail)


def group_taken(place: Place, standing: System) -> Refusal:
    """A folder cannot register in a group that holds versions of `standing`, the other system."""
    detail = (
        f"{place.folder} is a version for {place.system}, but its model package group holds "
        f"versions for {standing}"
    )
    return Refusal(reason=Reason.GROUP_TAKEN, detail=detail)


def refused(upload: Upload, refusal: Refusal, *, release: ReleaseName | None = None) -> Receipt:
    """The receipt of an upload that is not taken up."""
    return ended(upload.identity, refusal, release=release, at=upload.at)


def ended(
    identity: str, refusal: Refusal, *, release: ReleaseName | None = None, at: datetime
) -> Receipt:
    """The receipt of an input that is not taken up."""
    return Receipt(
        identity=identity,
        kind=kind_of(refusal),
        reason=refusal.reason,
        detail=refusal.detail,
        release=release,
        at=at,
    )


def _needed(found: Mapping[str, Noted]) -> tuple[str, ...]:
    system = next((one.place.system for one in found.values()), System.SAGEMAKER)
    named = (name for one in found.values() for name in one.named_files)
    needed = dict.fromkeys((*required(system), *named))
    if _unpacked(found):
        needed.pop(MODEL)
    return tuple(needed)


def _unpacked(found: Mapping[str, Noted]) -> bool:
    """Whether the folder holds, or is to hold, an uncompressed model."""
    config = found[CONFIG].config if CONFIG in found else None
    if config:
        return config.model_files is not None
    return MODEL not in found and any(one.place.in_model for one in found.values())


def _disagreement(found: Mapping[str, Noted]) -> Iterator[Misfit]:
    """The evaluation, if the labels of the weights say something else."""
    evaluation, labelled = found.get(EVALUATION), labelled_by(found)
    if evaluation is None or labelled is None:
        return
    refusal = refuse_disagreement(
        evaluation.metrics, labelled.facts.metadata, of=labelled.place.name
    )
    if refusal:
        yield Misfit(evaluation.upload, EVALUATION, refusal)


def _too_large(found: Mapping[str, Noted]) -> tuple[str, ...]:
    config = found[CONFIG].config if CONFIG in found else None
    name = config.smoke_test.body_file if config and config.smoke_test else None
    body = found.get(name) if name else None
    return (body.place.name,) if body and body.facts.size > LARGEST_BODY else ()
