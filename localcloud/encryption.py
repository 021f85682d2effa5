"""S3 objects under a customer's KMS key: whoever reads or writes them needs the key as well.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import kms, s3

from localcloud import enforcement, hooks
from localcloud.constants import REGION

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_NEEDED = {
    "s3:GetObject": "kms:Decrypt",
    "s3:GetObjectVersion": "kms:Decrypt",
    "s3:PutObject": "kms:GenerateDataKey",
}


def mount() -> None:
    """Ask for the key where ministack asks only for the object."""
    hooks.require(s3, "_bucket_default_sse_headers", "bucket_name")
    hooks.require(s3, "_ensure_bucket", call=False)
    hooks.require(kms, "_resolve_key", call=False)
    enforcement.wrap(_enforce)


def stop() -> None:
    """Nothing runs here."""


def _enforce(original: Any, *args: Any, **kwargs: Any) -> Any:
    denied = original(*args, **kwargs)
    asked = enforcement.asked(*args, **kwargs)
    needed = _NEEDED.get(asked["iam_action"])
    if denied is not None or needed is None or enforcement.root(asked["access_key_id"]):
        return denied
    bucket, _, key = asked.get("resource_arn", "").removeprefix("arn:aws:s3:::").partition("/")
    key_arn = _key_of(bucket, key, writes=needed == "kms:GenerateDataKey")
    if key_arn is None:
        return None
    via = {"kms:viaservice": f"s3.{REGION}.amazonaws.com"}
    decide = iam_evaluator.enforce
    return decide(asked["access_key_id"], needed, "kms", REGION, key_arn, via)


def _key_of(bucket: str, key: str, *, writes: bool) -> str | None:
    """The key an object is, or by the bucket's default would be, encrypted under."""
    found = s3._ensure_bucket(bucket)
    if found is None:
        return None
    stored = found["objects"].get(key) if not writes else None
    headers = stored["preserved_headers"] if stored else s3._bucket_default_sse_headers(bucket)
    named = (headers or {}).get(_KEY_HEADER)
    resolved = kms._resolve_key(named) if named else None
    return resolved["Arn"] if resolved else None
