"""What each role must be allowed, and nothing else: from code, template and state machine.

A need is an IAM action, for S3 with the part of the bucket it is needed on. Most calls need the
action of their name; what is different stands in the tables below, each with its reason.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tests.architecture.project import (
    MACHINES,
    ROOT,
    identity_statements,
    listed,
    pascal,
    resources,
    tasks,
)
from tests.architecture.reach import Call, Reach, reach

type Need = tuple[str, str]
"""An action and, for objects, the prefix of their keys, for queues, which one; else nothing."""

_PREFIX = {
    "stepfunctions": "states",
    "application_autoscaling": "application-autoscaling",
    "bedrock_agent": "bedrock",
    "bedrock_agent_runtime": "bedrock",
    "bedrock_runtime": "bedrock",
    "service_quotas": "servicequotas",
    "sagemaker_runtime": "sagemaker",
}
"""Services whose actions are not named after their client."""

_OF_CALLS: dict[tuple[str, str], tuple[str, ...]] = {
    ("lambda", "invoke"): ("lambda:InvokeFunction",),
    # "Requires permissions for the bedrock:InvokeModel action" (Bedrock API reference, Converse).
    ("bedrock_runtime", "converse"): ("bedrock:InvokeModel",),
    ("s3", "head_object"): ("s3:GetObject",),
    # "CreateMultipartUpload … UploadPartCopy, CompleteMultipartUpload: s3:PutObject" (S3 user
    # guide, Multipart upload API and permissions).
    ("s3", "create_multipart_upload"): ("s3:PutObject",),
    ("s3", "upload_part_copy"): ("s3:PutObject",),
    ("s3", "complete_multipart_upload"): ("s3:PutObject",),
    ("s3", "list_parts"): ("s3:ListMultipartUploadParts",),
    ("s3", "list_object_versions"): ("s3:ListBucketVersions",),
    ("s3", "list_objects_v2"): ("s3:ListBucket",),
    ("sqs", "send_message_batch"): ("sqs:SendMessage",),
    # "end users must be granted permissions for Amazon CloudWatch and for each target service for
    # which they will configure scaling" (Application Auto Scaling user guide, Identity-based policy
    # examples, SageMaker endpoints).
    ("application_autoscaling", "register_scalable_target"): (
        "application-autoscaling:RegisterScalableTarget",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    ),
    ("application_autoscaling", "put_scaling_policy"): (
        "application-autoscaling:PutScalingPolicy",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
    ),
    ("application_autoscaling", "deregister_scalable_target"): (
        "application-autoscaling:DeregisterScalableTarget",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DeleteAlarms",
    ),
    # A model runs as a role, which whoever creates it must be allowed to pass.
    ("sagemaker", "create_model"): ("sagemaker:CreateModel", "iam:PassRole"),
}

_WRITING = "Table.write"
"""Carries out what the four below build: one call or a transaction, with the same permissions."""
_BUILDING = {
    "Table.put": "dynamodb:PutItem",
    "Table.update": "dynamodb:UpdateItem",
    "Table.delete": "dynamodb:DeleteItem",
    "Table.check": "dynamodb:ConditionCheckItem",
}
_LETTING_GO = ("Targets._put_index", "Table.delete")
_LETS_GO = "release_target"
"""A target leaves the index of those in flight when its lease ends; only this decision ends one."""

_INBOXES = ("models/", "configs/")
_OBJECTS = {
    "Artifacts": _INBOXES,
    "Vault": ("releases/",),
    "Multipart": ("releases/",),
    "Texts": ("releases/",),
}
"""Which parts of the bucket a class reads and writes."""
_ON_BUCKET = {"s3:ListBucket", "s3:ListBucketVersions"}
_SENDS_TO = {
    "RegisterPackage": "Uploads",
    "WatchRollout": "Looks",
    "ReconcileTarget": "Surveys",
    "VerifyTargets": "Verifications",
}
"""The queue that a function sends to: its address is in the environment."""
_OF_METHODS: dict[str, tuple[Need, ...]] = {
    # Without it S3 answers 403 for what is gone, and a deleted artifact is retried for ever.
    "Artifacts.facts": (("s3:ListBucket", ""),),
    "Vault.standing": (("s3:ListBucket", ""),),  # the same: gone must be told from refused
    "Multipart._copy_part": tuple(("s3:GetObjectVersion", one) for one in _INBOXES),  # the source
    "Vault.content": (("s3:ListBucket", ""),),  # for the same reason
    "Vault._same_content": (("s3:GetObjectVersion", "releases/"),),  # through Artifacts
}

_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda polls with, as the function's role (Lambda developer guide, SQS)."""
_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")

_SERVING: tuple[Need, ...] = (
    # SageMaker developer guide, "SageMaker AI roles", CreateModel API: execution role permissions,
    # without what our models have no use for (metrics, VPC).
    ("s3:GetObject", "releases/"),
    ("s3:ListBucket", ""),  # of an uncompressed model SageMaker lists the prefix
    ("ecr:GetAuthorizationToken", ""),
    ("ecr:BatchGetImage", ""),
    ("ecr:GetDownloadUrlForLayer", ""),
    ("logs:CreateLogGroup", ""),
    ("logs:CreateLogStream", ""),
    ("logs:PutLogEvents", ""),
)

_KEYS = re.compile(r"/((?:models|configs|releases)/)\*")
_QUEUES = re.compile(r"'Fn::GetAtt': \['(\w+)', 'Arn'\]")


def complaints(role: str, statements: list[dict[str, Any]]) -> list[str]:
    """What a role with these statements lacks, and what it is allowed in vain."""
    needed, allowed = needs(role), allows(statements)
    lacking = [f"{role} needs {_said(one)}" for one in sorted(needed - allowed)]
    return lacking + [f"{role} never needs {_said(one)}" for one in sorted(allowed - needed)]


def allows(statements: list[dict[str, Any]]) -> frozenset[Need]:
    """The needs that statements meet."""
    return frozenset(
        (action, part)
        for one in statements
        for action in listed(one["Action"])
        for part in _parts(action, str(one["Resource"]))
    )


def _parts(action: str, resource: str) -> list[str]:
    """What of a bucket, or which queue, a statement is about."""
    found = _QUEUES if action.startswith("sqs:") else _KEYS
    return found.findall(resource) or [""]


def statements_of(role: str) -> list[dict[str, Any]]:
    """A role's statements as the template has them."""
    return [one for owner, one in identity_statements() if owner == role]


@cache
def needs(role: str) -> frozenset[Need]:
    """All that the role is ever used for."""
    if role == "ServingRole":
        return frozenset(_SERVING)
    if role == "RolloutStateMachineRole":
        return frozenset((action, "") for action in _of_machines())
    name = role.removesuffix("Role")
    return frozenset(_of_template(f"{name}Function")) | _of_code(reached(name), name)


@cache
def reached(name: str) -> Reach:
    """What the code of a function, named as in the template, can reach."""
    (app,) = (
        one for one in (ROOT / "functions").glob("*/app.py") if pascal(one.parent.name) == name
    )
    return reach(app, opaque=frozenset({_WRITING}))


def _of_code(found: Reach, name: str) -> frozenset[Need]:
    called = {need for call in found.calls for need in _of_call(call, name)}
    methods = {need for name in found.names for need in _OF_METHODS.get(name, ())}
    return frozenset(called | methods | {(action, "") for action in _built(found)})


def _of_call(call: Call, name: str) -> list[Need]:
    parts = _OBJECTS[call.where.partition(".")[0]] if call.service == "s3" else ("",)
    parts = (_SENDS_TO[name],) if call.service == "sqs" else parts
    default = (f"{_PREFIX.get(call.service, call.service)}:{pascal(call.method)}",)
    actions = _OF_CALLS.get((call.service, call.method), default)
    if call.service == "s3" and "VersionId" in call.keywords:
        actions = tuple(f"{action}Version" for action in actions)
    return [(action, "" if action in _ON_BUCKET else part) for action in actions for part in parts]


def _built(found: Reach) -> set[str]:
    """The writes to the ledger that reached code builds."""
    edges = found.edges if _LETS_GO in found.names else found.edges - {_LETTING_GO}
    return {_BUILDING[callee] for _, callee in edges if callee in _BUILDING}


def _of_template(function: str) -> set[Need]:
    """What Lambda does as a function's role: read its queue, write its logs, keep its failures."""
    found = {(action, "") for action in _LOGS}
    for mapping in resources("AWS::Lambda::EventSourceMapping").values():
        if mapping["Properties"]["FunctionName"] == {"Ref": function}:
            queue = mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
            found |= {(action, queue) for action in _QUEUE}
    for config in resources("AWS::Lambda::EventInvokeConfig").values():
        if config["Properties"]["FunctionName"] == {"Ref": function}:
            failed = config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
            found.add(("sqs:SendMessage", failed["Fn::GetAtt"][0]))
    return found


def _of_machines() -> set[str]:
    """What the states call: a function, or an action of any service by its name."""
    found = set[str]()
    for path in MACHINES:
        for state in tasks(path).values():
            called = (
                state["Resource"]
                .removeprefix("arn:aws:states:::")
                .removesuffix(".waitForTaskToken")
            )
            if called == "lambda:invoke":
                found.add("lambda:InvokeFunction")
            else:
                _, service, action = called.split(":")
                found.add(f"{service}:{action[0].upper()}{action[1:]}")
    return found


def _said(need: Need) -> str:
    action, prefix = need
    return f"{action} on {prefix}" if prefix else action
