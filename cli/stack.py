"""Where the stack's ledger is, and who asks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import UnusableError, in_words
from sluice.adapters.ledger.table import Table
from sluice.domain import names

if TYPE_CHECKING:
    from argparse import Namespace

    from mypy_boto3_s3 import S3Client

STACK, TABLE, BUCKET = "SLUICE_STACK", "SLUICE_TABLE", "SLUICE_BUCKET"
REGION = "AWS_REGION"
"""Read here: of the SDKs of AWS, Python's alone knows AWS_DEFAULT_REGION only."""
ROLE = "SLUICE_SERVING_ROLE"
KEYS = "SLUICE_TRUSTED_KEYS"
_TABLE_OUTPUT, _BUCKET_OUTPUT = "LedgerTableName", "ArtifactsBucketName"
_ROLE_OUTPUT = "ServingRoleArn"
_KEY_OUTPUT, _MORE_KEYS_OUTPUT = "SigningKeyArn", "TrustedKeyArns"
_ROLES_PARAMETER = "ExecutionRoleArns"


class Connection:
    """The account that the credentials are of, in the region that is set."""

    def __init__(self, options: Namespace) -> None:
        region = options.region or os.environ.get(REGION) or None
        self._session = boto3.Session(region_name=region)
        self._stack = options.stack or os.environ.get(STACK, "sluice")
        self._table = options.table or os.environ.get(TABLE, "")
        self._bucket = getattr(options, "bucket", "") or os.environ.get(BUCKET, "")
        self._role = getattr(options, "serving_role", "") or os.environ.get(ROLE, "")
        self._keys = getattr(options, "trusted_keys", "") or os.environ.get(KEYS, "")

    def table(self) -> Table:
        """The ledger. Raises UnusableError where it cannot be found."""
        name = self._table or self._of_stack(_TABLE_OUTPUT, f"--table or {TABLE}")
        return Table(self.client("dynamodb"), name)

    def bucket(self) -> str:
        """The bucket that engineers push to. Raises UnusableError where it cannot be found."""
        return self._bucket or self._of_stack(_BUCKET_OUTPUT, f"--bucket or {BUCKET}")

    def serving_role(self) -> str:
        """What models run as whose config names no role. Raises UnusableError where unknown."""
        return self._role or self._of_stack(_ROLE_OUTPUT, f"--serving-role or {ROLE}")

    def trusted_keys(self) -> tuple[str, ...]:
        """ARNs of the keys whose signatures count. Raises UnusableError where unknown."""
        if self._keys:
            return tuple(filter(None, self._keys.split(",")))
        own = self._of_stack(_KEY_OUTPUT, f"--trusted-keys or {KEYS}")
        more = self._outputs(f"--trusted-keys or {KEYS}").get(_MORE_KEYS_OUTPUT, "")
        return (own, *filter(None, more.split(",")))

    def execution_roles(self) -> frozenset[str] | None:
        """What models may run as beside the serving role; None where the stack cannot be asked."""
        said = {
            one["ParameterKey"]: one["ParameterValue"]
            for one in self._described().get("Parameters", [])
        }
        listed = said.get(_ROLES_PARAMETER)
        return None if listed is None else frozenset(filter(None, listed.split(",")))

    def _described(self) -> dict[str, Any]:
        """The stack as CloudFormation tells it; empty where it does not."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=self._stack)[
                "Stacks"
            ]
        except (BotoCoreError, ClientError):
            return {}
        return dict(stack)

    def s3(self) -> S3Client:
        """Where the bucket is. Raises UnusableError."""
        client: S3Client = self.client("s3")
        return client

    def caller(self) -> str:
        """The ARN of whoever asks. Raises UnusableError."""
        try:
            return str(self.client("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError) as error:
            message = f"who asks is not known: {in_words(error)}; or say it with --by"
            raise UnusableError(message) from error

    def _of_stack(self, output: str, otherwise: str) -> str:
        outputs = self._outputs(otherwise)
        if output not in outputs:
            message = f"stack {self._stack!r} has no output {output}: is it a stack of Sluice?"
            raise UnusableError(message)
        return outputs[output]

    def _outputs(self, otherwise: str) -> dict[str, str]:
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=self._stack)[
                "Stacks"
            ]
        except (BotoCoreError, ClientError) as error:
            message = (
                f"stack {self._stack!r} cannot be read: {in_words(error)}; name it with --stack or "
                f"{STACK}, or do without a stack by {otherwise}"
            )
            raise UnusableError(message) from error
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def client(self, service: str) -> Any:
        """A client for a service of AWS. Raises UnusableError."""
        try:
            return self._session.client(service)  # type: ignore[call-overload]
        except BotoCoreError as error:
            message = f"no client for AWS: {error} Set it with --region or {REGION}"
            raise UnusableError(message) from error


def target_named(name: str) -> str:
    """`endpoint/churn`, also of `churn`; `application/support`. Raises UnusableError."""
    target = name if "/" in name else names.target_of(name)
    if target.partition("/")[0] not in names.KINDS or not names.name_of(target):
        message = f"no target is called {name!r}: name it endpoint/NAME or application/NAME"
        raise UnusableError(message)
    return target
