"""The operations on scalable targets, and the service that answers all of them."""

from typing import Any

from localcloud.autoscaling import actions, authorization, capacity, policies
from localcloud.autoscaling.state import DIMENSION, SUSPENSIONS, Target, lock, targets
from localcloud.constants import ACCOUNT
from localcloud.json_service import Body, JsonService, page
from localcloud.sagemaker.errors import ServiceError, invalid

_LINKED_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_MOST = 50


def register(request: Body, access_key: str) -> Body:
    """RegisterScalableTarget: "any parameters that you don't specify are not changed"."""
    authorization.require(access_key, authorization.to_scale(request["ResourceId"]))
    capacity.require_variant(request["ResourceId"])  # before our lock: SageMaker's comes first
    with lock:
        target = targets.get(request["ResourceId"]) or _new(request)
        lowest = request.get("MinCapacity", target.lowest)
        highest = request.get("MaxCapacity", target.highest)
        if lowest > highest:
            raise invalid("Maximum capacity cannot be less than minimum capacity")
        target.lowest, target.highest = lowest, highest
        target.suspended |= request.get("SuspendedState", {})
        targets[target.resource] = target
    capacity.keep_within(target)
    return {"ScalableTargetARN": target.arn}


def describe(request: Body, _access_key: str) -> Body:
    """DescribeScalableTargets."""
    wanted = request.get("ResourceIds")
    with lock:
        found = [one for one in targets.values() if wanted is None or one.resource in wanted]
        listed, more = page(found, request, most=_MOST)
        return {"ScalableTargets": [_told(one) for one in listed], **more}


def deregister(request: Body, access_key: str) -> Body:
    """DeregisterScalableTarget: its policies and scheduled actions go with it."""
    with lock:
        target = existing(request)
        authorization.require(access_key, authorization.to_forget(target))
        del targets[target.resource]
    return {}


def existing(request: Body) -> Target:
    """The target a request names, or ObjectNotFoundException."""
    target = targets.get(request["ResourceId"])
    if target is None:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scalable target found for service namespace: sagemaker, resource ID: "
            f"{request['ResourceId']}, scalable dimension: {DIMENSION}",
        )
    return target


def _new(request: Body) -> Target:
    if "MinCapacity" not in request or "MaxCapacity" not in request:
        raise invalid("MinCapacity and MaxCapacity are required to register a scalable target")
    return Target(request["ResourceId"], request["MinCapacity"], request["MaxCapacity"])


def _told(target: Target) -> dict[str, Any]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": target.resource,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.lowest,
        "MaxCapacity": target.highest,
        "RoleARN": _LINKED_ROLE,
        "CreationTime": target.created,
        "SuspendedState": {name: target.suspended[name] for name in SUSPENSIONS},
        "ScalableTargetARN": target.arn,
    }


SERVICE = JsonService(
    "application-autoscaling",
    {
        "RegisterScalableTarget": register,
        "DescribeScalableTargets": describe,
        "DeregisterScalableTarget": deregister,
        **policies.operations(existing),
        **actions.operations(existing),
    },
    authorization.authorise,
)
