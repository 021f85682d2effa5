"""All that SageMaker remembers, as plain data: no processes, threads or sockets in here.

One lock guards everything; operations hold it for as long as they read or change, and no longer.
"""

import threading
from dataclasses import dataclass, field
from typing import Any

from localcloud.sagemaker import arns


@dataclass
class Group:
    """A model package group."""

    name: str
    created: float
    created_by: dict[str, Any]
    description: str | None = None

    @property
    def arn(self) -> str:
        """Where IAM and callers find it."""
        return arns.group(self.name)


@dataclass
class Package:
    """A model package; `content` holds the members as the API spells them."""

    arn: str
    group: str | None
    version: int | None
    content: dict[str, Any]
    created: float
    created_by: dict[str, Any]
    modified: float | None = None
    modified_by: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """What lists filter and sort by."""
        return self.group or arns.last_part(self.arn)

    @property
    def approval(self) -> str | None:
        """The approval status; an unversioned package need not have one."""
        return self.content.get("ModelApprovalStatus")


@dataclass
class Model:
    """A deployable model: the request that made it."""

    name: str
    created: float
    content: dict[str, Any]

    @property
    def arn(self) -> str:
        """Where IAM and callers find it."""
        return arns.model(self.name)


@dataclass
class EndpointConfig:
    """An endpoint configuration: the request that made it. Immutable, as on AWS."""

    name: str
    created: float
    content: dict[str, Any]

    @property
    def arn(self) -> str:
        """Where IAM and callers find it."""
        return arns.endpoint_config(self.name)


@dataclass
class Variant:
    """A production variant of a live or coming fleet."""

    name: str
    model: str
    current_weight: float
    desired_weight: float
    current_count: int
    desired_count: int
    instance_type: str | None = None
    serverless: dict[str, Any] | None = None
    images: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Deployment:
    """A fleet on its way: what PendingDeploymentSummary tells."""

    config: str
    variants: list[Variant]
    started: float
    stage: str = "Creating"


@dataclass
class Endpoint:
    """An endpoint: the fleet that serves, and the one that may replace it."""

    name: str
    config: str
    created: float
    modified: float
    status: str
    variants: list[Variant] = field(default_factory=list)
    pending: Deployment | None = None
    failure: str | None = None
    deployment_config: dict[str, Any] | None = None

    @property
    def arn(self) -> str:
        """Where IAM and callers find it."""
        return arns.endpoint(self.name)


@dataclass
class State:
    """Everything, by name; packages and tags by ARN."""

    groups: dict[str, Group] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    last_versions: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    configs: dict[str, EndpointConfig] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


lock = threading.RLock()
state = State()
