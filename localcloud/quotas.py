"""Service Quotas: SageMaker's instances for endpoints, by type, and a way to set them.

Names are AWS's; codes are made up, because AWS publishes none.
"""

import functools
import hashlib
from typing import Any

import botocore.session

from localcloud import control, hooks, json_service
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import Body, JsonService, page
from localcloud.sagemaker import limits
from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.state import lock

_MOST = 100


def mount() -> None:
    """Serve `servicequotas` from the gateway, and `/_localcloud/quotas`."""
    import ministack.app as gateway

    json_service.require_hooks()
    hooks.require(gateway, "SERVICE_HANDLERS", call=False)
    gateway.SERVICE_HANDLERS["servicequotas"] = SERVICE.handle
    control.route("quotas")(apply)
    hooks.wrap(gateway, "_reset_all_state")(_forget)


def stop() -> None:
    """Nothing runs here."""


def apply(body: dict[str, Any] | None) -> dict[str, Any]:
    """Tell what was set and what is used; a body sets quotas first, null takes one back."""
    for instance_type, value in (body or {}).items():
        if instance_type not in _types():
            message = f"{instance_type} is no instance type for endpoints"
            raise ValueError(message)
        limits.applied.pop(instance_type, None)
        if value is not None:
            limits.applied[instance_type] = int(value)
    with lock:
        used = dict(limits.in_use())
    return {"applied": dict(limits.applied), "used": used}


def list_quotas(request: Body, _access_key: str) -> Body:
    """ListServiceQuotas."""
    _require_sagemaker(request)
    listed, more = page([_quota(one) for one in _types()], request, most=_MOST)
    return {"Quotas": listed, **more}


def get_quota(request: Body, _access_key: str) -> Body:
    """GetServiceQuota."""
    _require_sagemaker(request)
    for one in _types():
        if _quota(one)["QuotaCode"] == request["QuotaCode"]:
            return {"Quota": _quota(one)}
    raise ServiceError("NoSuchResourceException", f"There is no {request['QuotaCode']}")


def _authorise(operation: str, _request: Body, access_key: str) -> None:
    refused = json_service.refusal(access_key, f"servicequotas:{operation}", "*")
    if refused:
        raise refused


def _require_sagemaker(request: Body) -> None:
    if request["ServiceCode"] != "sagemaker":
        raise ServiceError("NoSuchResourceException", "The local cloud has SageMaker's alone")


@functools.cache
def _types() -> list[str]:
    """Every instance type for endpoints; the model that tells them is long to read."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape: Any = model.shape_for("ProductionVariantInstanceType")
    return list(shape.enum)


def _quota(instance_type: str) -> dict[str, Any]:
    name = f"{instance_type} for endpoint usage"
    code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(limits.allowed(instance_type)),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _forget(original: Any) -> None:
    original()
    limits.applied.clear()


SERVICE = JsonService(
    "service-quotas",
    {"ListServiceQuotas": list_quotas, "GetServiceQuota": get_quota},
    _authorise,
)
