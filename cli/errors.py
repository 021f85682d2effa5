"""How a command ends when it cannot do what it is asked."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

DONE, NO, UNUSABLE, TOO_LATE, NOTHING = 0, 1, 2, 3, 4
"""Exit codes: it is so or is done; it is not so or is refused; it could not be asked; it did not
come to be so in time; there is nothing that it could be so of."""


_TABLES = frozenset({"GetItem", "Query", "UpdateItem", "TransactWriteItems", "TransactGetItems"})


class UnusableError(Exception):
    """What was asked cannot be found out; the message says what to change."""


class RefusedError(Exception):
    """What was asked for is refused; the message says why."""


def unknown(target: str) -> UnusableError:
    """The error for a target that the ledger has nothing of."""
    said = "nothing was ever approved for it, or it is another endpoint/NAME or application/NAME"
    return UnusableError(f"the ledger has nothing of {target}: {said}")


def in_words(error: BotoCoreError | ClientError) -> str:
    """What AWS or its SDK answered, with what to change where its own words do not say."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"{error}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    missing = (
        isinstance(error, ClientError)
        and error.operation_name in _TABLES
        and error.response["Error"]["Code"] == "ResourceNotFoundException"
    )
    if missing:
        return f"{error}: name the ledger's table with --table or SLUICE_TABLE, in its Region"
    return str(error)
