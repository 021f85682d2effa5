"""Fleets: the containers that serve an endpoint's variants, and which of them takes a request."""

import random
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.clock import clock
from localcloud.constants import REGION
from localcloud.environment import endpoint_url
from localcloud.identity import role_session
from localcloud.sagemaker import logs, models
from localcloud.sagemaker.artifacts import ArtifactError, fetch_model, resolve_image
from localcloud.sagemaker.container import Container, UnhealthyError
from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.state import Endpoint, Variant, lock

Fleet = dict[str, Container]

_serving: dict[str, Fleet] = {}


class FleetError(Exception):
    """The fleet cannot serve; the message is the endpoint's FailureReason."""


class NotServingError(Exception):
    """No container is there for the request."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one container of a fleet is made of."""

    variant: Variant
    container: dict[str, Any]
    role_arn: str


def prepare(variants: list[Variant]) -> list[Job]:
    """Look everything up while it still exists; raise FleetError when it does not."""
    jobs = []
    with lock:
        for variant in variants:
            try:
                model = models.existing(variant.model)
                definition = models.container(model)
            except ServiceError as error:
                raise FleetError(error.message) from error
            jobs.append(Job(variant, definition, model.content["ExecutionRoleArn"]))
    return jobs


def build(endpoint_name: str, jobs: list[Job]) -> Fleet:
    """Start a container per variant and wait until all are healthy; raise FleetError after closing all."""
    fleet: Fleet = {}
    try:
        for job in jobs:
            fleet[job.variant.name] = _container(job)
        for job in jobs:
            _wait(endpoint_name, job, fleet[job.variant.name])
    except ArtifactError as error:
        close(fleet)
        raise FleetError(str(error)) from error
    except FleetError:
        close(fleet)
        raise
    return fleet


def close(fleet: Fleet) -> None:
    """End all containers of a fleet, each after its last request."""
    enders = [threading.Thread(target=container.close) for container in fleet.values()]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join()


def put_in_service(endpoint_name: str, fleet: Fleet) -> Fleet:
    """Let `fleet` take the traffic from now on; return the one it replaces."""
    replaced = _serving.pop(endpoint_name, {})
    _serving[endpoint_name] = fleet
    return replaced


def take_out_of_service(endpoint_name: str) -> Fleet:
    """No more traffic; return the fleet that served."""
    return _serving.pop(endpoint_name, {})


def all_serving() -> list[Fleet]:
    """Every fleet, for the end of the server."""
    return list(_serving.values())


def choose(endpoint: Endpoint, target: str | None) -> tuple[str, Container]:
    """A variant by weight, or the one asked for, and its container, which is held for one request.

    Raises NotServingError when nothing serves, KeyError when `target` is no variant.
    """
    with lock:
        fleet = _serving.get(endpoint.name)
        if not fleet:
            raise NotServingError
        name = target if target is not None else _by_weight(endpoint.variants)
        container = fleet[name]
        if not container.hold():
            raise NotServingError
    return name, container


def _by_weight(variants: list[Variant]) -> str:
    weights = [variant.current_weight for variant in variants]
    return random.choices([variant.name for variant in variants], weights)[0]


def _container(job: Job) -> Container:
    resolved = resolve_image(job.container["Image"], job.role_arn)
    job.variant.images = [
        {
            "SpecifiedImage": job.container["Image"],
            "ResolvedImage": resolved,
            "ResolutionTime": clock.now(),
        }
    ]
    folder = Path(tempfile.mkdtemp(prefix="sagemaker-"))
    (folder / "model").mkdir()
    try:
        fetch_model(job.container, job.role_arn, folder / "model")
    except ArtifactError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Container(folder, _environment(job, folder))


def _environment(job: Job, folder: Path) -> dict[str, str]:
    """What a container sees: its own variables and the role's credentials, nothing of this process."""
    keys = role_session(job.role_arn, "SageMaker")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "SM_MODEL_DIR": str(folder / "model"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint_url(),
        **{name.upper(): str(value) for name, value in keys.items()},
        **job.container.get("Environment", {}),
    }


def _wait(endpoint_name: str, job: Job, container: Container) -> None:
    try:
        container.wait_until_healthy()
    except UnhealthyError as error:
        variant = job.variant.name
        logs.write(endpoint_name, variant, job.role_arn, str(error))
        message = (
            f"The primary container for production variant {variant} did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )
        raise FleetError(message) from error
