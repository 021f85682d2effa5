"""CloudTrail's records of API calls on the bus, for as long as `/_localcloud/trails` has them on.

Who switches trails on has management events of SageMaker and data events of S3, as far as the local
cloud knows them: each object written, each call that changes something of SageMaker, failed ones
too. Nothing is kept, there is no CloudTrail to ask.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import uuid
from dataclasses import dataclass
from typing import Any

from localcloud import control
from localcloud.bus import emit
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

DETAIL_TYPE = "AWS API Call via CloudTrail"
_READING = ("Describe", "List", "BatchDescribe")
_CALLS = {"POST Object": "PostObject"}


@dataclass(slots=True)
class _Trails:
    on: bool = False


_trails = _Trails()


def mount() -> None:
    """Serve `/_localcloud/trails`."""
    control.route("trails")(tune)


def stop() -> None:
    """Nothing runs here."""


def tune(body: dict[str, Any] | None) -> dict[str, bool]:
    """Tell whether calls are recorded; with a body, record them from now on or no more."""
    if body is not None:
        _trails.on = bool(body["on"])
    return {"on": _trails.on}


def object_written(detail: dict[str, Any], caller_arn: str) -> None:
    """Record the request that S3's `Object Created` event tells of: a data event."""
    told = detail["object"]
    version = {"x-amz-version-id": told["version-id"]} if "version-id" in told else {}
    bucket = f"arn:aws:s3:::{detail['bucket']['name']}"
    _record(
        "s3",
        _CALLS.get(detail["reason"], detail["reason"]),
        caller_arn,
        requestParameters={"bucketName": detail["bucket"]["name"], "key": told["key"]},
        responseElements=version or None,
        requestID=detail["request-id"],
        resources=[
            {"type": "AWS::S3::Object", "ARN": f"{bucket}/{told['key']}"},
            {"type": "AWS::S3::Bucket", "ARN": bucket, "accountId": ACCOUNT},
        ],
    )


def sagemaker_called(
    operation: str,
    request: dict[str, Any],
    caller_arn: str,
    *,
    answer: dict[str, Any] | None = None,
    error: str = "",
) -> None:
    """Record a call to SageMaker that changed something, or failed to: a management event."""
    if operation.startswith(_READING):
        return
    _record(
        "sagemaker",
        operation,
        caller_arn,
        requestParameters=_camel(request),
        responseElements=_camel(answer),
        requestID=str(uuid.uuid4()),
        **({"errorCode": error} if error else {}),
    )


def _record(service: str, call: str, caller_arn: str, **more: Any) -> None:
    if not _trails.on:
        return
    data = "resources" in more
    detail = {
        "eventVersion": "1.11",
        "userIdentity": _identity(caller_arn),
        "eventTime": clock.utc().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call,
        "awsRegion": REGION,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "localcloud",
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data" if data else "Management",
        **more,
    }
    emit(f"aws.{service}", DETAIL_TYPE, [], detail)


def _identity(arn: str) -> dict[str, Any]:
    """`userIdentity` of root, of a user, or of a role's session."""
    kind, _, name = arn.split(":", 5)[5].partition("/")
    common = {"arn": arn, "accountId": ACCOUNT, "principalId": name or ACCOUNT}
    if kind == "user":
        return {"type": "IAMUser", **common, "userName": name.rpartition("/")[2]}
    if kind != "assumed-role":
        return {"type": "Root", **common}
    role = name.partition("/")[0]
    issuer = {
        "type": "Role",
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "accountId": ACCOUNT,
        "userName": role,
    }
    return {"type": "AssumedRole", **common, "sessionContext": {"sessionIssuer": issuer}}


def _camel(value: Any) -> Any:
    """Names as CloudTrail spells them for JSON services: `modelPackageArn`."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": _camel(one) for name, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list) else value
