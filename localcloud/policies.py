"""Resource policies bind the account's root as they bind roles: their Deny wins.

ministack lets the root through before it looks at a bucket's or a key's policy. Only the policy
itself stays in the root's hands, as on AWS, where it is the way back in.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ResolvedCredential

from localcloud import enforcement, hooks

_ALWAYS_ROOTS = frozenset(
    {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "kms:PutKeyPolicy"}
)


def mount() -> None:
    """Look at the resource's policy again where ministack stopped at the root."""
    hooks.require(iam_evaluator, "_resource_policy", "service", "resource_arn")
    hooks.require(iam_evaluator, "evaluate_resource_policy", call=False)
    enforcement.wrap(_enforce)


def stop() -> None:
    """Nothing runs here."""


def _enforce(original: Any, *args: Any, **kwargs: Any) -> Any:
    denied = original(*args, **kwargs)
    asked = enforcement.asked(*args, **kwargs)
    if denied is not None or asked["iam_action"] in _ALWAYS_ROOTS:
        return denied
    root = enforcement.root(asked["access_key_id"])
    return _denied_by_resource(root, asked) if root else None


def _denied_by_resource(root: ResolvedCredential, asked: dict[str, Any]) -> Any:
    """What the resource's own policy has against the call, None when nothing."""
    resource_arn = asked.get("resource_arn", "*")
    found = iam_evaluator._resource_policy(asked["service"], resource_arn)
    if found is None:
        return None
    keys = asked.get("service_context") or {}
    context = EvalContext(
        principal_arn=root.principal_arn,
        principal_type=root.principal_type,
        principal_account=root.account_id,
        action=asked["iam_action"],
        resource_arn=resource_arn,
        region=asked["region"],
        service_context={key.lower(): value for key, value in keys.items()},
    )
    verdict = iam_evaluator.evaluate_resource_policy(found[0], context)
    if verdict.decision != "Deny":
        return None
    verdict.principal_arn, verdict.resource_policy_arn = root.principal_arn, resource_arn
    return verdict
