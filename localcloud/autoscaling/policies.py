"""Scaling policies: kept as they were put. Nothing is scaled by them."""

from collections.abc import Callable
from typing import Any

from localcloud.autoscaling import authorization
from localcloud.autoscaling.state import DIMENSION, Target, lock, targets
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import Body, Operation, page
from localcloud.sagemaker.errors import ServiceError, invalid

_TRACKING = "TargetTrackingScaling"
_CONFIGURATIONS = {
    _TRACKING: "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}
_MOST = 50


def operations(existing: Callable[[Body], Target]) -> dict[str, Operation]:
    """The operations on policies; `existing` finds the target a request names."""

    def put(request: Body, access_key: str) -> Body:
        """PutScalingPolicy: the target must be registered."""
        with lock:
            target = existing(request)
            policy = _policy(target, request)
            if policy["PolicyType"] == _TRACKING:
                authorization.require(access_key, authorization.to_track(target))
            target.policies[policy["PolicyName"]] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": []}

    def describe(request: Body, _access_key: str) -> Body:
        """DescribeScalingPolicies."""
        resource = request.get("ResourceId")
        with lock:
            found = [
                policy
                for target in targets.values()
                if resource in (None, target.resource)
                for policy in target.policies.values()
            ]
        listed, more = page(found, request, most=_MOST)
        return {"ScalingPolicies": listed, **more}

    def delete(request: Body, access_key: str) -> Body:
        """DeleteScalingPolicy."""
        with lock:
            target = existing(request)
            authorization.require(access_key, authorization.to_forget(target))
            if target.policies.pop(request["PolicyName"], None) is None:
                raise ServiceError("ObjectNotFoundException", "No scaling policy found")
        return {}

    return {
        "PutScalingPolicy": put,
        "DescribeScalingPolicies": describe,
        "DeleteScalingPolicy": delete,
    }


def _policy(target: Target, request: Body) -> dict[str, Any]:
    name = request["PolicyName"]
    before = target.policies.get(name, {})
    kind = request.get("PolicyType", before.get("PolicyType", "StepScaling"))
    configuration = _CONFIGURATIONS.get(kind)
    if configuration is None or configuration not in request:
        raise invalid(f"A {kind} policy needs its {configuration or 'own kind of resource'}")
    return {
        "PolicyARN": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{target.id}:resource/"
        f"sagemaker/{target.resource}:policyName/{name}",
        "PolicyName": name,
        "ServiceNamespace": "sagemaker",
        "ResourceId": target.resource,
        "ScalableDimension": DIMENSION,
        "PolicyType": kind,
        configuration: request[configuration],
        "Alarms": [],
        "CreationTime": before.get("CreationTime", clock.now()),
    }
