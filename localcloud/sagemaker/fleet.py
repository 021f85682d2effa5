"""Fleets: the containers of an endpoint's variants, one each, fetched, started and healthy."""

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
from localcloud.sagemaker.state import Variant, lock

Fleet = dict[str, Container]


class FleetError(Exception):
    """The fleet cannot serve; the message is the endpoint's FailureReason."""


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
    """Start a container per variant; return when all are healthy, else raise FleetError."""
    fleet: Fleet = {}
    try:
        for job in jobs:
            fleet[job.variant.name] = _container(job)
        for job in jobs:
            _wait(endpoint_name, job, fleet[job.variant.name])
    except Exception as error:
        close(fleet)
        if isinstance(error, ArtifactError):
            raise FleetError(str(error)) from error
        raise
    return fleet


def close(fleet: Fleet) -> None:
    """End all containers of a fleet, each after its last request."""
    enders = [threading.Thread(target=container.close) for container in fleet.values()]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join()


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
    """What a container sees: its own variables and its role's credentials, nothing of ours."""
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
            f"The primary container for production variant {variant} did not pass the ping health "
            "check. Please check CloudWatch logs for this endpoint."
        )
        raise FleetError(message) from error
