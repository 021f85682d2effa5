"""How many instances of a type the account may use for endpoints, and what happens beyond that."""

from collections import Counter
from collections.abc import Iterable

from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.state import Variant, state

GENEROUS = 1000
"""What is applied unless set: a new account's defaults are single digits, differ by type and have
to be raised before anything is deployed seriously."""

applied: dict[str, int] = {}
"""Quotas that were set, by instance type."""


def allowed(instance_type: str) -> int:
    """The applied quota of a type."""
    return applied.get(instance_type, GENEROUS)


def in_use() -> Counter[str]:
    """Instances by type: of the fleets that serve and of those being made."""
    found = Counter[str]()
    for endpoint in state.endpoints.values():
        coming = endpoint.pending.variants if endpoint.pending else []
        found += _counts([*endpoint.variants, *coming])
    return found


def require(coming: Iterable[Variant]) -> None:
    """Raise ResourceLimitExceeded unless there is room for these beside all that is in use."""
    used = in_use()
    for instance_type, count in _counts(coming).items():
        require_more(instance_type, count, used[instance_type])


def require_more(instance_type: str, count: int, used: int) -> None:
    """Raise ResourceLimitExceeded, in SageMaker's words, unless `count` more are allowed."""
    if used + count <= allowed(instance_type):
        return
    raise ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is "
        f"{allowed(instance_type)} Instances, with current utilization of {used} Instances and a "
        f"request delta of {count} Instances. Please use AWS Service Quotas to request an increase "
        f"for this quota.",
    )


def _counts(variants: Iterable[Variant]) -> Counter[str]:
    found = Counter[str]()
    for variant in variants:
        if variant.instance_type:
            found[variant.instance_type] += max(variant.current_count, variant.desired_count)
    return found
