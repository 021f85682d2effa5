"""Who made a call, as SageMaker records it in `CreatedBy` and `LastModifiedBy`."""

from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator

from localcloud.constants import ACCOUNT


@dataclass(frozen=True, slots=True)
class Caller:
    """An IAM principal; `access_key` is what IAM looks it up by."""

    arn: str
    principal_id: str
    access_key: str = ""

    def user_context(self) -> dict[str, Any]:
        """The UserContext shape: who touched a resource, not who approved it."""
        return {"IamIdentity": {"Arn": self.arn, "PrincipalId": self.principal_id}}


ROOT = Caller(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


def caller_of(access_key: str) -> Caller:
    """Whose key it is; the account's own, where it is nobody's."""
    identity = iam_evaluator.resolve_caller_identity(access_key)
    if identity is None:
        return Caller(iam_evaluator.caller_arn(), ACCOUNT, access_key)
    return Caller(identity["userArn"], identity["userId"], access_key)
