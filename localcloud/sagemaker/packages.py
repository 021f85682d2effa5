"""Model packages: versions that only grow, updates that merge, tokens that make retries safe."""

import copy
from typing import Any

from localcloud.clock import clock
from localcloud.sagemaker import arns, events, groups, tags, weights
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import conflict, invalid
from localcloud.sagemaker.pages import page
from localcloud.sagemaker.state import Package, lock, state

_MOST_PROPERTIES = 50
_NOT_KEPT = {"ClientToken", "Tags", "ModelPackageGroupName", "ModelPackageName"}
_REPLACED_BY_UPDATE = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


def existing(name_or_arn: str) -> Package:
    """The package, or ValidationException as SageMaker says it."""
    package = state.packages.get(arns.package(name_or_arn))
    if package is None:
        raise invalid(f"ModelPackage {arns.package(name_or_arn)} does not exist.")
    return package


def create(body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """CreateModelPackage; the same ClientToken with the same parameters is the same package."""
    with lock:
        known = _known_token("Create", body)
        if known is not None:
            return {"ModelPackageArn": known}
        package = _new_package(body, caller)
        state.packages[package.arn] = package
        tags.put(package.arn, body.get("Tags"))
        _remember_token("Create", body, package.arn)
    events.package_changed(package)
    return {"ModelPackageArn": package.arn}


def update(body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """UpdateModelPackage: members that are not given stay, customer metadata is merged."""
    with lock:
        known = _known_token("Update", body)
        if known is not None:
            return {"ModelPackageArn": known}
        package = existing(body["ModelPackageArn"])
        package.content = _updated(package.content, body)
        package.modified, package.modified_by = clock.now(), caller.user_context()
        _remember_token("Update", body, package.arn)
    events.package_changed(package, updated=list(body))
    return {"ModelPackageArn": package.arn}


def describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DescribeModelPackage. A versioned package has no ModelPackageName."""
    with lock:
        package = existing(body["ModelPackageName"])
        answer = {**copy.deepcopy(package.content), **_summary(package)}
        answer |= {
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": package.content.get("CertifyForMarketplace", False),
            "CreatedBy": package.created_by,
        }
        if package.modified is not None:
            answer |= {"LastModifiedTime": package.modified, "LastModifiedBy": package.modified_by}
    if body.get("IncludedData") == "MetadataOnly":
        answer.pop("ModelCard", None)
    return answer


def batch_describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """BatchDescribeModelPackage: tells what is missing by ARN, and never customer metadata."""
    found, missing = {}, {}
    with lock:
        for arn in body["ModelPackageArnList"]:
            if arn in state.packages:
                package = state.packages[arn]
                specification = package.content.get("InferenceSpecification")
                found[arn] = {**_summary(package), "InferenceSpecification": specification}
            else:
                message = f"ModelPackage {arn} does not exist."
                missing[arn] = {"ErrorCode": "ValidationException", "ErrorResponse": message}
    return {
        "ModelPackageSummaries": {
            arn: {k: v for k, v in summary.items() if v is not None}
            for arn, summary in found.items()
        },
        "BatchDescribeModelPackageErrorMap": missing,
    }


def list_packages(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListModelPackages: without a group, ModelPackageType defaults to Unversioned."""
    keys = {
        "CreationTime": lambda p: (p.created, p.version or 0),
        "Name": lambda p: (p.name, p.version or 0),
    }
    with lock:
        if "ModelPackageGroupName" in body:
            groups.existing(body["ModelPackageGroupName"])
        found, more = page(filter(_selected(body), state.packages.values()), body, keys=keys)
        return {"ModelPackageSummaryList": [_summary(package) for package in found], **more}


def delete(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteModelPackage; its version number is never given again."""
    with lock:
        package = existing(body["ModelPackageName"])
        del state.packages[package.arn]
        state.tags.pop(package.arn, None)
    return {}


def _new_package(body: dict[str, Any], caller: Caller) -> Package:
    if ("ModelPackageGroupName" in body) == ("ModelPackageName" in body):
        raise invalid("Specify either a ModelPackageGroupName or a ModelPackageName")
    content = {k: copy.deepcopy(v) for k, v in body.items() if k not in _NOT_KEPT}
    weights.check_specification(content.get("InferenceSpecification"))
    _add_image_digests(content.get("InferenceSpecification"))
    if "ModelPackageName" in body:
        return _unversioned(body["ModelPackageName"], content, caller)
    if body.get("Tags"):
        raise invalid("Tags are not supported on a versioned model package: tag its group")
    group = groups.existing(body["ModelPackageGroupName"])
    content.setdefault("ModelApprovalStatus", "PendingManualApproval")
    version = state.last_versions.get(group.name, 0) + 1
    state.last_versions[group.name] = version
    arn = arns.package(f"{group.name}/{version}")
    return Package(arn, group.name, version, content, clock.now(), caller.user_context())


def _unversioned(name: str, content: dict[str, Any], caller: Caller) -> Package:
    arn = arns.package(name)
    if arn in state.packages:
        raise invalid(f"Model Package already exists: {arn}")
    return Package(arn, None, None, content, clock.now(), caller.user_context())


def _updated(content: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(body)
    weights.check_specification(body.get("InferenceSpecification"))
    content = {**content, **{name: body[name] for name in _REPLACED_BY_UPDATE if name in body}}
    removed = set(body.get("CustomerMetadataPropertiesToRemove", []))
    merged = content.get("CustomerMetadataProperties", {}) | body.get(
        "CustomerMetadataProperties", {}
    )
    properties = {key: value for key, value in merged.items() if key not in removed}
    if len(properties) > _MOST_PROPERTIES:
        raise invalid(f"A model package can have at most {_MOST_PROPERTIES} metadata properties")
    added = body.get("AdditionalInferenceSpecificationsToAdd", [])
    specifications = content.get("AdditionalInferenceSpecifications", []) + added
    kept = {
        "CustomerMetadataProperties": properties,
        "AdditionalInferenceSpecifications": specifications,
    }
    content |= {name: value for name, value in kept.items() if value}
    if not properties:
        content.pop("CustomerMetadataProperties", None)
    _add_image_digests(content.get("InferenceSpecification"))
    return content


def _add_image_digests(specification: dict[str, Any] | None) -> None:
    """SageMaker tells the digest of an image beside its name; here when the name holds it."""
    for container in (specification or {}).get("Containers", []):
        _, marker, digest = container.get("Image", "").partition("@")
        if marker:
            container.setdefault("ImageDigest", digest)


def _known_token(verb: str, body: dict[str, Any]) -> str | None:
    """The package of an earlier call with this token; ConflictException for other parameters."""
    earlier, arn = state.tokens.get(f"{verb}:{body.get('ClientToken')}", (body, None))
    if earlier != body:
        raise conflict(f"ClientToken {body['ClientToken']} was used with different parameters")
    return arn


def _remember_token(verb: str, body: dict[str, Any], arn: str) -> None:
    if "ClientToken" in body:
        state.tokens[f"{verb}:{body['ClientToken']}"] = (copy.deepcopy(body), arn)


def _selected(body: dict[str, Any]) -> Any:
    group = body.get("ModelPackageGroupName")
    status = body.get("ModelApprovalStatus")
    kind = body.get("ModelPackageType", "Versioned" if group else "Unversioned")

    def chosen(package: Package) -> bool:
        versioned = package.group is not None
        return (
            (group is None or package.group == arns.last_part(group))
            and (status is None or package.approval == status)
            and (kind == "Both" or versioned == (kind == "Versioned"))
        )

    return chosen


def _summary(package: Package) -> dict[str, Any]:
    content = package.content
    members = {
        "ModelPackageName": None if package.group else package.name,
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": package.arn,
        "ModelPackageDescription": content.get("ModelPackageDescription"),
        "CreationTime": package.created,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": package.approval,
        "ModelLifeCycle": content.get("ModelLifeCycle"),
        "ModelPackageRegistrationType": content.get("ModelPackageRegistrationType"),
    }
    return {name: value for name, value in members.items() if value is not None}


OPERATIONS = {
    "CreateModelPackage": create,
    "UpdateModelPackage": update,
    "DescribeModelPackage": describe,
    "BatchDescribeModelPackage": batch_describe,
    "ListModelPackages": list_packages,
    "DeleteModelPackage": delete,
}
