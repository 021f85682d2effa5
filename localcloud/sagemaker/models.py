"""Deployable models: one container, its artifact and the role it runs under."""

import copy
from typing import Any

from localcloud.clock import clock
from localcloud.sagemaker import arns, packages, tags, weights
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.pages import page
from localcloud.sagemaker.state import Model, lock, state


def existing(name: str) -> Model:
    """The model, or ValidationException as SageMaker says it."""
    model = state.models.get(name)
    if model is None:
        raise invalid(f'Could not find model "{arns.model(name)}".')
    return model


def container(model: Model) -> dict[str, Any]:
    """What the model runs: its container, or its package's with the model's environment on top."""
    own = _only_container(model.content)
    if "ModelPackageName" not in own:
        return own
    packaged = _packaged_container(own["ModelPackageName"])
    environment = packaged.get("Environment", {}) | own.get("Environment", {})
    return {**packaged, "Environment": environment}


def create(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """CreateModel, with one container: inference pipelines are refused."""
    name = body["ModelName"]
    with lock:
        if name in state.models:
            raise invalid(f'Cannot create already existing model "{arns.model(name)}".')
        chosen = _only_container(body)
        if "ModelPackageName" in chosen:
            _packaged_container(chosen["ModelPackageName"])
        weights.check([chosen])
        if "ModelPackageName" not in chosen and "Image" not in chosen:
            raise invalid("Each container needs an Image or a ModelPackageName")
        if "ExecutionRoleArn" not in body:
            raise invalid("A model needs an ExecutionRoleArn")
        content = {key: value for key, value in body.items() if key != "Tags"}
        model = Model(name, clock.now(), copy.deepcopy(content))
        state.models[name] = model
        tags.put(model.arn, body.get("Tags"))
    return {"ModelArn": model.arn}


def describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DescribeModel: who named a tar ball is told of it twice, as a URL and as a source."""
    with lock:
        model = existing(body["ModelName"])
        kept = {"EnableNetworkIsolation": False, **copy.deepcopy(model.content)}
    told = _only_container(kept)
    if url := told.get("ModelDataUrl"):
        source = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
        told["ModelDataSource"] = {"S3DataSource": source}
    return {**kept, "ModelArn": model.arn, "CreationTime": model.created}


def list_models(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListModels, newest first."""
    keys = {"CreationTime": lambda m: (m.created, m.name), "Name": lambda m: m.name}
    with lock:
        found, more = page(state.models.values(), body, keys=keys, order="Descending")
    listed = [
        {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}
        for model in found
    ]
    return {"Models": listed, **more}


def delete(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteModel: allowed while an endpoint serves it; the next deployment finds out."""
    with lock:
        model = existing(body["ModelName"])
        del state.models[model.name]
        state.tags.pop(model.arn, None)
    return {}


def _only_container(body: dict[str, Any]) -> dict[str, Any]:
    containers = [body["PrimaryContainer"]] if "PrimaryContainer" in body else []
    containers += body.get("Containers", [])
    if len(containers) != 1:
        raise invalid(
            f"The local cloud runs exactly one container in a model, not {len(containers)}"
        )
    found: dict[str, Any] = containers[0]
    return found


def _packaged_container(package_arn: str) -> dict[str, Any]:
    specification = packages.existing(package_arn).content.get("InferenceSpecification")
    if not specification:
        raise invalid(f"ModelPackage {package_arn} has no InferenceSpecification")
    found: dict[str, Any] = specification["Containers"][0]
    return found


OPERATIONS = {
    "CreateModel": create,
    "DescribeModel": describe,
    "ListModels": list_models,
    "DeleteModel": delete,
}
