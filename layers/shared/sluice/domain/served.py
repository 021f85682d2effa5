"""What a version of a function serves, as it stands in the manifest of its release.

Of a manifest's fields these are the ones that answers are made with: with nothing else to read, a
cold start builds no validator of a whole manifest, which costs more than everything below.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from sluice.domain.release import ReleaseName, System
from sluice.domain.rendering import QUESTION
from sluice.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARAMETERS = {"temperature": "temperature", "max_tokens": "maxTokens", "top_p": "topP"}
"""Of `inference_config`, and what Converse calls them."""


class UnfitReleaseError(Exception):
    """The release cannot be served: the vault holds other bytes, or no template for a question."""


class _Model(Value):
    id: str
    profile: str = ""


class _Config(Value):
    inference_config: dict[str, int | float | None] = Field(default_factory=dict)
    prompt_template_file: str
    system_prompt_file: str | None = None
    knowledge_base_id: str | None = None


class _Text(Value):
    name: str
    sha256: str = ""


class ServedManifest(Value):
    """The part of a manifest that answers are made with."""

    system: Literal[System.BEDROCK]
    release: ReleaseName
    model: _Model
    config: _Config
    objects: tuple[_Text, ...]

    @property
    def texts(self) -> dict[str, str]:
        """The SHA-256 of each text that is sent to the model, by the text's name."""
        named = {self.config.prompt_template_file, self.config.system_prompt_file}
        return {one.name: one.sha256 for one in self.objects if one.name in named}


@dataclass(frozen=True, slots=True)
class Served:
    """A release as a version of a function keeps it: everything but the question."""

    application: str
    version: str
    """`support-v3`."""
    model_id: str
    """The foundation model's."""
    calls: str
    """What is asked: the ARN of the pinned inference profile, or the model's id."""
    parameters: dict[str, Any]
    """Converse's `inferenceConfig`; what the config leaves out is not in it."""
    template: str
    system: str
    """The system prompt, or nothing."""
    knowledge_base_id: str


def parse_served(data: bytes, *, digest: str) -> ServedManifest:
    """The manifest that `data` spells.

    Raises UnfitReleaseError unless its SHA-256 is `digest`, and for a manifest of anything else.
    """
    verify(data, digest, name="manifest.json")
    try:
        return ServedManifest.model_validate_json(data)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
        message = f"manifest.json is no Bedrock application's: {fields}"
        raise UnfitReleaseError(message) from error


def verify(data: bytes, digest: str, *, name: str) -> None:
    """Raise UnfitReleaseError unless `data` has this SHA-256."""
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        message = f"{name} has the SHA-256 {found}, captured was {digest or 'none'}"
        raise UnfitReleaseError(message)


def served(manifest: ServedManifest, texts: Mapping[str, bytes]) -> Served:
    """What `manifest` and its texts, read and verified, come to.

    Raises UnfitReleaseError when a text is missing or the template has no place for a question.
    """
    config, release = manifest.config, manifest.release
    template = _text(texts, config.prompt_template_file)
    if QUESTION not in template:
        message = f"{config.prompt_template_file} does not hold {QUESTION}: push one that does"
        raise UnfitReleaseError(message)
    return Served(
        application=release.group,
        version=str(release),
        model_id=manifest.model.id,
        calls=manifest.model.profile or manifest.model.id,
        parameters={
            name: config.inference_config[ours]
            for ours, name in _PARAMETERS.items()
            if config.inference_config.get(ours) is not None
        },
        template=template,
        system=_text(texts, config.system_prompt_file) if config.system_prompt_file else "",
        knowledge_base_id=config.knowledge_base_id or "",
    )


def _text(texts: Mapping[str, bytes], name: str) -> str:
    if name not in texts:
        message = f"the manifest lists no {name}"
        raise UnfitReleaseError(message)
    return texts[name].decode("utf-8")
