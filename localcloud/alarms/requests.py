"""How CloudWatch refuses a request."""


class InvalidError(Exception):
    """The request is refused: `code` is CloudWatch's name for the reason."""

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code, self.message = code, message
