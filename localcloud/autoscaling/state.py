"""All that Application Auto Scaling remembers, as plain data."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)


@dataclass
class Target:
    """A registered variant; policies and scheduled actions by name, as they were put."""

    resource: str
    lowest: int
    highest: int
    suspended: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SUSPENSIONS, False))
    created: float = field(default_factory=clock.now)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """It says nothing of the variant."""
        return f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{self.id}"

    @property
    def endpoint(self) -> str:
        """The endpoint of `endpoint/{name}/variant/{name}`."""
        return self.resource.split("/")[1]

    @property
    def variant(self) -> str:
        """The variant of `endpoint/{name}/variant/{name}`."""
        return self.resource.split("/")[3]


lock = threading.RLock()
targets: dict[str, Target] = {}
"""By resource id."""


def registered(endpoint: str, variants: list[str]) -> list[str]:
    """Which of the endpoint's variants are registered."""
    with lock:
        return sorted(one for one in variants if f"endpoint/{endpoint}/variant/{one}" in targets)


def deregister_endpoint(endpoint: str) -> None:
    """An endpoint that is deleted takes its scalable targets with it."""
    with lock:
        for resource in [key for key, one in targets.items() if one.endpoint == endpoint]:
            del targets[resource]


def forget(original: Callable[[], None]) -> None:
    """Forget everything, with all that the engines forget."""
    original()
    with lock:
        targets.clear()
