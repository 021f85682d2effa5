"""What IAM is asked before SageMaker does anything.

Actions, resources and condition keys are those of the Service Authorization Reference: a call that
names two resources needs both, a list has no resource, and whoever hands a role to SageMaker needs
`iam:PassRole` on it.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError
from ministack.services import iam

from localcloud import hooks
from localcloud.constants import REGION
from localcloud.sagemaker import arns
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import ServiceError, invalid
from localcloud.sagemaker.state import state

_SERVICE = "sagemaker.amazonaws.com"

Body = dict[str, Any]


def require_hooks() -> None:
    """Declare what we use of the engine's IAM."""
    hooks.require(iam_evaluator, "enforce", call=False)
    hooks.require(
        iam_actions,
        "identity_denial_message",
        "action",
        "principal_arn",
        "resource",
        "explicit_deny",
    )
    hooks.require(iam, "_roles", call=False)


def authorise(operation: str, body: Body, caller: Caller) -> None:
    """Raise AccessDeniedException unless `caller` may perform `operation` on all that it names."""
    for resource in resources(operation, body):
        _enforce(f"sagemaker:{operation}", resource, caller, _conditions(body, resource))
    if operation.startswith("Create") and body.get("Tags"):
        created = resources(operation, body)[0]
        _enforce("sagemaker:AddTags", created, caller, _conditions(body, created))
    role = body.get("ExecutionRoleArn")
    if role is not None:
        _enforce("iam:PassRole", role, caller, {"iam:PassedToService": _SERVICE})
        _require_trust(role)


def resources(operation: str, body: Body) -> list[str]:
    """The ARNs a call is authorised on; `*` for operations without a resource type."""
    if operation == "BatchDescribeModelPackage":
        return [arns.package(arn) for arn in body["ModelPackageArnList"]]
    return [name_of(body) for name_of in _RESOURCES.get(operation, (lambda _body: "*",))]


def _new_package(body: Body) -> str:
    if "ModelPackageGroupName" not in body:
        return arns.package(body.get("ModelPackageName", "*"))
    return arns.package(f"{arns.last_part(body['ModelPackageGroupName'])}/*")


def _group(body: Body) -> str:
    return arns.group(body["ModelPackageGroupName"]) if "ModelPackageGroupName" in body else "*"


def _package(body: Body) -> str:
    return arns.package(body.get("ModelPackageArn") or body["ModelPackageName"])


def _model(body: Body) -> str:
    return arns.model(body["ModelName"])


def _config(body: Body) -> str:
    return arns.endpoint_config(body["EndpointConfigName"])


def _endpoint(body: Body) -> str:
    return arns.endpoint(body["EndpointName"])


def _tagged(body: Body) -> str:
    return str(body["ResourceArn"])


_RESOURCES: dict[str, tuple[Callable[[Body], str], ...]] = {
    "CreateModelPackageGroup": (_group,),
    "DescribeModelPackageGroup": (_group,),
    "DeleteModelPackageGroup": (_group,),
    "CreateModelPackage": (_new_package, _group),
    "UpdateModelPackage": (_package,),
    "DescribeModelPackage": (_package,),
    "DeleteModelPackage": (_package,),
    "CreateModel": (_model,),
    "DescribeModel": (_model,),
    "DeleteModel": (_model,),
    "CreateEndpointConfig": (_config,),
    "DescribeEndpointConfig": (_config,),
    "DeleteEndpointConfig": (_config,),
    "CreateEndpoint": (_endpoint, _config),
    "UpdateEndpoint": (_endpoint, _config),
    "UpdateEndpointWeightsAndCapacities": (_endpoint,),
    "DescribeEndpoint": (_endpoint,),
    "DeleteEndpoint": (_endpoint,),
    "InvokeEndpoint": (_endpoint,),
    "AddTags": (_tagged,),
    "ListTags": (_tagged,),
    "DeleteTags": (_tagged,),
}


def _conditions(body: Body, resource: str) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "sagemaker:ModelApprovalStatus": body.get("ModelApprovalStatus"),
        "sagemaker:CustomerMetadataPropertiesToRemove": body.get(
            "CustomerMetadataPropertiesToRemove"
        ),
        "sagemaker:TargetModel": body.get("TargetModel"),
        "sagemaker:NetworkIsolation": body.get("EnableNetworkIsolation"),
        "sagemaker:InstanceTypes": [
            variant["InstanceType"]
            for variant in body.get("ProductionVariants", [])
            if "InstanceType" in variant
        ],
        "aws:TagKeys": [tag["Key"] for tag in body.get("Tags", [])] or body.get("TagKeys"),
    }
    for key, value in body.get("CustomerMetadataProperties", {}).items():
        keys[f"sagemaker:CustomerMetadataProperties/{key}"] = value
    stages = body.get("ModelLifeCycle", {})
    keys["sagemaker:ModelLifeCycle:stage"] = stages.get("Stage")
    keys["sagemaker:ModelLifeCycle:stageStatus"] = stages.get("StageStatus")
    for tag in body.get("Tags", []):
        keys[f"aws:RequestTag/{tag['Key']}"] = tag["Value"]
    for key, value in state.tags.get(resource, {}).items():
        keys[f"aws:ResourceTag/{key}"] = value
    return {key: value for key, value in keys.items() if value not in (None, [])}


def _enforce(action: str, resource: str, caller: Caller, conditions: dict[str, Any]) -> None:
    service = action.partition(":")[0]
    denied = iam_evaluator.enforce(caller.access_key, action, service, REGION, resource, conditions)
    if denied is None:
        return
    if isinstance(denied, AuthError):
        raise ServiceError(denied.code, denied.message, status=403)
    message = iam_actions.identity_denial_message(
        action, denied.principal_arn, resource, denied.decision == "Deny"
    )
    raise ServiceError("AccessDeniedException", message)


def _require_trust(role_arn: str) -> None:
    """A role SageMaker is handed must exist and let SageMaker assume it."""
    role = iam._roles.get(arns.last_part(role_arn))
    if role is None or not _trusts_sagemaker(role.get("AssumeRolePolicyDocument")):
        raise invalid(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            f"principal '{_SERVICE}' to assume the role."
        )


def _trusts_sagemaker(policy: Any) -> bool:
    document = json.loads(policy) if isinstance(policy, str) else policy or {}
    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in _listed(statement.get("Action"))
        and _SERVICE in _listed((statement.get("Principal") or {}).get("Service"))
        for statement in _listed(document.get("Statement"))
        if isinstance(statement.get("Principal"), dict)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
