"""Scheduled actions: new bounds at a time, on the virtual clock."""

from collections.abc import Callable, Iterator
from typing import Any

from localcloud.autoscaling import capacity
from localcloud.autoscaling.state import DIMENSION, Target, lock, targets
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import Body, Operation, page
from localcloud.sagemaker.errors import ServiceError, invalid
from localcloud.schedules import Schedule

_MOST = 50
_GIVEN = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")


def operations(existing: Callable[[Body], Target]) -> dict[str, Operation]:
    """The operations on scheduled actions; `existing` finds the target a request names."""

    def put(request: Body, _access_key: str) -> Body:
        """PutScheduledAction: the target must be registered."""
        with lock:
            target = existing(request)
            action = _action(target, request)
            target.actions[action["ScheduledActionName"]] = action
        return {}

    def describe(request: Body, _access_key: str) -> Body:
        """DescribeScheduledActions."""
        resource, names = request.get("ResourceId"), request.get("ScheduledActionNames")
        with lock:
            found = [
                action
                for target in targets.values()
                if resource in (None, target.resource)
                for name, action in target.actions.items()
                if names is None or name in names
            ]
        listed, more = page(found, request, most=_MOST)
        return {"ScheduledActions": listed, **more}

    def delete(request: Body, _access_key: str) -> Body:
        """DeleteScheduledAction."""
        with lock:
            target = existing(request)
            if target.actions.pop(request["ScheduledActionName"], None) is None:
                raise ServiceError("ObjectNotFoundException", "No scheduled action found")
        return {}

    return {
        "PutScheduledAction": put,
        "DescribeScheduledActions": describe,
        "DeleteScheduledAction": delete,
    }


def schedules() -> Iterator[Schedule]:
    """What is to happen when."""
    now = clock.now()
    with lock:
        known = [(one, action) for one in targets.values() for action in one.actions.values()]
    for target, action in known:
        begins = action.get("StartTime", 0.0)
        if begins <= now <= action.get("EndTime", now):
            created = max(action["CreationTime"], begins)
            zone = action.get("Timezone", "UTC")
            arn, schedule = action["ScheduledActionARN"], action["Schedule"]
            yield Schedule(arn, schedule, created, zone, _firer(target, action))


def _firer(target: Target, action: dict[str, Any]) -> Callable[[float], None]:
    """New bounds, and a count within them; a suspended action happens neither now nor later."""

    def fire(_due: float) -> None:
        with lock:
            if targets.get(target.resource) is not target:
                return
            if target.suspended["ScheduledScalingSuspended"]:
                return
            bounds = action.get("ScalableTargetAction", {})
            target.lowest = bounds.get("MinCapacity", target.lowest)
            target.highest = max(bounds.get("MaxCapacity", target.highest), target.lowest)
        capacity.keep_within(target)

    return fire


def _action(target: Target, request: Body) -> dict[str, Any]:
    name = request["ScheduledActionName"]
    before = target.actions.get(name, {})
    if "Schedule" not in request and not before:
        raise invalid("A new scheduled action needs a schedule")
    kept: dict[str, Any] = {
        key: before[key] for key in ("Schedule", "ScalableTargetAction") if key in before
    }
    return {
        **kept,
        **{key: request[key] for key in _GIVEN if key in request},
        "ScheduledActionName": name,
        "ScheduledActionARN": f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scheduledAction:{target.id}:"
        f"resource/sagemaker/{target.resource}:scheduledActionName/{name}",
        "ServiceNamespace": "sagemaker",
        "ResourceId": target.resource,
        "ScalableDimension": DIMENSION,
        "CreationTime": before.get("CreationTime", clock.now()),
    }
