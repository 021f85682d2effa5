"""What was seen of an object of the inbox, and which of its versions counts."""

from __future__ import annotations

from pydantic import Field

from sluice.domain.bedrock import Pinned
from sluice.domain.inbox import Facts, Place, Upload
from sluice.domain.pushed import ModelConfig
from sluice.domain.refusal import Refusal
from sluice.domain.values import Value

_SEQUENCER_WIDTH = 64


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
    pinned: Pinned | None = None
    """What a Bedrock config came to when it arrived."""
    metrics: dict[str, float] = Field(default_factory=dict)
    evaluated_at: str = ""
    """When the evaluation says it was made, as it says it."""

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files that belong to the version because this config names them."""
        if self.config:
            return (*self.config.named_files, *self.config.weights)
        return self.pinned.config.named_files if self.pinned else ()


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
