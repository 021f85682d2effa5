"""Endpoints: what may be asked of one in which status, and what DescribeEndpoint tells."""

import copy
from typing import Any

from localcloud.autoscaling.state import deregister_endpoint
from localcloud.clock import clock
from localcloud.sagemaker import (
    arns,
    configs,
    deployments,
    fleet,
    guardrails,
    limits,
    scaling,
    tags,
)
from localcloud.sagemaker.caller import Caller
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.fleet import FleetError
from localcloud.sagemaker.pages import page
from localcloud.sagemaker.state import Deployment, Endpoint, Variant, lock, state

_SETTLED = {"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}


def existing(name: str) -> Endpoint:
    """The endpoint, or ValidationException as SageMaker says it."""
    endpoint = state.endpoints.get(name)
    if endpoint is None:
        raise invalid(f'Could not find endpoint "{arns.endpoint(name)}".')
    return endpoint


def create(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """CreateEndpoint: Creating until its fleet serves, or Failed."""
    name = body["EndpointName"]
    with lock:
        if name in state.endpoints:
            raise invalid(f'Cannot create already existing endpoint "{arns.endpoint(name)}".')
        config = configs.existing(body["EndpointConfigName"])
        variants = configs.initial_variants(config)
        guardrails.check(body.get("DeploymentConfig"), variants)
        limits.require(variants)
        now = clock.now()
        endpoint = Endpoint(name, config.name, now, now, "Creating")
        endpoint.deployment_config = body.get("DeploymentConfig")
        _begin(endpoint, Deployment(config.name, variants, now))
        state.endpoints[name] = endpoint
        tags.put(endpoint.arn, body.get("Tags"))
    return {"EndpointArn": endpoint.arn}


def update(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """UpdateEndpoint: a new fleet for the new configuration, while the old one serves."""
    with lock:
        endpoint = _updatable(body["EndpointName"])
        configs.existing(
            endpoint.config
        )  # SageMaker cannot move on from a configuration that is gone
        config = configs.existing(body["EndpointConfigName"])
        variants = configs.initial_variants(config)
        if body.get("RetainAllVariantProperties"):
            excluded = body.get("ExcludeRetainedVariantProperties", [])
            _retain(endpoint, variants, {item["VariantPropertyType"] for item in excluded})
        scaling.check_update(endpoint, variants)
        guardrails.check(body.get("DeploymentConfig"), variants)
        _check_fleet(endpoint, variants)
        _check_weights([variant.desired_weight for variant in variants])
        limits.require(variants)
        if not body.get("RetainDeploymentConfig"):
            endpoint.deployment_config = body.get("DeploymentConfig")
        endpoint.status, endpoint.modified = "Updating", clock.now()
        _begin(endpoint, Deployment(config.name, variants, clock.now()))
    return {"EndpointArn": endpoint.arn}


def update_weights(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """UpdateEndpointWeightsAndCapacities: no new fleet, and seconds instead of minutes."""
    with lock:
        endpoint = _updatable(body["EndpointName"])
        wanted = {item["VariantName"]: item for item in body["DesiredWeightsAndCapacities"]}
        _check_names(endpoint, wanted.keys() - {variant.name for variant in endpoint.variants})
        weights = {variant.name: variant.desired_weight for variant in endpoint.variants}
        weights |= {n: w["DesiredWeight"] for n, w in wanted.items() if "DesiredWeight" in w}
        _check_weights(list(weights.values()))
        _check_counts(endpoint, wanted)
        for variant in endpoint.variants:
            variant.desired_weight = float(weights[variant.name])
            asked = wanted.get(variant.name, {})
            variant.desired_count = asked.get("DesiredInstanceCount", variant.desired_count)
        endpoint.status, endpoint.modified = "Updating", clock.now()
        deployments.begin_weights(endpoint)
    return {"EndpointArn": endpoint.arn}


def describe(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DescribeEndpoint: EndpointConfigName is the one that serves, not the one on its way."""
    with lock:
        endpoint = existing(body["EndpointName"])
        answer = _summary(endpoint) | {"EndpointConfigName": endpoint.config}
        if endpoint.variants:
            answer["ProductionVariants"] = [_variant(variant) for variant in endpoint.variants]
        if endpoint.pending is not None:
            answer["PendingDeploymentSummary"] = _pending(endpoint.pending)
        if endpoint.failure is not None:
            answer["FailureReason"] = endpoint.failure
        if endpoint.deployment_config is not None:
            answer["LastDeploymentConfig"] = copy.deepcopy(endpoint.deployment_config)
    return answer


def list_endpoints(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """ListEndpoints, newest first."""
    keys = {
        "CreationTime": lambda e: (e.created, e.name),
        "Name": lambda e: e.name,
        "Status": lambda e: (e.status, e.name),
    }
    status = body.get("StatusEquals")
    with lock:
        wanted = [e for e in state.endpoints.values() if status in (None, e.status)]
        found, more = page(wanted, body, keys=keys, order="Descending")
        return {"Endpoints": [_summary(endpoint) for endpoint in found], **more}


def delete(body: dict[str, Any], _caller: Caller) -> dict[str, Any]:
    """DeleteEndpoint: the only thing a Failed endpoint accepts, and nothing a busy one does."""
    with lock:
        endpoint = _settled(body["EndpointName"])
        endpoint.status, endpoint.modified = "Deleting", clock.now()
        deregister_endpoint(endpoint.name)
        deployments.begin_deletion(endpoint)
    return {}


def _begin(endpoint: Endpoint, deployment: Deployment) -> None:
    try:
        jobs = fleet.prepare(deployment.variants)
    except FleetError as error:
        raise invalid(str(error)) from error
    deployments.begin_deployment(endpoint, deployment, jobs)


def _settled(name: str) -> Endpoint:
    endpoint = existing(name)
    if endpoint.status not in _SETTLED:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    return endpoint


def _updatable(name: str) -> Endpoint:
    endpoint = _settled(name)
    if endpoint.status == "Failed":
        raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status Failed: only delete it.')
    return endpoint


def _retain(endpoint: Endpoint, variants: list[Variant], excluded: set[str]) -> None:
    """Carry live weights and counts over to variants of the same name."""
    live = {variant.name: variant for variant in endpoint.variants}
    for variant in variants:
        old = live.get(variant.name)
        if old is not None and "DesiredWeight" not in excluded:
            variant.current_weight = variant.desired_weight = old.desired_weight
        if old is not None and "DesiredInstanceCount" not in excluded:
            variant.current_count = variant.desired_count = old.desired_count


def _check_fleet(endpoint: Endpoint, variants: list[Variant]) -> None:
    """Real-time endpoints cannot become serverless (serverless-endpoints)."""
    had_instances = any(variant.serverless is None for variant in endpoint.variants)
    if had_instances and any(variant.serverless for variant in variants):
        raise invalid(
            f'Cannot update endpoint "{endpoint.arn}": an instance-based endpoint cannot become '
            "serverless"
        )


def _check_names(endpoint: Endpoint, unknown: set[str]) -> None:
    if unknown:
        names = ", ".join(sorted(unknown))
        raise invalid(
            f'The variant name(s) "{names}" is/are not present within endpoint configuration '
            f'"{endpoint.config}".'
        )


def _check_weights(weights: list[float]) -> None:
    if not any(weights):
        raise invalid("At least one production variant must have a weight greater than zero")


def _check_counts(endpoint: Endpoint, wanted: dict[str, dict[str, Any]]) -> None:
    used = limits.in_use()
    for variant in endpoint.variants:
        more = wanted.get(variant.name, {}).get("DesiredInstanceCount", 0) - variant.desired_count
        if more > 0 and variant.instance_type:
            limits.require_more(variant.instance_type, more, used[variant.instance_type])


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }


def _variant(variant: Variant) -> dict[str, Any]:
    told: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": variant.images,
        "CurrentWeight": variant.current_weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": variant.current_count,
        "DesiredInstanceCount": variant.desired_count,
    }
    if variant.serverless is not None:
        told["CurrentServerlessConfig"] = told["DesiredServerlessConfig"] = variant.serverless
    return copy.deepcopy(told)


def _pending(deployment: Deployment) -> dict[str, Any]:
    def told(variant: Variant) -> dict[str, Any]:
        summary = _variant(variant) | {
            "VariantStatus": [{"Status": deployment.stage, "StartTime": deployment.started}]
        }
        if variant.instance_type is not None:
            summary["InstanceType"] = variant.instance_type
        return summary

    return {
        "EndpointConfigName": deployment.config,
        "ProductionVariants": [told(variant) for variant in deployment.variants],
        "StartTime": deployment.started,
    }


OPERATIONS = {
    "CreateEndpoint": create,
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DescribeEndpoint": describe,
    "ListEndpoints": list_endpoints,
    "DeleteEndpoint": delete,
}
