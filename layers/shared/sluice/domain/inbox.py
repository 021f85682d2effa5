"""The inbox: where an object was pushed, which version of it counts, what was seen of it.

A key is used byte for byte as EventBridge delivers it: S3's events there are not percent-encoded.
"""

from __future__ import annotations

import re

from pydantic import Field

from sluice.domain.pushed import ModelConfig
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import ReleaseName
from sluice.domain.values import Moment, Value

INBOX = "models/"
MODEL = "model.tar.gz"
CONFIG = "config.json"
EVALUATION = "evaluation-results.json"
REQUIRED = (MODEL, CONFIG, EVALUATION)

# `ModelPackageGroupName` of the SageMaker API; a version above 999999 would not sort as text.
_FOLDER = re.compile(r"(?P<group>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})-v(?P<version>[1-9][0-9]{0,5})")
_SEQUENCER_WIDTH = 64


class Upload(Value):
    """One version of one object that S3 told us about."""

    bucket: str
    key: str
    version_id: str
    """Empty, or `null`, where the bucket keeps no versions."""
    sequencer: str = ""
    """Empty where the schedule found the object; S3's events carry one."""
    offered: bool = False
    """The schedule found it, not S3's event: it takes over what others left undone."""
    at: Moment

    @property
    def identity(self) -> str:
        """What names this input for ever."""
        return identity(self.bucket, self.key, self.version_id or f"sequencer-{self.sequencer}")


class Place(Value):
    """Where in the inbox an object lies."""

    release: ReleaseName
    name: str
    """The object's name inside its version folder."""


class Facts(Value):
    """What S3 says about one version of an object."""

    size: int
    etag: str
    last_modified: Moment
    metadata: dict[str, str] = Field(default_factory=dict)
    checksums: dict[str, str] = Field(default_factory=dict)
    """Value by algorithm, such as `CRC64NVME`."""
    checksum_type: str = ""
    """`FULL_OBJECT` values can be compared with another object's, `COMPOSITE` ones cannot."""


class Noted(Value):
    """An object version of a folder and what it was found to be, once, when it arrived."""

    place: Place
    upload: Upload
    facts: Facts
    current: bool = False
    """S3 said it is the object's newest version; asked only where no sequencer tells."""
    refusal: Refusal | None = None
    sha256: str = ""
    """Of the content, where it was read."""
    config: ModelConfig | None = None
    image: str = ""
    """The config's image by its digest, as its tag stood when the config arrived."""
    metrics: dict[str, float] = Field(default_factory=dict)


def identity(bucket: str, key: str, version_id: str) -> str:
    """What names an object version as an input."""
    return f"{bucket}/{key}@{version_id}"


def folder_path(release: ReleaseName) -> str:
    """The version folder of a release: `models/churn-v4`."""
    return f"{INBOX}{release}"


def locate(upload: Upload) -> Place | Refusal:
    """Where in the inbox the upload lies, or why it lies nowhere that counts."""
    key = upload.key
    if not key.startswith(INBOX):
        return Refusal(reason=Reason.NOT_INBOX, detail=f"{key!r} is not under {INBOX}")
    folder, _, name = key.removeprefix(INBOX).partition("/")
    if not name and key.endswith("/"):
        return Refusal(reason=Reason.FOLDER_MARKER, detail=f"{key!r} only marks a folder")
    found = _FOLDER.fullmatch(folder)
    if not name or found is None:
        detail = f"{key!r} does not lie in a folder named {{group}}-v{{N}}"
        return Refusal(reason=Reason.FOLDER_NAME, detail=detail)
    if upload.version_id in {"", "null"}:
        detail = f"{key!r} came without a version id"
        return Refusal(reason=Reason.VERSIONING_OFF, detail=detail)
    release = ReleaseName(group=found["group"], version=int(found["version"]))
    return Place(release=release, name=name)


def newer(noted: Noted, standing: Noted) -> bool:
    """Whether `noted` was written to the same key after `standing`.

    S3's sequencer is a hexadecimal number of varying length and orders the writes of one key. What
    the schedule found has none: it was just asked of S3 whether it is the newest version. Between
    such a one that stands and an event that comes late, `LastModified` decides, which of a
    multipart upload tells when the upload began.
    """
    ours, theirs = noted.upload.sequencer, standing.upload.sequencer
    if not ours:
        return noted.current and noted.upload.version_id != standing.upload.version_id
    if theirs:
        return _padded(ours) > _padded(theirs)
    return noted.facts.last_modified > standing.facts.last_modified


def _padded(sequencer: str) -> str:
    return sequencer.lower().rjust(_SEQUENCER_WIDTH, "0")
