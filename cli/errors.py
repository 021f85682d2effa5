"""How a command ends when it cannot do what it is asked."""

from __future__ import annotations

DONE, NO, UNUSABLE, TOO_LATE, NOTHING = 0, 1, 2, 3, 4
"""Exit codes: it is so or is done; it is not so or is refused; it could not be asked; it did not
come to be so in time; there is nothing that it could be so of."""


class UnusableError(Exception):
    """What was asked cannot be found out; the message says what to change."""


class RefusedError(Exception):
    """What was asked for is refused; the message says why."""


def unknown(target: str) -> UnusableError:
    """The error for a target that the ledger has nothing of."""
    said = "nothing was ever approved for it, or it is another endpoint/NAME or application/NAME"
    return UnusableError(f"the ledger has nothing of {target}: {said}")
