"""What IAM is asked: for the call itself, and for what the service will do in the caller's place.

"Application Auto Scaling validates permissions for requests associated with both the target service
and CloudWatch before proceeding", and answers what the caller lacks as a ValidationException (user
guide, Permissions validation for API calls on target resources).
"""

from localcloud.autoscaling.state import DIMENSION, Target, targets
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import Body, refusal
from localcloud.sagemaker import arns
from localcloud.sagemaker.errors import invalid

Permission = tuple[str, str]
"""An action and the resource it is needed on."""

_SERVICE = "application-autoscaling"


def authorise(operation: str, request: Body, access_key: str) -> None:
    """Raise unless the call is allowed, and is about what the local cloud has: variants."""
    resource, conditions = "*", dict[str, str]()
    if not operation.startswith("Describe"):
        target = targets.get(request.get("ResourceId", ""))
        new = f"arn:aws:{_SERVICE}:{REGION}:{ACCOUNT}:scalable-target/*"
        resource = target.arn if target else new
        conditions = {
            f"{_SERVICE}:service-namespace": request["ServiceNamespace"],
            f"{_SERVICE}:scalable-dimension": request.get("ScalableDimension", DIMENSION),
        }
    refused = refusal(access_key, f"{_SERVICE}:{operation}", resource, conditions)
    if refused:
        raise refused
    _require_variants(request)


def require(access_key: str, needed: list[Permission]) -> None:
    """Raise ValidationException naming what the caller is not allowed."""
    lacking = [action for action, on in needed if refusal(access_key, action, on)]
    if lacking:
        raise invalid(f"Unauthorized to call: {', '.join(lacking)}")


def to_scale(resource: str) -> list[Permission]:
    """What it takes to register a variant."""
    endpoint = arns.endpoint(resource.split("/")[1])
    return [
        ("sagemaker:DescribeEndpoint", endpoint),
        ("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint),
    ]


def to_track(target: Target) -> list[Permission]:
    """What it takes to put a target tracking policy: its alarms."""
    return [("cloudwatch:DescribeAlarms", "*"), ("cloudwatch:PutMetricAlarm", _alarm(target))]


def to_forget(target: Target) -> list[Permission]:
    """What it takes to let a target go: the alarms of its policies go too."""
    if not target.policies:
        return []
    return [("cloudwatch:DescribeAlarms", "*"), ("cloudwatch:DeleteAlarms", _alarm(target))]


def _alarm(target: Target) -> str:
    name = f"TargetTracking-{target.resource}-AlarmHigh"
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def _require_variants(request: Body) -> None:
    if (request["ServiceNamespace"], request.get("ScalableDimension", DIMENSION)) != (
        "sagemaker",
        DIMENSION,
    ):
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    for resource in [request.get("ResourceId"), *request.get("ResourceIds", [])]:
        parts = resource.split("/") if resource else ["endpoint", "", "variant", ""]
        if len(parts) != 4 or (parts[0], parts[2]) != ("endpoint", "variant"):  # noqa: PLR2004
            raise invalid(f"Unsupported resource type: {resource}")
