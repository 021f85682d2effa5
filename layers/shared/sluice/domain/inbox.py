"""The inbox: where an object was pushed, and what S3 says of it.

A key is used byte for byte as EventBridge delivers it: S3's events there are not percent-encoded.
"""

from __future__ import annotations

import re

from pydantic import Field

from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import ReleaseName, System
from sluice.domain.values import Moment, Value

INBOX = "models/"
CONFIG_INBOX = "configs/"
INBOXES = (CONFIG_INBOX, INBOX)
"""As S3 sorts them."""
MODEL = "model.tar.gz"
MODEL_FOLDER = "model/"
"""Of a version folder: the files of an uncompressed model."""
CONFIG = "config.json"
BEDROCK_CONFIG = "bedrock-config.json"
EVALUATION = "evaluation-results.json"
REQUIRED = (MODEL, CONFIG, EVALUATION)
"""Of a folder under `models/`; files listed in its config take the place of `model.tar.gz`."""
BEDROCK_REQUIRED = (BEDROCK_CONFIG, EVALUATION)
"""Of a folder under `configs/`."""

# `ModelPackageGroupName` of the SageMaker API; a version above 999999 would not sort as text.
_FOLDER = re.compile(r"(?P<group>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})-v(?P<version>[1-9][0-9]{0,5})")
# As git prints a commit, in full or cut short: SHA-1 has 40 digits, SHA-256 has 64.
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


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
    request_id: str = ""
    """S3's id of the request that wrote it, as its event says; CloudTrail's record has the same."""

    @property
    def identity(self) -> str:
        """What names this input for ever."""
        return identity(self.bucket, self.key, self.version_id or f"sequencer-{self.sequencer}")


class Place(Value):
    """Where in the inbox an object lies."""

    name: str
    """The object's name inside its version folder."""
    release: ReleaseName | None = None
    """What a folder under `models/` is named after."""
    commit: str = ""
    """What a folder under `configs/` is named after."""

    @property
    def system(self) -> System:
        """What the folder holds a version of."""
        return System.SAGEMAKER if self.release else System.BEDROCK

    @property
    def in_model(self) -> bool:
        """Whether it is one of a model's files: of those there may be hundreds."""
        return self.release is not None and self.name.startswith(MODEL_FOLDER)

    @property
    def folder(self) -> str:
        """The version folder: `models/churn-v4`, `configs/9f8d111`."""
        return folder_path(self.release) if self.release else config_path(self.commit)


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


def identity(bucket: str, key: str, version_id: str) -> str:
    """What names an object version as an input."""
    return f"{bucket}/{key}@{version_id}"


def folder_path(release: ReleaseName) -> str:
    """The version folder that is named after a release: `models/churn-v4`."""
    return f"{INBOX}{release}"


def config_path(commit: str) -> str:
    """The version folder that is named after a commit: `configs/9f8d111`."""
    return f"{CONFIG_INBOX}{commit}"


def required(system: System) -> tuple[str, ...]:
    """The files without which no folder is complete, whatever its config names."""
    return REQUIRED if system is System.SAGEMAKER else BEDROCK_REQUIRED


def locate(upload: Upload) -> Place | Refusal:
    """Where in the inbox the upload lies, or why it lies nowhere that counts."""
    key = upload.key
    if not key.startswith(INBOXES):
        detail = f"{key!r} is not under {' or '.join(reversed(INBOXES))}"
        return Refusal(reason=Reason.NOT_INBOX, detail=detail)
    if key.endswith("/"):
        return Refusal(reason=Reason.FOLDER_MARKER, detail=f"{key!r} only marks a folder")
    place = _place(key)
    if place is None:
        form = "{group}-v{N}" if key.startswith(INBOX) else "after a git commit"
        detail = f"{key!r} does not lie in a folder named {form}"
        return Refusal(reason=Reason.FOLDER_NAME, detail=detail)
    if upload.version_id in {"", "null"}:
        detail = f"{key!r} came without a version id"
        return Refusal(reason=Reason.VERSIONING_OFF, detail=detail)
    return place


def _place(key: str) -> Place | None:
    inbox, folder, name = (*key.split("/", 2), "")[:3]
    if not name:
        return None
    if f"{inbox}/" == CONFIG_INBOX:
        return Place(name=name, commit=folder) if _COMMIT.fullmatch(folder) else None
    found = _FOLDER.fullmatch(folder)
    if found is None:
        return None
    return Place(
        name=name, release=ReleaseName(group=found["group"], version=int(found["version"]))
    )
