"""Model package groups of the registry."""

from typing import Any

from localcloud.clock import clock
from localcloud.sagemaker import arns, tags
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import conflict, invalid
from localcloud.sagemaker.pages import page
from localcloud.sagemaker.state import Group, lock, state


def existing(name_or_arn: str) -> Group:
    """The group, or ValidationException as SageMaker says it."""
    group = state.groups.get(arns.last_part(name_or_arn))
    if group is None:
        raise invalid(f"ModelPackageGroup {arns.group(name_or_arn)} does not exist.")
    return group


def create(body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """CreateModelPackageGroup."""
    name = body["ModelPackageGroupName"]
    with lock:
        if name in state.groups:
            raise invalid(f"Model Package Group already exists: {arns.group(name)}")
        group = Group(
            name, clock.now(), caller.user_context(), body.get("ModelPackageGroupDescription")
        )
        state.groups[name] = group
        tags.put(group.arn, body.get("Tags"))
    return {"ModelPackageGroupArn": group.arn}


def describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DescribeModelPackageGroup."""
    with lock:
        group = existing(body["ModelPackageGroupName"])
        return {**_summary(group), "CreatedBy": group.created_by}


def list_groups(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListModelPackageGroups."""
    keys = {"CreationTime": lambda g: (g.created, g.name), "Name": lambda g: g.name}
    with lock:
        found, more = page(state.groups.values(), body, keys=keys)
        return {"ModelPackageGroupSummaryList": [_summary(group) for group in found], **more}


def delete(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteModelPackageGroup: refused while packages are in it."""
    with lock:
        group = existing(body["ModelPackageGroupName"])
        if any(package.group == group.name for package in state.packages.values()):
            raise conflict(f"Model Package Group cannot be deleted: {group.arn} is not empty.")
        del state.groups[group.name]
        state.tags.pop(group.arn, None)
    return {}


def _summary(group: Group) -> dict[str, Any]:
    summary = {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": group.created,
        "ModelPackageGroupStatus": "Completed",
    }
    if group.description is not None:
        summary["ModelPackageGroupDescription"] = group.description
    return summary


OPERATIONS = {
    "CreateModelPackageGroup": create,
    "DescribeModelPackageGroup": describe,
    "ListModelPackageGroups": list_groups,
    "DeleteModelPackageGroup": delete,
}
