"""What Application Auto Scaling's registered variants forbid an update."""

from localcloud.autoscaling.state import registered
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.state import Endpoint, Variant


def check_update(endpoint: Endpoint, variants: list[Variant]) -> None:
    """Refuse an update that drops a registered variant or changes its instance type."""
    coming = {variant.name: variant.instance_type for variant in variants}
    changed = [v.name for v in endpoint.variants if coming.get(v.name) != v.instance_type]
    found = registered(endpoint.name, changed)
    if found:
        raise invalid(
            f'Cannot update endpoint "{endpoint.arn}": the variant(s) {", ".join(found)} are '
            "registered as scalable targets. Deregister them first."
        )
