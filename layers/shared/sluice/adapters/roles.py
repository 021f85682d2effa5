"""IAM: whether a role is there that a model is to run as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_iam import IAMClient

_ABSENT = "NoSuchEntity"


class Roles:
    """The roles of this account. `client` makes the client: only where a role is asked for."""

    def __init__(self, client: Callable[[], IAMClient]) -> None:
        self._client = client

    def exists(self, arn: str) -> bool:
        """Whether there is a role of this ARN: one made anew under its name may have another."""
        try:
            found = self._client().get_role(RoleName=arn.rpartition("/")[2])
        except ClientError as error:
            if error.response["Error"]["Code"] == _ABSENT:
                return False
            raise
        return found["Role"]["Arn"] == arn
