"""Application Auto Scaling: the scalable targets that SageMaker variants are."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.domain.scalable import ScalableTarget, ScheduledAction, Suspended, TrackingPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient

_TRACKING = "TargetTrackingScaling"
_ATTEMPTS = 4
_BASE_SECONDS = 0.25
_NOT_YET = frozenset({"ObjectNotFoundException", "ConcurrentUpdateException"})
"""A target just registered is not seen everywhere at once; the strategy AWS names is to retry."""


class NotScalableError(Exception):
    """Application Auto Scaling does not take this variant; the message says why.

    It is not on the endpoint, or our role may not do what Application Auto Scaling is to do in its
    place: that is tried first, and told by a ValidationException as well.
    """


class Autoscaling:
    """Scalable targets `endpoint/{name}/variant/{name}` and what belongs to them."""

    def __init__(self, client: ApplicationAutoScalingClient) -> None:
        self._client = client

    def read(self, endpoint: str, variant: str) -> ScalableTarget | None:
        """The variant's scalable target with all that belongs to it; None: it does not scale."""
        found = self._client.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=[_resource(endpoint, variant)],
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )["ScalableTargets"]
        if not found:
            return None
        policies = self._policies(endpoint, variant)
        tracking = [one for one in policies if one["PolicyType"] == _TRACKING]
        return ScalableTarget(
            variant=variant,
            min_capacity=found[0]["MinCapacity"],
            max_capacity=found[0]["MaxCapacity"],
            suspended=_suspended(found[0].get("SuspendedState") or {}),
            policies=tuple(_policy(one) for one in tracking),
            actions=tuple(_action(one) for one in self._actions(endpoint, variant)),
            untracked=tuple(one["PolicyName"] for one in policies if one not in tracking),
        )

    def suspend(self, endpoint: str, variant: str, suspended: Suspended) -> None:
        """Suspend or resume activities of a registered variant; its bounds stay. Safe to repeat.

        Raises NotScalableError where the variant is not registered.
        """
        self._register(endpoint, variant, suspended)

    def place(
        self,
        endpoint: str,
        target: ScalableTarget,
        *,
        on: str,
        suspended: Suspended,
        now: datetime,
    ) -> None:
        """Register `on` with all that `target` has; safe to repeat. Raises NotScalableError.

        The alarms of target tracking are not copied: putting the policy makes new ones. Scheduled
        actions that are over stay behind.
        """
        bounds = {"MinCapacity": target.min_capacity, "MaxCapacity": target.max_capacity}
        self._register(endpoint, on, suspended, **bounds)
        for policy in target.policies:
            self._put_policy(endpoint, policy, on)
        for action in target.actions:
            if not action.is_over(now):
                self._put_action(endpoint, action, on)

    def deregister(self, endpoint: str, variants: Iterable[str]) -> None:
        """Let go of variants; their policies and scheduled actions go with them. Safe to repeat."""
        for variant in self.registered(endpoint, variants):
            try:
                self._client.deregister_scalable_target(
                    ServiceNamespace="sagemaker",
                    ResourceId=_resource(endpoint, variant),
                    ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                )
            except ClientError as error:
                if _code(error) != "ObjectNotFoundException":  # somebody else was faster
                    raise

    def registered(self, endpoint: str, variants: Iterable[str]) -> list[str]:
        """Which of the variants are registered."""
        asked = {_resource(endpoint, one): one for one in variants}
        if not asked:
            return []
        found = self._client.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=list(asked),
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )["ScalableTargets"]
        return [asked[one["ResourceId"]] for one in found]

    def _register(self, endpoint: str, variant: str, suspended: Suspended, **bounds: int) -> None:
        try:
            self._client.register_scalable_target(
                ServiceNamespace="sagemaker",
                ResourceId=_resource(endpoint, variant),
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                SuspendedState={
                    "DynamicScalingInSuspended": suspended.scale_in,
                    "DynamicScalingOutSuspended": suspended.scale_out,
                    "ScheduledScalingSuspended": suspended.scheduled,
                },
                **bounds,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if _code(error) != "ValidationException":
                raise
            message = f"{variant} of {endpoint}: {error.response['Error'].get('Message', '')}"
            raise NotScalableError(message) from error

    def _put_policy(self, endpoint: str, policy: TrackingPolicy, on: str) -> None:
        configuration: Any = policy.watching(on)
        _patiently(
            lambda: self._client.put_scaling_policy(
                PolicyName=policy.name,
                ServiceNamespace="sagemaker",
                ResourceId=_resource(endpoint, on),
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=configuration,
            )
        )

    def _put_action(self, endpoint: str, action: ScheduledAction, on: str) -> None:
        try:
            _patiently(
                lambda: self._client.put_scheduled_action(
                    ServiceNamespace="sagemaker",
                    ScheduledActionName=action.name,
                    ResourceId=_resource(endpoint, on),
                    ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                    **_schedule(action),
                )
            )
        except ClientError as error:
            # Its moment may have passed since: what happens once then never happens again.
            if not action.once or _code(error) != "ValidationException":
                raise

    def _policies(self, endpoint: str, variant: str) -> list[Any]:
        pages = self._client.get_paginator("describe_scaling_policies").paginate(
            ServiceNamespace="sagemaker",
            ResourceId=_resource(endpoint, variant),
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )
        return [one for page in pages for one in page["ScalingPolicies"]]

    def _actions(self, endpoint: str, variant: str) -> list[Any]:
        pages = self._client.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace="sagemaker",
            ResourceId=_resource(endpoint, variant),
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )
        return [one for page in pages for one in page["ScheduledActions"]]


def _resource(endpoint: str, variant: str) -> str:
    return f"endpoint/{endpoint}/variant/{variant}"


def _suspended(state: Any) -> Suspended:
    return Suspended(
        scale_in=bool(state.get("DynamicScalingInSuspended")),
        scale_out=bool(state.get("DynamicScalingOutSuspended")),
        scheduled=bool(state.get("ScheduledScalingSuspended")),
    )


def _policy(described: Any) -> TrackingPolicy:
    configuration = described["TargetTrackingScalingPolicyConfiguration"]
    text = json.dumps(configuration, sort_keys=True, separators=(",", ":"))
    return TrackingPolicy(name=described["PolicyName"], configuration=text)


def _action(described: Any) -> ScheduledAction:
    bounds = described.get("ScalableTargetAction") or {}
    return ScheduledAction(
        name=described["ScheduledActionName"],
        schedule=described["Schedule"],
        timezone=described.get("Timezone") or "",
        starts=described.get("StartTime"),
        ends=described.get("EndTime"),
        min_capacity=bounds.get("MinCapacity"),
        max_capacity=bounds.get("MaxCapacity"),
    )


def _schedule(action: ScheduledAction) -> Any:
    """The action as PutScheduledAction takes it: what is absent is left out."""
    bounds = {"MinCapacity": action.min_capacity, "MaxCapacity": action.max_capacity}
    given = {
        "Schedule": action.schedule,
        "Timezone": action.timezone,
        "StartTime": action.starts,
        "EndTime": action.ends,
        "ScalableTargetAction": {name: to for name, to in bounds.items() if to is not None},
    }
    return {name: value for name, value in given.items() if value}


def _patiently(call: Callable[[], object]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            call()
        except ClientError as error:
            if _code(error) not in _NOT_YET or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_BASE_SECONDS * 2**attempt)
        else:
            return


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
