"""S3 objects under a customer's KMS key: whoever reads or writes them needs the key as well.

Whoever it is, the root too: a key that is disabled or about to be deleted is of use to nobody, and
S3 answers with what KMS said, `KMS.` before it. Of HeadObject that is true of the checksum alone.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

import json
from http import HTTPStatus
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import kms, s3

from localcloud import enforcement, hooks
from localcloud.constants import REGION

_ALGORITHM_HEADER = "x-amz-server-side-encryption"
_KEY_HEADER = f"{_ALGORITHM_HEADER}-aws-kms-key-id"
_NEEDED = {
    "s3:GetObject": "kms:Decrypt",
    "s3:GetObjectVersion": "kms:Decrypt",
    "s3:PutObject": "kms:GenerateDataKey",
}
_WRITES = {
    "_put_object": ("bucket_name", "key", "body", "headers"),
    "_copy_object": ("bucket_name", "dest_key", "headers"),
    "_create_multipart_upload": ("bucket_name", "key", "headers"),
    "_upload_part": ("bucket_name", "key", "body", "query_params", "headers"),
    "_upload_part_copy": ("bucket_name", "dest_key", "query_params", "headers"),
}
_READ = ("bucket_name", "key", "headers", "query_params")


def mount() -> None:
    """Ask for the key where ministack asks only for the object."""
    hooks.require(s3, "_bucket_default_sse_headers", "bucket_name")
    hooks.require(s3, "_ensure_bucket", call=False)
    hooks.require(s3, "_error", call=False)
    hooks.require(kms, "_resolve_key", call=False)
    hooks.require(kms, "_check_key_state", "rec")
    hooks.require(iam_actions, "_s3_source_object", "headers")
    enforcement.wrap(_enforce)
    hooks.wrap(s3, "_get_object", *_READ)(_get)
    hooks.wrap(s3, "_head_object", *_READ)(_head)
    for name, parameters in _WRITES.items():
        hooks.wrap(s3, name, *parameters)(_write)


def stop() -> None:
    """Nothing runs here."""


def _enforce(original: Any, *args: Any, **kwargs: Any) -> Any:
    denied = original(*args, **kwargs)
    asked = enforcement.asked(*args, **kwargs)
    needed = _NEEDED.get(asked["iam_action"])
    if denied is not None or needed is None or enforcement.root(asked["access_key_id"]):
        return denied
    bucket, _, key = asked.get("resource_arn", "").removeprefix("arn:aws:s3:::").partition("/")
    found = _key_of(bucket, key, writes=needed == "kms:GenerateDataKey")
    if found is None:
        return None
    via = {"kms:viaservice": f"s3.{REGION}.amazonaws.com"}
    decide = iam_evaluator.enforce
    return decide(asked["access_key_id"], needed, "kms", REGION, found["Arn"], via)


def _get(original: Any, bucket_name: str, key: str, *args: Any, **kwargs: Any) -> Any:
    answer = original(bucket_name, key, *args, **kwargs)
    return _unusable(_named(answer[1])) or answer


def _head(original: Any, bucket_name: str, key: str, headers: Any = None, *args: Any) -> Any:
    answer = original(bucket_name, key, headers, *args)
    wanted = (headers or {}).get("x-amz-checksum-mode", "").upper() == "ENABLED"
    return (_unusable(_named(answer[1])) if wanted else None) or answer


def _write(original: Any, bucket_name: str, key: str, *args: Any) -> Any:
    """What is copied is read under its own key; the request's headers come last."""
    headers = args[-1]
    source = iam_actions._s3_source_object(headers)
    if source:
        bucket, _, copied = source[0].removeprefix("arn:aws:s3:::").partition("/")
        refused = _unusable(_key_of(bucket, copied, writes=False))
        if refused:
            return refused
    asks = _ALGORITHM_HEADER in headers
    wanted = _named(headers) if asks else _key_of(bucket_name, key, writes=True)
    return _unusable(wanted) or original(bucket_name, key, *args)


def _key_of(bucket: str, key: str, *, writes: bool) -> Any:
    """The key an object is, or by the bucket's default would be, encrypted under."""
    found = s3._ensure_bucket(bucket)
    if found is None:
        return None
    stored = found["objects"].get(key) if not writes else None
    return _named(stored["preserved_headers"] if stored else s3._bucket_default_sse_headers(bucket))


def _named(headers: Any) -> Any:
    """The KMS key that headers of S3 name, None where they name none that there is."""
    named = headers.get(_KEY_HEADER)
    return kms._resolve_key(named) if named else None


def _unusable(key: Any) -> Any:
    """S3's answer where KMS does not let the key be used, else None."""
    refused = kms._check_key_state(key) if key else None
    if refused is None:
        return None
    said = json.loads(refused[2])
    message = said.get("message") or said.get("Message", "")
    return s3._error(f"KMS.{said['__type']}", message, HTTPStatus.BAD_REQUEST)
