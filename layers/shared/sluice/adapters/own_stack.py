"""CloudFormation: the stack that this function belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sluice.domain.infrastructure import Infrastructure, infrastructure, without_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation import CloudFormationClient

_FOR_GOOD = frozenset({"AccessDenied", "AccessDeniedException", "ValidationError"})
"""Denied, or no such stack: no retry helps before somebody has changed something."""


class TemplateUnreadableError(Exception):
    """CloudFormation will not tell the stack's template until an operator has changed something."""


class OwnStack:
    """The stack that `stack_id` is the ARN of, deployed from `commit`."""

    def __init__(
        self, client: Callable[[], CloudFormationClient], stack_id: str, *, commit: str
    ) -> None:
        self._client = client
        self._stack_id, self._commit = stack_id, commit

    def infrastructure(self) -> Infrastructure:
        """The stack as it is now: asked each time, an update may be minutes old.

        Raises TemplateUnreadableError; throttling and outages come as ClientError, as everywhere.
        """
        if not self._stack_id:
            return without_stack(self._commit)
        try:
            # GetTemplate's default is the template after its transforms; "Original" is what was
            # deployed (CloudFormation API reference, GetTemplate, TemplateStage).
            answer = self._client().get_template(StackName=self._stack_id, TemplateStage="Original")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _FOR_GOOD:
                raise
            raise TemplateUnreadableError(str(error)) from error
        return infrastructure(self._stack_id, answer["TemplateBody"], self._commit)
