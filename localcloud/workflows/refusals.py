"""How the Step Functions API says no."""


class RefusedError(Exception):
    """The API refuses a call: `code` is the service's name for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
