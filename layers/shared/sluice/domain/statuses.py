"""What each of SageMaker's nine endpoint statuses allows (`EndpointStatus`, DescribeEndpoint)."""

from __future__ import annotations

from enum import StrEnum


class Allowed(StrEnum):
    """What may be done to an endpoint in some status."""

    WAIT = "Wait"
    """Nothing: SageMaker works on it and refuses every change until it has ended."""
    ACT = "Act"
    """Any change."""
    REISSUE = "Reissue"
    """One change only: UpdateEndpoint, once more, to a configuration that is good."""
    RECREATE = "Recreate"
    """Nothing but DeleteEndpoint; what shall serve again has to be created afresh."""


IN_SERVICE = "InService"

_ALLOWED = {
    IN_SERVICE: Allowed.ACT,
    "Creating": Allowed.WAIT,
    "Updating": Allowed.WAIT,
    "SystemUpdating": Allowed.WAIT,
    "RollingBack": Allowed.WAIT,
    "Deleting": Allowed.WAIT,
    # "Not available to take incoming requests"; only of Failed is it said that nothing helps.
    "OutOfService": Allowed.REISSUE,
    # "In service with a mix of the old and new endpoint configurations": weights prove nothing
    # there; "restore the endpoint's status" by UpdateEndpoint (guide, Rolling Deployments).
    "UpdateRollbackFailed": Allowed.REISSUE,
    # "DeleteEndpoint is the only operation that can be performed on a failed endpoint."
    "Failed": Allowed.RECREATE,
}


def allowed(status: str) -> Allowed:
    """What `status` allows; of a status that nobody knows, nothing."""
    return _ALLOWED.get(status, Allowed.WAIT)


def settled(status: str) -> bool:
    """Whether an endpoint in `status` stays as it is until somebody changes it."""
    return allowed(status) is not Allowed.WAIT
