"""AddTags, ListTags and DeleteTags, and the tags that other operations carry."""

from typing import Any

from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.state import lock, state

_MOST = 50


def put(arn: str, tags: list[dict[str, str]] | None) -> None:
    """Add or replace tags of a resource; SageMaker allows fifty."""
    merged = state.tags.get(arn, {}) | {tag["Key"]: tag["Value"] for tag in tags or []}
    if len(merged) > _MOST:
        raise invalid(f"A resource can have at most {_MOST} tags: {arn}")
    if merged:
        state.tags[arn] = merged


def add_tags(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """AddTags."""
    with lock:
        put(_existing(body["ResourceArn"]), body["Tags"])
        return {"Tags": _listed(body["ResourceArn"])}


def list_tags(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListTags, all in one page: there are never more than fifty."""
    with lock:
        return {"Tags": _listed(_existing(body["ResourceArn"]))}


def delete_tags(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteTags; keys that are not there are ignored."""
    with lock:
        tags = state.tags.get(_existing(body["ResourceArn"]), {})
        for key in body["TagKeys"]:
            tags.pop(key, None)
    return {}


def _listed(arn: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in state.tags.get(arn, {}).items()]


def _existing(arn: str) -> str:
    resources = (state.groups, state.models, state.configs, state.endpoints, state.packages)
    if not any(resource.arn == arn for kind in resources for resource in kind.values()):
        raise invalid(f"Resource {arn} does not exist")
    return arn


OPERATIONS = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}
