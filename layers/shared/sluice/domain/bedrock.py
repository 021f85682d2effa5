"""A Bedrock configuration as engineers write it, and what the names in it came to.

`bedrock-config.json` names a model, texts and sources. Texts lie in the same folder and are
captured; a model is looked up when the file arrives and stands in the manifest by its ARN. Pydantic
builds its validators when the first one is read: most cold starts never see any.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from sluice.domain import strict_json
from sluice.domain.fields import FileName
from sluice.domain.names import MAX_ENDPOINT_NAME
from sluice.domain.plan import RolloutPlan, Strategy
from sluice.domain.pushed import Alarms, complaints
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import ReleaseName, System
from sluice.domain.smoke_test import LONGEST_ANSWER_SECONDS
from sluice.domain.values import Moment, Pushed, Value

AGENT_CONFIG = "agent-config.json"
_FILE = "bedrock-config.json"
_EVALUATION = "evaluation-results.json"
_TAKEN = frozenset({_FILE, _EVALUATION})

# What Bedrock calls ids of knowledge bases, data sources and agent aliases.
TenCharacters = Annotated[str, Field(pattern=r"^[0-9a-zA-Z]{10}$")]
ModelRelease = Annotated[
    str, Field(max_length=70, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}-v[1-9][0-9]{0,5}$")
]
Application = Annotated[
    str, Field(max_length=MAX_ENDPOINT_NAME, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$")
]


class InferenceConfig(Pushed, defer_build=True):
    """Parameters of the model. One that is absent is left to the model, which is not zero.

    Newer models refuse `temperature` and `top_p` whatever their value.
    """

    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None


class ApplicationTest(Pushed, defer_build=True):
    """The smoke test of an application: one question, and what the answer to it must hold."""

    question: Annotated[str, Field(max_length=16_384, pattern=r"\S")]
    contains: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...], Field(max_length=20)
    ] = ()
    """Texts of which the answer must hold each; none: any answer will do."""
    within_ms: Annotated[int, Field(ge=1, le=LONGEST_ANSWER_SECONDS * 1000)] | None = None

    @property
    def warm_up_seconds(self) -> int:
        """How long a version may go on failing before that is its answer: throttling passes."""
        return 60


class BedrockConfig(Pushed, defer_build=True):
    """`bedrock-config.json`: everything that shapes how a Bedrock application answers."""

    model_id: Annotated[str, Field(min_length=1, max_length=2048)]
    inference_config: InferenceConfig = InferenceConfig()
    prompt_template_file: FileName
    prompt_template_version: Annotated[str, Field(min_length=1, max_length=128)]
    """The commit that the folder is named after."""
    system_prompt_file: FileName | None = None
    agent_config_file: Literal["agent-config.json"] | None = None
    knowledge_base_id: TenCharacters | None = None
    data_source_id: TenCharacters | None = None
    agent_alias_id: TenCharacters | None = None
    application: Application | None = None
    """Its model package group; by default the stack's `DefaultApplication`."""
    moves_with: ModelRelease | None = None
    """The release of a SageMaker model, `reranker-v4`, that is promoted before it and goes back
    with it."""
    legacy_model_reason: Annotated[str, Field(max_length=500, pattern=r"\S")] | None = None
    """Why a model that its provider is retiring is used all the same."""
    smoke_test: ApplicationTest | None = None
    rollout: RolloutPlan = RolloutPlan()
    alarms: Alarms = Alarms()

    @field_validator("prompt_template_file", "system_prompt_file")
    @classmethod
    def _own_file(cls, name: str | None) -> str | None:
        if name in _TAKEN:
            raise ValueError("must be a file of its own")
        return name

    @model_validator(mode="after")
    def _source_of_a_base(self) -> Self:
        if self.data_source_id and not self.knowledge_base_id:
            raise ValueError("data_source_id needs a knowledge_base_id")
        return self

    @property
    def system(self) -> System:
        """What it is a version for."""
        return System.BEDROCK

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files that belong to the version because the config names them, sorted."""
        files = {self.prompt_template_file, self.system_prompt_file, self.agent_config_file}
        return tuple(sorted(name for name in files if name))


class PinnedModel(Value, defer_build=True):
    """The model that a config names, as Bedrock knew it when the config arrived."""

    id: str
    """The foundation model's."""
    profile: str = ""
    """ARN of the inference profile that stands between; empty for the model alone."""
    arns: tuple[str, ...]
    """Of the foundation model, in each Region that a profile may send requests to."""
    status: str
    """`ACTIVE`, or `LEGACY` where the config gives a reason for it."""
    inference_types: tuple[str, ...] = ()
    legacy_at: Moment | None = None
    end_of_life_at: Moment | None = None
    """When the provider withdraws it: from then on no request succeeds."""


class FunctionCode(Value, defer_build=True):
    """What answers for the application, as it stood when the config arrived.

    A layer's version never changes, so its ARN pins what is in it, as the digest pins the rest.
    """

    function: str
    sha256: str
    """Lambda's `CodeSha256`: of the deployment package, or the digest of the image; base64."""
    layers: tuple[str, ...] = ()
    """ARNs of the layers' versions, in order."""


class KnowledgeSource(Value, defer_build=True):
    """Where answers find what they are based on: recorded, and not restorable.

    Ingestion changes the one index there is. Neither a knowledge base nor a data source has
    versions, so a rollback brings none of their content back.
    """

    knowledge_base_id: str
    knowledge_base_arn: str
    data_source_id: str = ""
    ingestion_job_id: str = ""
    """The last one that was COMPLETE when the config arrived; empty if there was none."""
    ingested_at: Moment | None = None
    """When that one began."""
    restorable: Literal[False] = False


class PartnerModel(Value, defer_build=True):
    """The release of a SageMaker model that a config moves with, as the ledger holds it."""

    release: ReleaseName
    digest: str
    target: str
    """The endpoint that the model is to serve."""


class Pinned(Value, defer_build=True):
    """A config and what the names in it came to, once, when it arrived."""

    config: BedrockConfig
    application: str
    model: PinnedModel
    knowledge: KnowledgeSource | None = None
    partner: PartnerModel | None = None
    code: FunctionCode | None = None
    """None only of what arrived before code was captured."""


def parse_bedrock_config(data: bytes, *, commit: str) -> BedrockConfig | Refusal:
    """The config that `data` spells, or why it is not that of `commit`'s folder."""
    try:
        strict_json.parse(data)
        config = BedrockConfig.model_validate_json(data, strict=True)
    except strict_json.MalformedJsonError as error:
        return Refusal(reason=Reason.MALFORMED_JSON, detail=f"{_FILE}: {error}")
    except ValidationError as error:
        return Refusal(reason=Reason.INVALID_CONFIG, detail=complaints(error, file=_FILE))
    refusal = _refuse_commit(_FILE, config.prompt_template_version, commit) or _refuse_plan(config)
    return refusal or config


def judge_evaluated(data: bytes, *, commit: str) -> Refusal | None:
    """Why an evaluation is not of `commit`'s folder, if it says what it evaluated, or nothing."""
    value = strict_json.parse(data)
    said = value.get("prompt_template_version") if isinstance(value, dict) else None
    return _refuse_commit(_EVALUATION, said, commit) if said is not None else None


def _refuse_commit(file: str, said: Any, commit: str) -> Refusal | None:
    if said == commit:
        return None
    detail = f"{file}: prompt_template_version is {said!r}, its folder is that of commit {commit}"
    return Refusal(reason=Reason.OTHER_COMMIT, detail=detail)


def _refuse_plan(config: BedrockConfig) -> Refusal | None:
    """Why an application cannot be rolled out or watched as its config says; None when it can.

    Of the file as it was written: a stored config has every default written out.
    """
    if config.rollout.strategy is Strategy.GUARDRAIL:
        detail = "rollout.strategy: `guardrail` is for serverless endpoints"
        return Refusal(reason=Reason.STRATEGY, detail=f"{detail}: use canary or all_at_once")
    alien = {
        "rollout.capacity": "capacity" in config.rollout.model_fields_set,
        "alarms.model_error_rate": config.alarms.model_error_rate is not None,
    }
    named = ", ".join(name for name, written in alien.items() if written)
    if named:
        detail = f"{named}: only endpoints have that; an application is a Lambda function"
        return Refusal(reason=Reason.INVALID_CONFIG, detail=detail)
    return None


def judge_agent_config(data: bytes) -> Refusal | None:
    """Why `agent-config.json` cannot be taken, or nothing: what is in it is the application's."""
    try:
        value = strict_json.parse(data)
    except strict_json.MalformedJsonError as error:
        return Refusal(reason=Reason.MALFORMED_JSON, detail=f"{AGENT_CONFIG}: {error}")
    if not isinstance(value, dict):
        detail = f"{AGENT_CONFIG} is not a JSON object"
        return Refusal(reason=Reason.INVALID_CONFIG, detail=detail)
    return None


def judge_text(name: str, data: bytes) -> Refusal | None:
    """Why a prompt's file cannot be taken, or nothing: any text in UTF-8 is kept byte for byte."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Refusal(reason=Reason.NOT_TEXT, detail=f"{name} is not UTF-8 at byte {error.start}")
    if "\0" in text:
        detail = f"{name} holds a NUL at character {text.index(chr(0))}"
        return Refusal(reason=Reason.NOT_TEXT, detail=detail)
    return None
