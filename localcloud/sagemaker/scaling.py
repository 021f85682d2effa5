"""What Application Auto Scaling's registered variants forbid an update."""

from localcloud import moto_engine
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.state import Endpoint, Variant

_DESCRIBE = "AnyScaleFrontendService.DescribeScalableTargets"


def check_update(endpoint: Endpoint, variants: list[Variant]) -> None:
    """Refuse an update that drops a registered variant or changes its instance type."""
    coming = {variant.name: variant.instance_type for variant in variants}
    changed = [v.name for v in endpoint.variants if coming.get(v.name) != v.instance_type]
    registered = _registered(endpoint.name, changed)
    if registered:
        raise invalid(
            f'Cannot update endpoint "{endpoint.arn}": the variant(s) {", ".join(registered)} are '
            "registered as scalable targets. Deregister them first."
        )


def _registered(endpoint: str, names: list[str]) -> list[str]:
    if not names:
        return []
    ids = [f"endpoint/{endpoint}/variant/{name}" for name in names]
    body = {"ServiceNamespace": "sagemaker", "ResourceIds": ids}
    targets = moto_engine.call("application-autoscaling", _DESCRIBE, body)["ScalableTargets"]
    return sorted(target["ResourceId"].rsplit("/", 1)[-1] for target in targets)
