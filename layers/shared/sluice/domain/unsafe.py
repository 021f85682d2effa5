"""What SageMaker offers and we cannot roll out safely: refused by name, wherever it is found.

In `config.json` by the field that asks for it, at registration; on an endpoint by what
DescribeEndpoint and DescribeEndpointConfig say, at preparation: there it would be dropped silently
by the first configuration of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain.refusal import ADVICE, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

MEANT = {
    Reason.INFERENCE_COMPONENTS: "inference components",
    Reason.MULTI_MODEL: "multi-model endpoints",
    Reason.ASYNCHRONOUS: "asynchronous inference",
    Reason.MARKETPLACE: "Marketplace containers",
    Reason.SHADOW_VARIANTS: "shadow variants",
    Reason.DATA_CAPTURE: "data capture",
    Reason.INFERENCE_PIPELINE: "inference pipelines",
    Reason.EXPLAINER: "online explainability",
}

FIELDS = {
    "async_inference": Reason.ASYNCHRONOUS,
    "async_inference_config": Reason.ASYNCHRONOUS,
    "containers": Reason.INFERENCE_PIPELINE,
    "data_capture": Reason.DATA_CAPTURE,
    "data_capture_config": Reason.DATA_CAPTURE,
    "explainer": Reason.EXPLAINER,
    "explainer_config": Reason.EXPLAINER,
    "inference_component": Reason.INFERENCE_COMPONENTS,
    "inference_components": Reason.INFERENCE_COMPONENTS,
    "inference_pipeline": Reason.INFERENCE_PIPELINE,
    "managed_instance_scaling": Reason.INFERENCE_COMPONENTS,
    "mode": Reason.MULTI_MODEL,
    "model_package_name": Reason.MARKETPLACE,
    "multi_model": Reason.MULTI_MODEL,
    "multi_model_config": Reason.MULTI_MODEL,
    "pipeline": Reason.INFERENCE_PIPELINE,
    "product_id": Reason.MARKETPLACE,
    "shadow_production_variants": Reason.SHADOW_VARIANTS,
    "shadow_variants": Reason.SHADOW_VARIANTS,
}
"""The names under which engineers ask for it, SageMaker's own among them."""


def refuse_fields(config: Mapping[str, Any]) -> Refusal | None:
    """The first field that asks for what is not rolled out; None when there is none."""
    asked = sorted(FIELDS.keys() & config.keys())
    if not asked:
        return None
    reason = FIELDS[asked[0]]
    return Refusal(reason=reason, detail=f"{asked[0]}: {MEANT[reason]} are not rolled out")


def features(endpoint: Mapping[str, Any], config: Mapping[str, Any]) -> frozenset[Reason]:
    """What an endpoint has that ours have not, from DescribeEndpoint and DescribeEndpointConfig.

    A variant without a `ModelName` hosts inference components.
    """
    variants = config.get("ProductionVariants", [])
    both = (endpoint, config)
    found = {
        Reason.ASYNCHRONOUS: any(one.get("AsyncInferenceConfig") for one in both),
        Reason.SHADOW_VARIANTS: any(one.get("ShadowProductionVariants") for one in both),
        Reason.EXPLAINER: any(one.get("ExplainerConfig") for one in both),
        Reason.DATA_CAPTURE: any(
            one.get("DataCaptureConfig", {}).get("EnableCapture") for one in both
        ),
        Reason.INFERENCE_COMPONENTS: any("ModelName" not in one for one in variants),
    }
    return frozenset(reason for reason, there in found.items() if there)


def endpoint_objection(endpoint: str, found: Set[Reason]) -> str:
    """Why an endpoint with these features cannot take a rollout, and what to do; or nothing."""
    if not found:
        return ""
    reason = min(found)
    return f"{reason}: the endpoint {endpoint} has {MEANT[reason]}. {ADVICE[reason]}"
