"""Endpoints after a restart: what served serves again, and what was under way goes on.

The containers of a live fleet are started anew from the models it was made of; a change that was
under way begins again and takes its time again, as one that SageMaker retries.
"""

import logging
import threading

from localcloud.clock import clock
from localcloud.sagemaker import deployments, fleet, traffic
from localcloud.sagemaker.state import Endpoint, lock, state
from localcloud.sagemaker.traffic import Side

_LONGEST_START_SECONDS = 60.0
_logger = logging.getLogger(__name__)


def resume() -> None:
    """Return when every fleet that served serves again; changes go on in the background."""
    with lock:
        endpoints = list(state.endpoints.values())
    starters = [threading.Thread(target=_resume, args=(one,), daemon=True) for one in endpoints]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(_LONGEST_START_SECONDS)


def _resume(endpoint: Endpoint) -> None:
    try:
        if endpoint.variants:
            _serve_again(endpoint)
        _go_on(endpoint)
    except Exception:
        _logger.exception("%s cannot be resumed", endpoint.arn)


def _serve_again(endpoint: Endpoint) -> None:
    try:
        jobs = fleet.prepare(endpoint.variants)
        images = {variant.name: variant.images for variant in endpoint.variants}
        containers = fleet.build(endpoint.name, jobs)
    except fleet.FleetError as error:
        _logger.warning("%s serves no more: %s", endpoint.arn, error)
        return
    with lock:
        for variant in endpoint.variants:
            variant.images = images[variant.name]
        traffic.serve(endpoint.name, Side(endpoint.config, endpoint.variants, containers))


def _go_on(endpoint: Endpoint) -> None:
    pending = endpoint.pending
    if endpoint.status == "Deleting":
        deployments.begin_deletion(endpoint)
    elif pending is not None:
        pending.started, pending.stage = clock.now(), "Creating"
        deployments.begin_deployment(endpoint, pending, fleet.prepare(pending.variants))
    elif endpoint.status == "Updating":
        deployments.begin_weights(endpoint)
