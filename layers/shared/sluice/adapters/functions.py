"""The one function that others call: `reconcile_target`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sluice.domain.values import iso

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_lambda import LambdaClient


class Functions:
    """Asynchronous invocations of our own functions."""

    def __init__(self, client: LambdaClient, *, reconcile_target: str) -> None:
        self._client = client
        self._reconcile_target = reconcile_target

    def reconcile(self, target: str, *, at: datetime) -> None:
        """Ask `reconcile_target` to look at a target now; the schedule would minutes later."""
        self._client.invoke(
            FunctionName=self._reconcile_target,
            InvocationType="Event",
            Payload=json.dumps({"target": target, "at": iso(at)}),
        )
