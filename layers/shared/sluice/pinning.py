"""Find what a Bedrock configuration names: its model in the catalogue, its sources as they stand.

Asked once, when the config arrives. What Bedrock denies or throttles is asked again with the
message's next delivery; what it does not know is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.knowledge_bases import SourceNotFoundError
from sluice.domain.bedrock import (
    BedrockConfig,
    FunctionCode,
    KnowledgeSource,
    Pinned,
    parse_bedrock_config,
)
from sluice.domain.pinning import is_id, not_found, pin, refuse_foreign, refuse_unpinned
from sluice.domain.refusal import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sluice.adapters.foundation_models import FoundationModels
    from sluice.adapters.knowledge_bases import KnowledgeBases
    from sluice.adapters.versions import Versions
    from sluice.domain.bedrock import PinnedModel
    from sluice.events.uploads import Origin
    from sluice.partnering import Partnering


@dataclass(frozen=True, slots=True)
class Pinning:
    """What the names in a config mean now."""

    models: FoundationModels
    knowledge_bases: KnowledgeBases
    versions: Versions
    origin: Origin
    partnering: Partnering
    default_application: str
    """Of configs that name none; empty where each has to."""
    functions: Mapping[str, str]
    """Which function answers for which application."""

    def pin(self, data: bytes, *, commit: str, at: datetime) -> Pinned | Refusal:
        """The config that `data` spells with what it names, or why it cannot be taken."""
        config = parse_bedrock_config(data, commit=commit)
        if isinstance(config, Refusal):
            return config
        application = config.application or self.default_application
        if not application:
            detail = "application: neither the config nor the stack's DefaultApplication names one"
            return Refusal(reason=Reason.INVALID_CONFIG, detail=detail)
        account, region = self.origin.account, self.origin.region
        model = (
            refuse_unpinned(config)
            or refuse_foreign(config, account=account, region=region)
            or self._model(config, at=at)
        )
        if isinstance(model, Refusal):
            return model
        code = self._code(application)
        if isinstance(code, Refusal):
            return code
        try:
            knowledge = self._knowledge(config)
        except SourceNotFoundError as error:
            return Refusal(reason=Reason.KNOWLEDGE_NOT_FOUND, detail=str(error))
        partner = self.partnering.find(config, application=application)
        if isinstance(partner, Refusal):
            return partner
        return Pinned(
            config=config,
            application=application,
            model=model,
            knowledge=knowledge,
            partner=partner,
            code=code,
        )

    def _model(self, config: BedrockConfig, *, at: datetime) -> PinnedModel | Refusal:
        asked = config.model_id
        if not is_id(asked):
            return not_found(config, region=self.origin.region, like=())
        model, profile = self.models.named(asked)
        if model is None:
            like = () if profile else self.models.beginning(asked)
            return not_found(config, region=self.origin.region, like=like)
        return pin(config, model, profile, at=at)

    def _code(self, application: str) -> FunctionCode | Refusal:
        """The code that answers for the application now."""
        function = self.functions.get(application, "")
        found = self.versions.latest(function) if function else None
        if found:
            return FunctionCode(function=function, sha256=found.code_sha256, layers=found.layers)
        why = f"there is no function {function}" if function else "it has no function"
        detail = f"nothing can answer for application {application}: {why}"
        return Refusal(reason=Reason.NO_FUNCTION, detail=detail)

    def _knowledge(self, config: BedrockConfig) -> KnowledgeSource | None:
        if config.knowledge_base_id is None:
            return None
        source = KnowledgeSource(
            knowledge_base_id=config.knowledge_base_id,
            knowledge_base_arn=self.knowledge_bases.arn(config.knowledge_base_id),
        )
        if config.data_source_id is None:
            return source
        job = self.knowledge_bases.last_ingestion(config.knowledge_base_id, config.data_source_id)
        update = {
            "data_source_id": config.data_source_id,
            "ingestion_job_id": job.id if job else "",
            "ingested_at": job.started_at if job else None,
        }
        return source.model_copy(update=update)
