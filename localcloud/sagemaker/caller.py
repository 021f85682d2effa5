"""Who made a call, as SageMaker records it in `CreatedBy` and `LastModifiedBy`."""

from dataclasses import dataclass
from typing import Any

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
