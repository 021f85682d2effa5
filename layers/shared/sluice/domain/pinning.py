"""Whether a model id means one model for ever, and for how long that model will answer.

No form of an id proves it: a date in one is a habit of some providers, and its absence is one of
others. What counts is what Bedrock's catalogue answers: an id is pinned if the catalogue knows it
and calls the model by the same id. An inference profile is pinned if it leads to one such model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.bedrock import PinnedModel
from sluice.domain.refusal import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sluice.domain.bedrock import BedrockConfig

ACTIVE = "ACTIVE"
DRAFT_ALIAS = "TSTALIASID"
"""The alias every agent is born with: it always runs the working draft (Bedrock user guide, Deploy
and use an agent in your application)."""
_RESOURCE = re.compile(
    r"arn:[^:]+:[^:]+:(?P<region>[^:]*):(?P<account>[^:]*):(?P<kind>[^/]+)/(?P<id>.+)"
)
_RESOLVED = frozenset({"foundation-model", "inference-profile", "application-inference-profile"})
# What `modelIdentifier` and `inferenceProfileIdentifier` may consist of, in botocore's model.
_ID = re.compile(r"[a-zA-Z0-9:./_-]+")
_LATEST = re.compile(r"(?:^|[-.:/_])latest$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundationModel:
    """What GetFoundationModel says of a model."""

    id: str
    arn: str
    status: str
    inference_types: tuple[str, ...] = ()
    legacy_at: datetime | None = None
    end_of_life_at: datetime | None = None

    def is_called(self, name: str) -> bool:
        """Whether that is the model's own id or ARN."""
        return name in {self.id, self.arn}


@dataclass(frozen=True, slots=True)
class InferenceProfile:
    """What GetInferenceProfile says of a profile."""

    id: str
    arn: str
    model_arns: tuple[str, ...]

    def is_called(self, name: str) -> bool:
        """Whether that is the profile's own id or ARN."""
        return name in {self.id, self.arn}

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models it leads to, whatever the Region."""
        return tuple(sorted({arn.rpartition("/")[2] for arn in self.model_arns}))


def refuse_unpinned(config: BedrockConfig) -> Refusal | None:
    """What in the config is known to change under its name, without asking anybody."""
    model = config.model_id
    if _LATEST.search(model):
        return _unpinned(f"{model!r} means whatever is the latest: write the id of one model")
    resource = _RESOURCE.fullmatch(model)
    if resource and resource["kind"] == "prompt":
        return _prompt(model, resource["id"])
    if resource and resource["kind"].endswith("prompt-router"):
        return _unpinned(f"{model!r} is a router, which picks a model for each request")
    if resource and resource["kind"] not in _RESOLVED:
        detail = f"model_id: {model!r} is a {resource['kind']}, which is not looked up"
        return Refusal(reason=Reason.MODEL_NOT_FOUND, detail=detail)
    if config.agent_alias_id == DRAFT_ALIAS:
        detail = f"agent_alias_id: {DRAFT_ALIAS} always runs the agent's DRAFT: write an alias's id"
        return Refusal(reason=Reason.UNPINNED, detail=detail)
    return None


def refuse_foreign(config: BedrockConfig, *, account: str, region: str) -> Refusal | None:
    """Why an ARN is none that may be asked for here, or nothing: to ask would be denied."""
    found = _RESOURCE.fullmatch(config.model_id)
    if found is None or (found["region"] == region and found["account"] in {"", account}):
        return None
    detail = f"model_id: {config.model_id!r} is not in account {account}, Region {region}"
    return Refusal(reason=Reason.MODEL_NOT_FOUND, detail=detail)


def is_id(text: str) -> bool:
    """Whether Bedrock can be asked for it."""
    return bool(_ID.fullmatch(text))


def not_found(config: BedrockConfig, *, region: str, like: Sequence[str]) -> Refusal:
    """The catalogue does not know the id; `like` are the ids in it that begin so."""
    instead = f"write {' or '.join(like)}" if like else "write the full id of a model in it"
    detail = (
        f"model_id: {config.model_id!r} names no one model in Bedrock's catalogue in {region}: "
        f"{instead}"
    )
    return Refusal(reason=Reason.MODEL_NOT_FOUND, detail=detail)


def pin(
    config: BedrockConfig, model: FoundationModel, profile: InferenceProfile | None, *, at: datetime
) -> PinnedModel | Refusal:
    """The model as the manifest holds it, or why it cannot be relied on at `at`."""
    refusal = (
        _refuse_alias(config.model_id, profile or model)
        or (_refuse_several(profile) if profile else None)
        or _refuse_age(config, model, at=at)
    )
    if refusal:
        return refusal
    return PinnedModel(
        id=model.id,
        profile=profile.arn if profile else "",
        arns=arns_of(model, profile),
        status=model.status,
        inference_types=model.inference_types,
        legacy_at=model.legacy_at,
        end_of_life_at=model.end_of_life_at,
    )


def arns_of(model: FoundationModel, profile: InferenceProfile | None) -> tuple[str, ...]:
    """What is asked in the end: the model, or all that the profile leads to."""
    return tuple(sorted(profile.model_arns)) if profile else (model.arn,)


def _refuse_alias(asked: str, found: FoundationModel | InferenceProfile) -> Refusal | None:
    if found.is_called(asked):
        return None
    return _unpinned(f"{asked!r} is another name of {found.id}, today: write {found.id}")


def _refuse_several(profile: InferenceProfile) -> Refusal | None:
    if len(profile.model_ids) == 1:
        return None
    named = ", ".join(profile.model_ids) or "no model"
    return _unpinned(f"{profile.id} leads to {named}: write a profile of one model")


def _refuse_age(config: BedrockConfig, model: FoundationModel, *, at: datetime) -> Refusal | None:
    ends = f" and ends on {model.end_of_life_at:%Y-%m-%d}" if model.end_of_life_at else ""
    if model.end_of_life_at and model.end_of_life_at <= at:
        detail = f"model_id: {model.id} has ended on {model.end_of_life_at:%Y-%m-%d}"
        return Refusal(reason=Reason.MODEL_ENDED, detail=detail)
    if model.status == ACTIVE or config.legacy_model_reason:
        return None
    detail = f"model_id: {model.id} is {model.status or 'of no known status'}{ends}"
    return Refusal(reason=Reason.LEGACY_MODEL, detail=detail)


def _prompt(asked: str, prompt: str) -> Refusal:
    _, _, version = prompt.partition(":")
    if version in {"", "DRAFT"}:
        return _unpinned(f"{asked!r} is the DRAFT of a prompt, which changes under its name")
    return _unpinned(f"{asked!r} is a prompt, whose text is no file of the folder")


def _unpinned(detail: str) -> Refusal:
    return Refusal(reason=Reason.UNPINNED, detail=f"model_id: {detail}")
