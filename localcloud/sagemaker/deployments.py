"""What happens to an endpoint after a call was accepted: each change takes its time, on the virtual clock.

A deployment builds the new fleet while the old one serves. When it is up it takes the traffic in
one step; when it cannot come up a new endpoint is Failed, and an updated one is InService on its
old configuration with a FailureReason.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.clock import clock
from localcloud.sagemaker import events, fleet
from localcloud.sagemaker.fleet import Fleet, FleetError, Job
from localcloud.sagemaker.state import Endpoint, lock, state

_logger = logging.getLogger("localcloud.sagemaker")


@dataclass
class Durations:
    """How long changes take, in virtual seconds."""

    deployment: float = 240.0
    weights: float = 20.0
    deletion: float = 20.0


durations = Durations()
_stopping = threading.Event()


def begin_deployment(endpoint: Endpoint, jobs: list[Job]) -> None:
    """Build the fleet that `endpoint.pending` describes, then put it in service or give up."""
    _in_background(lambda: _deploy(endpoint, jobs))


def begin_weights(endpoint: Endpoint) -> None:
    """Make the desired weights and counts current."""
    _in_background(lambda: _shift(endpoint))


def begin_deletion(endpoint: Endpoint) -> None:
    """Take the endpoint out of service, then forget it."""
    _in_background(lambda: _delete(endpoint))


def stop() -> None:
    """Abandon what is under way and end every container."""
    _stopping.set()
    for serving in fleet.all_serving():
        for container in serving.values():
            container.kill()


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="sagemaker-change", daemon=True).start()


def _deploy(endpoint: Endpoint, jobs: list[Job]) -> None:
    events.endpoint_changed(endpoint)
    started = clock.now()
    built, failure = _build(endpoint, jobs)
    if clock.sleep(durations.deployment - (clock.now() - started), _stopping):
        fleet.close(built)
        return
    with lock:
        replaced = _give_up(endpoint, failure) if failure else _put_in_service(endpoint, built)
    events.endpoint_changed(endpoint)
    fleet.close(replaced)


def _build(endpoint: Endpoint, jobs: list[Job]) -> tuple[Fleet, str | None]:
    try:
        return fleet.build(endpoint.name, jobs), None
    except FleetError as error:
        return {}, str(error)
    except Exception:
        _logger.exception("the fleet of %s could not be built", endpoint.name)
        return {}, "Request to service failed. If failure persists after retry, contact support."


def _put_in_service(endpoint: Endpoint, built: Fleet) -> Fleet:
    if endpoint.pending is None:
        return built
    endpoint.config, endpoint.variants = endpoint.pending.config, endpoint.pending.variants
    _settle(endpoint, "InService")
    return fleet.put_in_service(endpoint.name, built)


def _give_up(endpoint: Endpoint, failure: str) -> Fleet:
    _settle(endpoint, "InService" if endpoint.variants else "Failed")
    endpoint.failure = failure[:1024]
    return {}


def _settle(endpoint: Endpoint, status: str) -> None:
    endpoint.status, endpoint.modified = status, clock.now()
    endpoint.pending = endpoint.failure = None


def _shift(endpoint: Endpoint) -> None:
    events.endpoint_changed(endpoint)
    if clock.sleep(durations.weights, _stopping):
        return
    with lock:
        for variant in endpoint.variants:
            variant.current_weight = variant.desired_weight
            variant.current_count = variant.desired_count
        _settle(endpoint, "InService")
    events.endpoint_changed(endpoint)


def _delete(endpoint: Endpoint) -> None:
    events.endpoint_changed(endpoint)
    with lock:
        removed = fleet.take_out_of_service(endpoint.name)
    fleet.close(removed)
    clock.sleep(durations.deletion, _stopping)
    with lock:
        state.endpoints.pop(endpoint.name, None)
        state.tags.pop(endpoint.arn, None)
