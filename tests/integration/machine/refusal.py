"""How the account says no."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """A service refuses a call with this code."""

    def __init__(self, code: str, message: str = "", **more: Any) -> None:
        super().__init__(code, message)
        self.code, self.message, self.more = code, message, more


def invalid(message: str) -> RefusedError:
    """SageMaker's answer to whatever it has no modelled error for."""
    return RefusedError("ValidationException", message)
