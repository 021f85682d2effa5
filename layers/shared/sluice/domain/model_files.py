"""The files of an uncompressed model: what `config.json` lists, beside what lies in the folder.

SageMaker loads every object under the prefix it is given. So the list is the version: what it names
is captured, with exactly that size, and nothing else comes to lie beside it.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import AfterValidator, Field

from sluice.domain.fields import is_file_name
from sluice.domain.inbox import CONFIG, MODEL, MODEL_FOLDER
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.values import Pushed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    from sluice.domain.inbox import Upload
    from sluice.domain.manifest import Manifest
    from sluice.domain.noted import Noted

MOST_FILES = 250
"""More than the largest open models have; each is an object, a note, a receipt."""
MOST_BYTES = 1024**4
"""Of all files: what an hour of copies and one instance's disk hold."""
LARGEST_DESCRIPTION = 360_000
"""Bytes of manifest and copies together: one item of the ledger, of DynamoDB's 400 KB at most.

What the evaluation policy says of the version is added to it; that takes up to 45 KB.
"""
ONE_PUSH = timedelta(hours=1)
"""What is refused of a folder within these, for one reason, people are told of once."""
_COPY_BYTES = 450
"""What the ledger holds of a copy beside its name and key."""


def _relative(path: str) -> str:
    if not is_file_name(path):
        raise ValueError("must be a path inside model/: letters, digits and _ . - /")
    return path


class ModelFile(Pushed):
    """One file of the model."""

    file: Annotated[str, Field(max_length=200), AfterValidator(_relative)]
    """Its path below `model/`."""
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Compared where the object's is known."""

    @property
    def name(self) -> str:
        """Its name in the version folder."""
        return f"{MODEL_FOLDER}{self.file}"


class Misfit(NamedTuple):
    """An object that is refused in sight of the others."""

    upload: Upload
    name: str
    refusal: Refusal


def complaint_about(files: Sequence[ModelFile]) -> str:
    """What is wrong with a list of files, or nothing."""
    twice = [name for name, times in Counter(one.file for one in files).items() if times > 1]
    if twice:
        return f"{', '.join(sorted(twice))}: listed twice"
    names = {one.file for one in files}
    both = {folder for one in names for folder in _folders(one)} & names
    if both:
        return f"{', '.join(sorted(both))}: listed as a file, and as a folder of others"
    size = sum(one.size for one in files)
    if size == 0:
        return "all files are empty"
    if size > MOST_BYTES:
        return f"{size} bytes in all, the limit is {MOST_BYTES}"
    return ""


def misfits(found: Mapping[str, Noted]) -> Iterator[Misfit]:
    """What of the folder contradicts what its config lists."""
    noted = found.get(CONFIG)
    if noted is None or noted.config is None or noted.config.model_files is None:
        return
    if MODEL in found:
        detail = f"{CONFIG} lists model_files, and {MODEL} lies in the folder too"
        refusal = Refusal(reason=Reason.TWO_MODELS, detail=detail)
        yield Misfit(noted.upload, CONFIG, refusal)
    for one in noted.config.model_files:
        file = found.get(one.name)
        detail = _contradiction(one, file) if file else ""
        if file and detail:
            refusal = Refusal(reason=Reason.FILE_MISMATCH, detail=f"{one.name} {detail}")
            yield Misfit(file.upload, one.name, refusal)


def told_once(
    refused: Sequence[Misfit], told: Set[Reason]
) -> Iterator[tuple[Misfit, tuple[Misfit, ...] | None]]:
    """Each misfit, in this order, with the others to be told beside it; None: people know of it.

    They know what they were `told` the reason of, and whatever stood beside the first of a reason.
    """
    known = set(told)
    for one in refused:
        reason = one.refusal.reason
        alike = (other for other in refused if other.refusal.reason is reason and other is not one)
        yield one, None if reason in known else tuple(alike)
        known.add(reason)


def judge_description(manifest: Manifest) -> Refusal | None:
    """Whether the ledger has room for all that is to be known of the version."""
    copies = sum(_COPY_BYTES + 2 * len(one.source_key) for one in manifest.objects)
    size = len(manifest.canonical().encode("utf-8")) + copies
    if size <= LARGEST_DESCRIPTION:
        return None
    detail = (
        f"{CONFIG}: what the ledger keeps of the version has {size} bytes, the limit is "
        f"{LARGEST_DESCRIPTION}: list fewer files, or shorter names"
    )
    return Refusal(reason=Reason.TOO_LARGE, detail=detail)


def _folders(path: str) -> Iterator[str]:
    """Every folder that a file lies in."""
    while path := path.rpartition("/")[0]:
        yield path


def _contradiction(listed: ModelFile, noted: Noted) -> str:
    if noted.facts.size != listed.size:
        return f"has {noted.facts.size} bytes, {CONFIG} lists {listed.size}"
    if listed.sha256 and noted.sha256 and noted.sha256 != listed.sha256:
        return f"has the SHA-256 {noted.sha256}, {CONFIG} lists {listed.sha256}"
    return ""
