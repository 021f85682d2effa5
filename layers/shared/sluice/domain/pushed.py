"""The files of a version folder as engineers write them, read strictly."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sluice.domain import strict_json
from sluice.domain.fields import FileName, MimeType
from sluice.domain.inbox import MODEL_FOLDER
from sluice.domain.model_files import MOST_FILES, ModelFile, complaint_about
from sluice.domain.names import MAX_ENDPOINT_NAME
from sluice.domain.plan import RolloutPlan, Strategy
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import System
from sluice.domain.smoke_test import SmokeTest
from sluice.domain.unsafe import refuse_fields
from sluice.domain.values import Pushed

MAX_METRICS = 200
MAX_METRIC_NAME = 256
MAX_NAMED_FILES = 20
_MAX_COMPLAINTS = 10
EVALUATED_AT = "evaluated_at"
_LONGEST_TIME = 64


Rate = Annotated[float, Field(gt=0, lt=1)]
AlarmName = Annotated[str, Field(min_length=1, max_length=255)]
EnvironmentName = Annotated[str, Field(max_length=1024, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
EnvironmentValue = Annotated[str, Field(max_length=1024)]
Concurrency = Annotated[int, Field(ge=1, le=200)]
InstanceType = Annotated[str, Field(max_length=64, pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$")]
RoleArn = Annotated[
    str, Field(max_length=2048, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$")
]
EndpointName = Annotated[
    str, Field(max_length=MAX_ENDPOINT_NAME, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$")
]


class Script(Pushed):
    """A pre- or post-processing script of the version."""

    file: FileName
    version: Annotated[str, Field(min_length=1, max_length=64)]


class Serverless(Pushed):
    """A fleet of no instances: what SageMaker's ServerlessConfig says."""

    memory_size_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144]
    max_concurrency: Concurrency
    provisioned_concurrency: Concurrency | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        if (self.provisioned_concurrency or 0) > self.max_concurrency:
            raise ValueError("provisioned_concurrency must not exceed max_concurrency")
        return self


class Alarms(Pushed):
    """Thresholds of the version's CloudWatch alarms; null leaves an alarm out.

    The rates are averages of metrics that are 0 or 1 per request: a threshold of 1 never fires.
    """

    error_rate: Rate | None = 0.05
    """Of answers with a 5xx status."""
    model_error_rate: Rate | None = None
    """Of requests the model failed, sockets and timeouts included."""
    latency_ms: Annotated[int, Field(ge=1, le=900_000)] | None = None
    evaluation_periods: Annotated[int, Field(ge=1, le=60)] = 3
    datapoints: Annotated[int, Field(ge=1, le=60)] = 2
    watch: Annotated[tuple[AlarmName, ...], Field(max_length=20)] = ()
    """Alarms that exist already, of any kind, on the whole endpoint: nobody can attribute them."""
    auto_rollback_hours: Annotated[int, Field(ge=1, le=8760)] | None = None
    """How long after it went live alarms may roll the version back; null: always."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.datapoints > self.evaluation_periods:
            raise ValueError("datapoints must not exceed evaluation_periods")
        return self


class ModelConfig(Pushed):
    """`config.json`: everything but the weights that shapes how the version behaves."""

    image_uri: Annotated[str, Field(min_length=1, max_length=255)]
    instance_type: InstanceType | None = None
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    serverless: Serverless | None = None
    """In place of instances; takes the strategy `guardrail` and no other."""
    # 16 is what SageMaker documents for a package's container, whatever its API model allows.
    environment: dict[EnvironmentName, EnvironmentValue] = Field(
        default_factory=dict, max_length=16
    )
    content_types: Annotated[tuple[MimeType, ...], Field(min_length=1, max_length=20)] = (
        "application/json",
    )
    response_types: Annotated[tuple[MimeType, ...], Field(min_length=1, max_length=20)] = (
        "application/json",
    )
    inference_scripts: Annotated[tuple[Script, ...], Field(max_length=MAX_NAMED_FILES)] = ()
    smoke_test: SmokeTest | None = None
    endpoint_name: EndpointName | None = None
    execution_role_arn: RoleArn | None = None
    """What the model runs as; by default the stack's serving role."""
    rollout: RolloutPlan = RolloutPlan()
    alarms: Alarms = Alarms()
    model_files: (
        Annotated[tuple[ModelFile, ...], Field(min_length=1, max_length=MOST_FILES)] | None
    ) = None
    """What lies under `model/`, in place of `model.tar.gz`: an uncompressed model."""

    @model_validator(mode="after")
    def _one_fleet(self) -> Self:
        if (self.instance_type is None) == (self.serverless is None):
            raise ValueError("give either instance_type or serverless")
        return self

    @model_validator(mode="after")
    def _one_folder(self) -> Self:
        if self.model_files is None:
            return self
        complaint = complaint_about(self.model_files)
        if complaint:
            raise ValueError(f"model_files: {complaint}")
        if self.serverless:
            raise ValueError("model_files: serverless endpoints take model.tar.gz alone: pack it")
        if any(name.startswith(MODEL_FOLDER) for name in self.named_files):
            raise ValueError("model/ holds what model_files lists alone: move the other files")
        return self

    @property
    def system(self) -> System:
        """What it is a version for."""
        return System.SAGEMAKER

    @property
    def weights(self) -> tuple[str, ...]:
        """The objects of the folder that are the model's files, as listed."""
        return tuple(one.name for one in self.model_files or ())

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files that belong to the version because the config names them, sorted."""
        body = self.smoke_test.body_file if self.smoke_test else None
        files = {script.file for script in self.inference_scripts}
        return tuple(sorted(files | ({body} if body else set())))


def parse_config(data: bytes) -> ModelConfig | Refusal:
    """The config that `data` spells, or why it cannot be taken."""
    try:
        value = strict_json.parse(data)
    except strict_json.MalformedJsonError as error:
        return Refusal(reason=Reason.MALFORMED_JSON, detail=f"config.json: {error}")
    unsafe = refuse_fields(value) if isinstance(value, dict) else None
    if unsafe:
        return unsafe
    try:
        config = ModelConfig.model_validate_json(data, strict=True)
    except ValidationError as error:
        return Refusal(reason=Reason.INVALID_CONFIG, detail=complaints(error))
    return _refuse_strategy(config) or config


def parse_evaluation(data: bytes) -> dict[str, float] | Refusal:
    """Every number of the evaluation under its dotted name, or why there is none to take."""
    try:
        value = strict_json.parse(data)
    except strict_json.MalformedJsonError as error:
        return Refusal(reason=Reason.MALFORMED_JSON, detail=f"evaluation-results.json: {error}")
    if not isinstance(value, dict):
        return Refusal(reason=Reason.INVALID_EVALUATION, detail="it is not a JSON object")
    metrics = dict(_numbers(value, ""))
    complaint = _complaint_about(metrics)
    if complaint:
        return Refusal(reason=Reason.INVALID_EVALUATION, detail=complaint)
    return metrics


def evaluated_at(data: bytes) -> str:
    """When an evaluation that was parsed before says it was made, as it says it; else empty."""
    said = strict_json.parse(data).get(EVALUATED_AT)
    return (
        said if isinstance(said, str) and said.isprintable() and len(said) <= _LONGEST_TIME else ""
    )


def complaints(error: ValidationError, *, file: str = "config.json") -> str:
    """What is wrong with a file's fields, the first few of it by name."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{'.'.join(map(str, one['loc'])) or file}: {one['msg']}" for one in found]
    more = [f"and {len(said) - _MAX_COMPLAINTS} more"] if len(said) > _MAX_COMPLAINTS else []
    return "; ".join([*said[:_MAX_COMPLAINTS], *more])


def _refuse_strategy(config: ModelConfig) -> Refusal | None:
    """Why the config's fleet cannot be rolled out as its plan says; None when it can.

    Of the file as it was written: a stored config has every default written out.
    """
    guarded = config.rollout.strategy is Strategy.GUARDRAIL
    if config.serverless is None:
        detail = "`guardrail` is for serverless endpoints: use canary or all_at_once"
        return _strategy_refusal(detail) if guarded else None
    if not guarded:
        detail = (
            f"{config.rollout.strategy} needs a second variant, which serverless endpoints lack"
        )
        return _strategy_refusal(f"{detail}: use guardrail")
    alien = {"steps", "capacity"} & config.rollout.model_fields_set
    if alien or "instance_count" in config.model_fields_set:
        named = ", ".join(sorted(f"rollout.{name}" for name in alien)) or "instance_count"
        detail = f"{named}: a serverless endpoint has no instances and takes all traffic at once"
        return Refusal(reason=Reason.INVALID_CONFIG, detail=detail)
    return None


def _strategy_refusal(detail: str) -> Refusal:
    return Refusal(reason=Reason.STRATEGY, detail=f"rollout.strategy: {detail}")


def _numbers(value: Any, name: str) -> list[tuple[str, float]]:
    match value:
        case bool():
            return []
        case int() | float():
            return [(name, float(value))]
        case dict():
            inner = [(f"{name}.{key}" if name else key, one) for key, one in value.items()]
            return [number for key, one in inner for number in _numbers(one, key)]
        case _:
            return []


def _complaint_about(metrics: dict[str, float]) -> str:
    if not any(map(math.isfinite, metrics.values())):
        return "it holds no number"
    if len(metrics) > MAX_METRICS:
        return f"it holds more than {MAX_METRICS} numbers"
    if any(len(name) > MAX_METRIC_NAME for name in metrics):
        return f"a metric's dotted name is longer than {MAX_METRIC_NAME} characters"
    return ""
