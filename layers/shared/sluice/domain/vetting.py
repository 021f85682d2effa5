"""Whether what was approved of an application is what would answer, and whether it can answer now.

The package, the captured texts and the catalogue are compared with the manifest; then Bedrock is
asked: the *probe* is one short question under the exact parameters of a release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.pinning import pin
from sluice.domain.refusal import Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.pinning import FoundationModel, InferenceProfile


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a probe: an answer, unless one of these says otherwise, in Bedrock's words."""

    refused: str = ""
    """The model, or a parameter, is refused: asked again it would be refused again."""
    unanswered: str = ""
    """Nobody's fault: throttled, unavailable, or too slow."""


def model_objection(
    manifest: BedrockManifest,
    model: FoundationModel | None,
    profile: InferenceProfile | None,
    *,
    at: datetime,
) -> str:
    """Why the model, as the catalogue knows it at `at`, is not the one approved; or nothing."""
    if model is None:
        return f"MODEL_GONE: Bedrock's catalogue does not know {manifest.config.model_id} any more"
    found = pin(manifest.config, model, profile, at=at)
    if isinstance(found, Refusal):
        return f"{found.reason}: {found.detail}"
    if found.arns != manifest.model.arns:
        return (
            f"MODEL_CHANGED: {manifest.config.model_id} leads to {', '.join(found.arns)}, which is "
            "not what was approved: push the config again, as a new commit"
        )
    return ""


def ended(model: FoundationModel | None, *, at: datetime) -> bool:
    """Whether a model answers nobody any more, whoever asks."""
    return model is None or bool(model.end_of_life_at and model.end_of_life_at <= at)


def probe_objection(manifest: BedrockManifest, probed: Probed) -> str:
    """Why nothing may be sent to the release's model as its config says, or nothing."""
    if probed.refused:
        return f"PROBE_REFUSED: {manifest.release}: {probed.refused}"
    if probed.unanswered:
        return f"PROBE_NOT_ANSWERED: {manifest.release}: {probed.unanswered}"
    return ""
