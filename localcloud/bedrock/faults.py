"""Bedrock at its worst, on request: throttled, unavailable, slow, for the prompts a fault names."""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from localcloud.sagemaker.errors import ServiceError

_INACTIVE = (
    "Access denied. This Model is marked by provider as Legacy and you have not been actively "
    "using the model in the last 30 days. Please upgrade to an active model on Amazon Bedrock"
)
# Code, status and words of the errors that the model of Converse declares.
_ERRORS = {
    "AccessDeniedException": (
        403,
        "You don't have access to the model with the specified model ID.",
    ),
    "InternalServerException": (
        500,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    "ModelErrorException": (
        424,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    "ModelNotReadyException": (
        429,
        "Model is not ready for inference. Wait and try your request again.",
    ),
    "ModelTimeoutException": (
        408,
        "Model has timed out in processing the request. Try your request again.",
    ),
    "ResourceNotFoundException": (
        404,
        _INACTIVE,
    ),
    "ServiceUnavailableException": (503, "Bedrock is unable to process your request."),
    "ThrottlingException": (429, "Too many requests, please wait before trying again."),
    "ValidationException": (
        400,
        "The model returned the following errors: Malformed input request",
    ),
}


@dataclass(slots=True)
class Fault:
    """What goes wrong with which requests; what is left empty matches every one.

    `model` is the id that is asked or that it leads to, `containing` a part of the prompt. Of the
    requests that match, the `share` is struck, evenly spread: after `seconds` of the machine's
    clock they get the `error`, or their answer if there is none.
    """

    error: str = ""
    model: str = ""
    containing: str = ""
    message: str = ""
    share: float = 1.0
    seconds: float = 0.0
    matched: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a fault that could not be."""
        if self.error and self.error not in _ERRORS:
            message = f"error is one of {', '.join(sorted(_ERRORS))}, not {self.error!r}"
            raise ValueError(message)
        if not 0 <= self.share <= 1 or self.seconds < 0:
            message = "share is from 0 to 1, seconds are not negative"
            raise ValueError(message)

    def strikes(self, named: set[str], prompt: str) -> bool:
        """Whether this request is struck; counts."""
        if self.model not in {"", *named} or self.containing not in prompt:
            return False
        self.matched += 1
        if int(self.matched * self.share) == int((self.matched - 1) * self.share):
            return False
        self.struck += 1
        return True


_lock = threading.Lock()
faults: dict[int, Fault] = {}
"""By their place in the list."""


def tell(body: dict[str, Any] | None) -> dict[str, Any]:
    """Tell the faults and their counts; with a body, its `faults` take their place first."""
    with _lock:
        if body is not None:
            wanted = {place: Fault(**one) for place, one in enumerate(body["faults"])}
            faults.clear()
            faults.update(wanted)
        return {"faults": [asdict(one) for one in faults.values()]}


def strike(named: set[str], prompt: str) -> None:
    """Let a request of these models, with this prompt, suffer what was asked for it."""
    with _lock:
        struck = [one for one in faults.values() if one.strikes(named, prompt)]
    for fault in struck:
        time.sleep(fault.seconds)
        if fault.error:
            status, words = _ERRORS[fault.error]
            raise ServiceError(fault.error, fault.message or words, status=status)


def forget() -> None:
    """Let everything go well again."""
    with _lock:
        faults.clear()
