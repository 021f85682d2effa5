"""What SageMaker answers when it refuses: a code, a message and an HTTP status."""

import json


class ServiceError(Exception):
    """A refusal in the shape of the JSON 1.1 protocol; `fields` are members of the error shape."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.fields = code, message, status, fields

    def body(self) -> bytes:
        """The error document; JSON services read the code from `__type`."""
        named = {"__type": self.code, "message": self.message, "Message": self.message}
        return json.dumps({**named, **self.fields}).encode()


def invalid(message: str) -> ServiceError:
    """The refusal SageMaker uses for almost everything: bad input, missing things, wrong states."""
    return ServiceError("ValidationException", message)


def conflict(message: str) -> ServiceError:
    """The registry's refusal of a request that contradicts what is there."""
    return ServiceError("ConflictException", message)
