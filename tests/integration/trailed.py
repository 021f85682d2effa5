"""What CloudTrail would tell of pushes and decisions."""

from __future__ import annotations

import copy
from typing import Any

from tests.builders import a_package_arn, an_event

MIA = "arn:aws:sts::123456789012:assumed-role/pushers/mia"
ADA = "arn:aws:iam::123456789012:user/ada"


def recorded(pushed: dict[str, Any], **detail: Any) -> dict[str, Any]:
    """CloudTrail's record of the request that S3's event tells of."""
    told, event = pushed["detail"], copy.deepcopy(an_event("cloudtrail_put_object"))
    record = event["detail"]
    record["requestParameters"]["key"] = told["object"]["key"]
    record["responseElements"]["x-amz-version-id"] = told["object"]["version-id"]
    record |= {"requestID": told["request-id"], "eventID": f"trail-of-{pushed['id']}", **detail}
    return event


def decided(version: int = 1, **detail: Any) -> dict[str, Any]:
    """CloudTrail's record of an approval."""
    event = copy.deepcopy(an_event("cloudtrail_update_model_package"))
    event["detail"]["requestParameters"]["modelPackageArn"] = a_package_arn(version)
    event["detail"] |= detail
    return event
