"""What tests and demos may turn below `/_localcloud/`, and forgetting everything."""

from typing import Any

import ministack.app as gateway

from localcloud import control, hooks
from localcloud.sagemaker import deployments, events
from localcloud.sagemaker.state import State, lock, state
from localcloud.sagemaker.timing import durations


def mount() -> None:
    """Serve `/_localcloud/sagemaker`, and forget when the engines are told to."""
    control.route("sagemaker")(tune)
    hooks.wrap(gateway, "_reset_all_state")(_forget)


def tune(body: dict[str, Any] | None) -> dict[str, float]:
    """Tell, or with a body first set, durations in virtual seconds and the share told twice."""
    given = body or {}
    durations.deployment = float(given.get("deployment_seconds", durations.deployment))
    durations.weights = float(given.get("weights_seconds", durations.weights))
    durations.deletion = float(given.get("deletion_seconds", durations.deletion))
    events.duplicates = float(given.get("duplicate_events", events.duplicates))
    return {
        "deployment_seconds": durations.deployment,
        "weights_seconds": durations.weights,
        "deletion_seconds": durations.deletion,
        "duplicate_events": events.duplicates,
    }


def _forget(original: Any) -> None:
    """Version numbers start again too: nothing that knew the old ones is left."""
    original()
    with lock:
        vars(state).update(vars(State()))
    deployments.reset()
