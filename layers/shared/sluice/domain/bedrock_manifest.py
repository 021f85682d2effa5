"""The manifest of a Bedrock application's version, beside that of a model."""

from __future__ import annotations

from typing import Literal

from sluice.domain.bedrock import (
    BedrockConfig,
    FunctionCode,
    KnowledgeSource,
    PartnerModel,
    PinnedModel,
)
from sluice.domain.gates import Gates
from sluice.domain.inbox import config_path
from sluice.domain.infrastructure import Infrastructure
from sluice.domain.manifest import (
    CapturedObject,
    Manifest,
    ManifestError,
    parse_manifest,
    spelled,
    system_of,
)
from sluice.domain.release import ReleaseName, System
from sluice.domain.values import SCHEMA_VERSION, Value, iso


class BedrockManifest(Value, defer_build=True):
    """What a version of a Bedrock application is."""

    schema_version: int = SCHEMA_VERSION
    system: Literal[System.BEDROCK] = System.BEDROCK
    release: ReleaseName
    """Its number is given by the claim."""
    bucket: str
    target: str
    """The application that the version is to serve."""
    commit: str
    model: PinnedModel
    knowledge: KnowledgeSource | None = None
    partner: PartnerModel | None = None
    """What it moves with, by its digest: what was approved together is what runs together."""
    code: FunctionCode | None = None
    """The function that it was approved to run in; None in manifests from before that was kept."""
    config: BedrockConfig
    evaluation: dict[str, float]
    objects: tuple[CapturedObject, ...]
    """The texts that the config names among them, each with its SHA-256."""
    infrastructure: Infrastructure | None = None
    """What captured it; None in manifests from before that was kept."""
    gates: Gates | None = None
    """How it stands to the evaluation policy; None in manifests from before there was one."""

    @property
    def folder(self) -> str:
        """The version folder it was pushed to."""
        return config_path(self.commit)

    @property
    def metadata(self) -> dict[str, str]:
        """What its package says of it, where the weights of a model would carry their metadata."""
        ends, knowledge = self.model.end_of_life_at, self.knowledge
        said = {
            "git-sha": self.commit,
            "base-model": self.config.model_id,
            "model-end-of-life": iso(ends) if ends else "",
            "legacy-model-reason": self.config.legacy_model_reason or "",
            "knowledge-base": knowledge.knowledge_base_id if knowledge else "",
            "moves-with": str(self.partner.release) if self.partner else "",
            "ingestion-job": knowledge.ingestion_job_id if knowledge else "",
        }
        return {name: value for name, value in said.items() if value}

    @property
    def caveats(self) -> tuple[str, ...]:
        """What whoever approves it should know: what is named and not captured, and what ends."""
        said = []
        if self.knowledge:
            said.append(
                f"Knowledge base {self.knowledge.knowledge_base_id} is recorded, not captured: no "
                "rollback restores its content."
            )
        if self.config.legacy_model_reason:
            said.append(f"{self.model.id} is used although it is {self.model.status}.")
        if self.model.end_of_life_at:
            said.append(f"{self.model.id} ends on {self.model.end_of_life_at:%Y-%m-%d}.")
        return tuple(said)

    def canonical(self) -> str:
        """The one spelling of this manifest, as of any other."""
        return spelled(self)


type AnyManifest = Manifest | BedrockManifest


def parse_any_manifest(text: str, *, digest: str) -> AnyManifest:
    """The manifest that `text` spells. Raises ManifestError unless its digest is `digest`."""
    if system_of(text, digest=digest) is System.BEDROCK:
        return parse_bedrock_manifest(text, digest=digest)
    return parse_manifest(text, digest=digest)


def parse_bedrock_manifest(text: str, *, digest: str) -> BedrockManifest:
    """The application's manifest that `text` spells.

    Raises ManifestError unless its digest is `digest`, and for a manifest of anything else.
    """
    if system_of(text, digest=digest) is not System.BEDROCK:
        message = f"the manifest with the digest {digest} is no application's"
        raise ManifestError(message)
    return BedrockManifest.model_validate_json(text, extra="ignore")
