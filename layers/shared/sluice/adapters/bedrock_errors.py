"""What Bedrock's runtimes refuse, told apart by what whoever asked can do about it."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as NotConnectedError,
)

_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException"})
_PASSING = frozenset(
    {
        "BadGatewayException",
        "InternalServerException",
        "ModelNotReadyException",  # the SDK would ask again five times
        "ModelTimeoutException",
        "ServiceUnavailableException",
    }
)


class BusyError(Exception):
    """Bedrock had no room or could not be reached: the same may be answered later."""

    def __init__(self, reason: str, *, throttled: bool = False) -> None:
        super().__init__(reason)
        self.throttled = throttled


class RefusedError(Exception):
    """Bedrock refuses it, and would again."""


def told(error: ClientError | BotoCoreError) -> BusyError | RefusedError:
    """What an error of the SDK comes to.

    What the SDK itself says is not handed on: its messages quote the request, prompt and all.
    """
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        reason = f"{code}: {error.response['Error']['Message']}"
        if code in _THROTTLED | _PASSING:
            return BusyError(reason, throttled=code in _THROTTLED)
        return RefusedError(reason)
    name = type(error).__name__
    unreached = isinstance(error, (HTTPClientError, NotConnectedError))
    return BusyError(name) if unreached else RefusedError(name)
