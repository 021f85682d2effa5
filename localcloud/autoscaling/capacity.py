"""What Application Auto Scaling does to an endpoint: instance counts within their bounds."""

import threading

from localcloud.autoscaling.state import Target, targets
from localcloud.clock import clock
from localcloud.sagemaker import endpoints
from localcloud.sagemaker.caller import ROOT
from localcloud.sagemaker.errors import ServiceError, invalid
from localcloud.sagemaker.state import Variant
from localcloud.sagemaker.state import lock as sagemaker_lock
from localcloud.sagemaker.state import state as sagemaker

_AGAIN_SECONDS = 15.0
_ATTEMPTS = 240


def require_variant(resource: str) -> None:
    """Raise ValidationException unless the variant exists."""
    _, endpoint, _, variant = resource.split("/")
    if _variant(endpoint, variant) is None:
        raise invalid(f"The resource {resource} does not exist")


def keep_within(target: Target) -> None:
    """Bring the count within the bounds; an endpoint being updated is asked again later.

    "If the specified resource is not active in the target service, this operation does not change
    the resource's current capacity. Otherwise, it changes the resource's current capacity to a
    value that is inside of this range" (RegisterScalableTarget).
    """
    if not _kept_within(target):
        threading.Thread(target=_patiently, args=(target,), daemon=True).start()


def _patiently(target: Target) -> None:
    for _ in range(_ATTEMPTS):
        clock.sleep(_AGAIN_SECONDS)
        if targets.get(target.resource) is not target or _kept_within(target):
            return


def _kept_within(target: Target) -> bool:
    """Whether nothing is left to do; false while SageMaker refuses."""
    variant = _variant(target.endpoint, target.variant)
    if variant is None:
        return True
    wanted = min(max(variant.desired_count, target.lowest), target.highest)
    if wanted == variant.desired_count:
        return True
    change = {"VariantName": target.variant, "DesiredInstanceCount": wanted}
    request = {"EndpointName": target.endpoint, "DesiredWeightsAndCapacities": [change]}
    try:
        endpoints.update_weights(request, ROOT)
    except ServiceError:
        return False
    return True


def _variant(endpoint: str, variant: str) -> Variant | None:
    with sagemaker_lock:
        found = sagemaker.endpoints.get(endpoint)
        return next((one for one in found.variants if one.name == variant), None) if found else None
