"""What IAM is asked before Bedrock does anything.

Converse takes the permission `bedrock:InvokeModel`; through an inference profile, on the profile
and on the model in every Region it leads to.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
"""

from typing import Any

from localcloud import json_service
from localcloud.bedrock.catalogue import Profile


def require(access_key: str, action: str, resource: str, **conditions: Any) -> None:
    """Raise AccessDeniedException unless IAM allows `bedrock:{action}` on the resource."""
    refused = json_service.refusal(access_key, f"bedrock:{action}", resource, conditions)
    if refused:
        refused.status = 403
        raise refused


def require_profile(access_key: str, action: str, profile: Profile) -> None:
    """Raise AccessDeniedException unless IAM allows to invoke all that a profile leads to."""
    require(access_key, action, profile.arn)
    for destination in profile.destinations:
        require(
            access_key,
            action,
            destination,
            **{"bedrock:InferenceProfileArn": profile.arn},
        )
