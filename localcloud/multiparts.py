"""S3's multipart uploads where ministack falls short: full-object checksums, of copied parts too.

With CRC64NVME, or no algorithm named, S3 computes one checksum of the whole object; every part has
its own, also one that was copied.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import contextvars
from http import HTTPStatus
from typing import Any

from ministack.services import s3

from localcloud import hooks

_ALGORITHM = "CRC64NVME"
_copying: contextvars.ContextVar[bool] = contextvars.ContextVar("copying", default=False)
_PART = ("bucket_name", "dest_key", "query_params", "headers")
_COMPLETION = ("bucket_name", "key", "body", "query_params", "headers")
_RECORD = ("bucket_name", "key", "prior_obj", "obj", "data")


def mount() -> None:
    """Declare the hooks of this module."""
    hooks.require(s3, "_multipart_uploads", call=False)
    hooks.require(s3, "_completed_multipart_uploads", call=False)
    hooks.require(s3, "_compute_s3_checksum", "algorithm", "body")
    hooks.wrap(s3, "_upload_part_copy", *_PART)(_copy_part)
    hooks.wrap(s3, "_version_body", "bucket", "bucket_name", "key", "v")(_body)
    hooks.wrap(s3, "_record_object_version", *_RECORD)(_record)
    hooks.wrap(s3, "_complete_multipart_upload", *_COMPLETION)(_complete)


def stop() -> None:
    """Nothing runs here."""


def _copy_part(
    original: Any, bucket_name: str, dest_key: str, query_params: dict[str, Any], headers: Any
) -> Any:
    token = _copying.set(True)
    try:
        status, answered, content = original(bucket_name, dest_key, query_params, headers)
    finally:
        _copying.reset(token)
    upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
    if status == HTTPStatus.OK and upload:
        part = upload["parts"][int(s3._qp(query_params, "partNumber", "1"))]
        algorithm = upload["checksum_algorithm"] or _ALGORITHM
        value = s3._compute_s3_checksum(algorithm, part["body"])
        part["checksums"] = {algorithm: value}
        content = _with(content, "CopyPartResult", f"Checksum{algorithm}", value)
    return status, answered, content


def _body(original: Any, bucket: Any, bucket_name: str, key: str, v: Any) -> Any:
    """What parts are copied from is shared with them: of gigabytes, a second copy is too many."""
    body = original(bucket, bucket_name, key, v)
    return memoryview(body) if _copying.get() and body else body


def _complete(
    original: Any,
    bucket_name: str,
    key: str,
    body: bytes,
    query_params: dict[str, Any],
    headers: Any = None,
) -> Any:
    upload_id = s3._qp(query_params, "uploadId")
    upload = s3._multipart_uploads.get(upload_id)
    if upload is None or upload["checksum_algorithm"] not in {None, _ALGORITHM}:
        return original(bucket_name, key, body, query_params, headers)
    asked = upload["checksum_algorithm"]
    upload["checksum_algorithm"] = None  # whose checksums are put together is another kind's
    status, answered, content = original(bucket_name, key, body, query_params, headers)
    upload["checksum_algorithm"] = asked
    if status == HTTPStatus.OK:
        whole = s3._ensure_bucket(bucket_name)["objects"][key]["checksums"][_ALGORITHM]
        result = "CompleteMultipartUploadResult"
        content = _with(content, result, f"Checksum{_ALGORITHM}", whole)
        content = _with(content, result, "ChecksumType", "FULL_OBJECT")
        s3._completed_multipart_uploads[upload_id]["response"] = (status, answered, content)
    return status, answered, content


def _record(original: Any, bucket_name: str, key: str, prior_obj: Any, obj: Any, data: Any) -> Any:
    if obj.get("parts") and not obj.get("checksums"):
        obj["checksums"] = {_ALGORITHM: s3._compute_s3_checksum(_ALGORITHM, data)}
        obj["checksum_type"] = "FULL_OBJECT"
    return original(bucket_name, key, prior_obj, obj, data)


def _with(content: bytes, root: str, name: str, value: str) -> bytes:
    end = f"</{root}>".encode()
    return content.replace(end, f"<{name}>{value}</{name}>".encode() + end)
