"""Endpoint configurations: immutable, and not protected from being deleted while in use."""

import copy
from typing import Any

from localcloud.clock import clock
from localcloud.sagemaker import arns, models, tags, weights
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.pages import page
from localcloud.sagemaker.state import EndpointConfig, Variant, lock, state

_INSTANCES = {"InstanceType", "InitialInstanceCount"}


def existing(name: str) -> EndpointConfig:
    """The configuration, or ValidationException as SageMaker says it."""
    config = state.configs.get(name)
    if config is None:
        raise invalid(f'Could not find endpoint configuration "{arns.endpoint_config(name)}".')
    return config


def initial_variants(config: EndpointConfig) -> list[Variant]:
    """The fleet a configuration describes; InitialVariantWeight 0 is a weight like any other."""
    return [
        Variant(
            name=variant["VariantName"],
            model=variant["ModelName"],
            current_weight=float(variant["InitialVariantWeight"]),
            desired_weight=float(variant["InitialVariantWeight"]),
            current_count=variant.get("InitialInstanceCount", 0),
            desired_count=variant.get("InitialInstanceCount", 0),
            instance_type=variant.get("InstanceType"),
            serverless=variant.get("ServerlessConfig"),
        )
        for variant in config.content["ProductionVariants"]
    ]


def create(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """CreateEndpointConfig."""
    name = body["EndpointConfigName"]
    with lock:
        if name in state.configs:
            arn = arns.endpoint_config(name)
            raise invalid(f'Cannot create already existing endpoint configuration "{arn}".')
        _check_variants(body["ProductionVariants"])
        content = copy.deepcopy({key: value for key, value in body.items() if key != "Tags"})
        for variant in content["ProductionVariants"]:
            variant.setdefault("InitialVariantWeight", 1.0)
        config = EndpointConfig(name, clock.now(), content)
        state.configs[name] = config
        tags.put(config.arn, body.get("Tags"))
    return {"EndpointConfigArn": config.arn}


def describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DescribeEndpointConfig."""
    with lock:
        config = existing(body["EndpointConfigName"])
        answer = copy.deepcopy(config.content)
    return {**answer, "EndpointConfigArn": config.arn, "CreationTime": config.created}


def list_configs(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListEndpointConfigs, newest first."""
    keys = {"CreationTime": lambda c: (c.created, c.name), "Name": lambda c: c.name}
    with lock:
        found, more = page(state.configs.values(), body, keys=keys, order="Descending")
    listed = [
        {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "CreationTime": config.created,
        }
        for config in found
    ]
    return {"EndpointConfigs": listed, **more}


def delete(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteEndpointConfig: SageMaker warns against it while in use, and does it."""
    with lock:
        config = existing(body["EndpointConfigName"])
        del state.configs[config.name]
        state.tags.pop(config.arn, None)
    return {}


def _check_variants(variants: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise invalid(f"Production variant names must be unique: {', '.join(names)}")
    for variant in variants:
        _check_variant(variant)
    if any("ServerlessConfig" in variant for variant in variants) and len(variants) > 1:
        raise invalid("A serverless endpoint can have only one production variant")
    if not any(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise invalid("At least one production variant must have a weight greater than zero")


def _check_variant(variant: dict[str, Any]) -> None:
    if "ModelName" not in variant:
        raise invalid("The local cloud has no inference components: a variant needs a ModelName")
    model = models.existing(variant["ModelName"])
    instances = _INSTANCES & variant.keys()
    if "ServerlessConfig" in variant:
        if instances:
            raise invalid("Specify either a ServerlessConfig or instances, not both")
        weights.check_serverless(models.container(model))
    elif instances != _INSTANCES:
        raise invalid(
            "A variant needs InstanceType and InitialInstanceCount, or a ServerlessConfig"
        )


OPERATIONS = {
    "CreateEndpointConfig": create,
    "DescribeEndpointConfig": describe,
    "ListEndpointConfigs": list_configs,
    "DeleteEndpointConfig": delete,
}
