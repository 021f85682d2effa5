"""Lambda: a function's configuration and code, and its published versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.adapters.endpoint import EndpointBusyError, EndpointRefusedError
from sluice.domain import names
from sluice.domain.publication import FunctionView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_lambda import LambdaClient

_CHANGING = {"InProgress", "Pending"}
_FAILED = "Failed"
_LATER = {"PreconditionFailedException", "ResourceConflictException", "TooManyRequestsException"}
# What sending the same again would not change; of a key, each error has a name that begins so.
_REFUSED = {
    "InvalidParameterValueException",
    "ResourceNotFoundException",
    "CodeStorageExceededException",
}
_OF_A_KEY = "KMS"


class Versions:
    """What a function's versions are made of.

    `client` makes the client: only where an application is concerned.
    """

    def __init__(self, client: Callable[[], LambdaClient]) -> None:
        self._client = client

    def latest(self, function: str) -> FunctionView | None:
        """The function as it can be changed, or None where there is none."""
        return self._view(function, names.LATEST)

    def version(self, function: str, number: str) -> FunctionView | None:
        """A published version, or None where there is none of that number."""
        return self._view(function, number)

    def configure(self, function: str, variables: Mapping[str, str], *, revision: str) -> None:
        """Replace the variables of `$LATEST`, if it is still as it was read.

        Lambda goes on with it after it has answered. Raises EndpointBusyError where something else
        changed or changes it, or we did and never heard of it: read it again. Raises
        EndpointRefusedError.
        """
        try:
            self._client().update_function_configuration(
                FunctionName=function,
                Environment={"Variables": dict(variables)},
                RevisionId=revision,
            )
        except ClientError as error:
            raise _told(error, function) from error

    def publish(self, function: str, latest: FunctionView) -> FunctionView:
        """`$LATEST` as it was read, as a version; the one there is, if nothing changed since.

        Raises EndpointBusyError and EndpointRefusedError, as `configure` does.
        """
        try:
            return _viewed(
                self._client().publish_version(
                    FunctionName=function,
                    CodeSha256=latest.code_sha256,
                    RevisionId=latest.revision,
                )
            )
        except ClientError as error:
            raise _told(error, function) from error

    def _view(self, function: str, qualifier: str) -> FunctionView | None:
        try:
            found = self._client().get_function_configuration(
                FunctionName=function, Qualifier=qualifier
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return _viewed(found)


def _told(error: ClientError, function: str) -> Exception:
    """What an error of Lambda means for whoever wants a change."""
    code = error.response["Error"]["Code"]
    if code in _LATER:
        return EndpointBusyError(function)
    if code in _REFUSED or code.startswith(_OF_A_KEY):
        return EndpointRefusedError(str(error))
    return error


def _viewed(found: Any) -> FunctionView:
    """`State` is of the function's creation, `LastUpdateStatus` of its last change."""
    environment = found.get("Environment", {})
    status = found.get("LastUpdateStatus"), found.get("State")
    reasons = found.get("LastUpdateStatusReason", ""), found.get("StateReason", "")
    failed = [
        reason or _FAILED for one, reason in zip(status, reasons, strict=True) if one == _FAILED
    ]
    return FunctionView(
        version=found["Version"],
        code_sha256=found["CodeSha256"],
        layers=tuple(one["Arn"] for one in found.get("Layers", [])),
        variables=environment.get("Variables", {}),
        readable="Error" not in environment,
        revision=found.get("RevisionId", ""),
        settled=not _CHANGING & set(status),
        failure="; ".join(failed),
    )
