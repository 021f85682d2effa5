"""What happens to an endpoint once a call is accepted: changes take their virtual time.

A deployment builds the new fleet while the old one serves. When it is up it takes the traffic, in
one step or guarded; when it cannot come up, or is sent back, a new endpoint is Failed and an
updated one InService on its old configuration with a FailureReason.
"""

import logging
import threading
from collections.abc import Callable

from localcloud.clock import clock
from localcloud.sagemaker import events, fleet, guardrails, traffic
from localcloud.sagemaker.fleet import Fleet, FleetError, Job
from localcloud.sagemaker.state import Deployment, Endpoint, lock, state
from localcloud.sagemaker.timing import durations, stopping, wait_until
from localcloud.sagemaker.traffic import Side

_logger = logging.getLogger("localcloud.sagemaker")


def begin_deployment(endpoint: Endpoint, pending: Deployment, jobs: list[Job]) -> None:
    """Build the fleet that `pending` describes, then put it in service or give up."""
    endpoint.pending = pending
    _in_background(lambda: _deploy(endpoint, pending, jobs))


def begin_weights(endpoint: Endpoint) -> None:
    """Make the desired weights and counts current."""
    _in_background(lambda: _shift(endpoint))


def begin_deletion(endpoint: Endpoint) -> None:
    """Take the endpoint out of service, then forget it."""
    _in_background(lambda: _delete(endpoint))


def stop() -> None:
    """Abandon what is under way and end every container."""
    stopping.set()
    reset()


def reset() -> None:
    """End every container that serves."""
    for name in traffic.endpoints():
        for container in traffic.remove(name).values():
            container.kill()


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="sagemaker-change", daemon=True).start()


def _deploy(endpoint: Endpoint, pending: Deployment, jobs: list[Job]) -> None:
    events.endpoint_changed(endpoint)
    ready = clock.now() + durations.deployment
    built, failure = _build(endpoint, jobs)
    green = Side(pending.config, pending.variants, built)
    wait_until(ready)
    if failure is None and _is_wanted(endpoint):
        failure = guardrails.shift(endpoint, pending, green, jobs[0].role_arn)
    with lock:
        if not _is_wanted(endpoint):
            unneeded = built
        elif failure is not None:
            unneeded = _give_up(endpoint, failure, built)
        else:
            unneeded = _put_in_service(endpoint, green)
    events.endpoint_changed(endpoint)
    fleet.close(unneeded)


def _is_wanted(endpoint: Endpoint) -> bool:
    """Whether the server runs on and the endpoint is still the one of its name."""
    return not stopping.is_set() and state.endpoints.get(endpoint.name) is endpoint


def _build(endpoint: Endpoint, jobs: list[Job]) -> tuple[Fleet, str | None]:
    try:
        return fleet.build(endpoint.name, jobs), None
    except FleetError as error:
        return {}, str(error)
    except Exception:
        _logger.exception("the fleet of %s could not be built", endpoint.name)
        return {}, "Request to service failed. If failure persists after retry, contact support."


def _put_in_service(endpoint: Endpoint, green: Side) -> Fleet:
    endpoint.config, endpoint.variants = green.config, green.variants
    _settle(endpoint, "InService")
    return traffic.serve(endpoint.name, green)


def _give_up(endpoint: Endpoint, failure: str, built: Fleet) -> Fleet:
    _settle(endpoint, "InService" if endpoint.variants else "Failed")
    endpoint.failure = failure[:1024]
    return built


def _settle(endpoint: Endpoint, status: str) -> None:
    endpoint.status, endpoint.modified = status, clock.now()
    endpoint.pending = endpoint.failure = None


def _shift(endpoint: Endpoint) -> None:
    events.endpoint_changed(endpoint)
    if wait_until(clock.now() + durations.weights):
        return
    with lock:
        for variant in endpoint.variants:
            variant.current_weight = variant.desired_weight
            variant.current_count = variant.desired_count
        _settle(endpoint, "InService")
    events.endpoint_changed(endpoint)


def _delete(endpoint: Endpoint) -> None:
    events.endpoint_changed(endpoint)
    fleet.close(traffic.remove(endpoint.name))
    wait_until(clock.now() + durations.deletion)
    with lock:
        if state.endpoints.get(endpoint.name) is endpoint:
            del state.endpoints[endpoint.name]
            state.tags.pop(endpoint.arn, None)
