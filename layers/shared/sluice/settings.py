"""What a function is told by its environment; the template sets it, `app.py` files read it."""

from __future__ import annotations

import os

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Names of the stack's resources and the operator's policy; empty where nobody needs them."""

    model_config = ConfigDict(frozen=True)

    ledger_table: str
    artifacts_bucket: str = ""
    rollout_machine_arn: str = ""
    reconcile_function: str = ""
    notifications_topic_arn: str = ""
    uploads_queue_url: str = ""
    looks_queue_url: str = ""
    surveys_queue_url: str = ""
    verifications_queue_url: str = ""
    serving_role_arn: str = ""
    account: str = ""
    region: str = ""
    evaluation_floors: str = ""
    """`accuracy=0.8,f1=0.7`: what an evaluation must reach to be registered; may be empty."""
    minimum_bake_minutes: int = 1
    allowed_strategies: str = "canary,all_at_once,guardrail"
    cool_down_minutes: int = 60
    """For how long after an automatic rollback no alarm causes another."""
    required_alarms: str = ""
    """Fields of `alarms` that a pushed config must not leave out: `error_rate,latency_ms`."""
    execution_role_arns: str = ""
    """What models may run as beside `serving_role_arn`, comma-separated."""
    require_smoke_test: bool = False
    stack_id: str = ""
    """The ARN of the stack that the function belongs to."""
    own_role_arns: str = ""
    """The stack's roles that may reject a package, comma-separated."""
    infrastructure_commit: str = ""
    """What the stack was deployed from: `9f8d111`, `9f8d111-dirty`."""
    signing_key_arn: str = ""
    """The key of KMS that signs what is registered."""
    trusted_key_arns: str = ""
    """Keys whose signatures count beside those of `signing_key_arn`, comma-separated."""
    model_end_warning_days: int = 60
    """How long before a foundation model ends people are warned."""
    default_application: str = ""
    """Whose version a Bedrock configuration is that names no application."""

    sluice_version: str = ""
    """The release that this version of a function serves; `domain/serving.py` reads it."""
    application_functions: str = ""
    """Which function serves which application: `support=sluice-serve,desk=sluice-desk`."""

    @property
    def functions(self) -> dict[str, str]:
        """The function of each application in `application_functions`."""
        pairs = (one.partition("=") for one in self.application_functions.split(",") if one)
        return {application.strip(): function.strip() for application, _, function in pairs}

    @property
    def trusted_keys(self) -> tuple[str, ...]:
        """The ARNs of the keys whose signatures count, the stack's own first."""
        return (self.signing_key_arn, *filter(None, self.trusted_key_arns.split(",")))

    @property
    def execution_roles(self) -> tuple[str, ...]:
        """The ARNs in `execution_role_arns`."""
        return tuple(filter(None, self.execution_role_arns.split(",")))

    @property
    def own_roles(self) -> tuple[str, ...]:
        """The ARNs in `own_role_arns`."""
        return tuple(filter(None, self.own_role_arns.split(",")))

    @classmethod
    def from_env(cls) -> Settings:
        """The settings in the environment, each under its name in capitals."""
        names = {name: name.upper() for name in cls.model_fields}
        return cls.model_validate(
            {field: os.environ[name] for field, name in names.items() if os.environ.get(name)}
            | {"region": os.environ.get("AWS_REGION", "")}
        )
