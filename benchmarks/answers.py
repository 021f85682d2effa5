"""What the services of a scenario answer, in AWS's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.past import CHECKSUM, ENDPOINT
from benchmarks.scenario import Answer
from sluice.domain.inbox import MODEL
from sluice.domain.manifest import vault_key
from tests.builders import ACCOUNT, AT, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.past import Past
    from sluice.domain.rollout import Rollout


def as_json(**members: Any) -> Answer:
    """An answer of a service that speaks JSON."""
    return Answer(json.dumps(members))


def as_xml(root: str, content: str) -> Answer:
    """An answer of a service that speaks XML."""
    return Answer(f"<{root}>{content}</{root}>", {"Content-Type": "application/xml"})


def announced() -> dict[str, Answer]:
    """What EventBridge and SNS answer."""
    published = "<PublishResult><MessageId>1</MessageId></PublishResult>"
    return {
        "events:PutEvents": as_json(FailedEntryCount=0, Entries=[{"EventId": "1"}]),
        "sns:Publish": as_xml("PublishResponse", published),
    }


def head(name: str, *, metadata: Mapping[str, str] | None = None) -> Answer:
    """S3's answer to HeadObject."""
    return Answer(
        "",
        {
            "Content-Length": "7",
            "ETag": '"e7a6"',
            "x-amz-checksum-crc64nvme": CHECKSUM,
            "x-amz-checksum-type": "FULL_OBJECT",
            "Last-Modified": "Sun, 03 May 2026 14:00:00 GMT",
            "x-amz-version-id": f"version-of-{name}",
            **{f"x-amz-meta-{one}": value for one, value in (metadata or {}).items()},
        },
    )


def package(past: Past, status: str) -> Answer:
    """Version 4's model package."""
    manifest, digest = past.manifest, past.new.digest
    model = vault_key(manifest.release, digest, MODEL)
    container = {"Image": manifest.image, "ModelDataUrl": f"s3://{manifest.bucket}/{model}"}
    return as_json(
        ModelPackageArn=past.new.package_arn,
        ModelPackageGroupName="churn",
        ModelPackageVersion=past.new.package_version,
        ModelApprovalStatus=status,
        CreationTime=AT.timestamp(),
        LastModifiedTime=AT.timestamp(),
        CustomerMetadataProperties=past.customer_metadata,
        InferenceSpecification={"Containers": [container]},
    )


def endpoint(past: Past, config: str, *, canary: float | None) -> Answer:
    """The endpoint with the canary at its weight in percent, or without one."""
    stable = {"VariantName": past.live.variant, "CurrentInstanceCount": 1}
    beside = {"VariantName": past.rollout().release.variant, "CurrentInstanceCount": 1}
    variants = [{**stable, "CurrentWeight": 100 - (canary or 0.0)}]
    if canary is not None:
        variants.append({**beside, "CurrentWeight": canary})
    return as_json(
        EndpointName=ENDPOINT,
        EndpointConfigName=config,
        EndpointStatus="InService",
        ProductionVariants=variants,
    )


def alarms(rollout: Rollout) -> Answer:
    """The canary's alarms, all OK."""
    return as_json(
        MetricAlarms=[
            {
                "AlarmName": name,
                "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
                "StateValue": "OK",
            }
            for name in rollout.release.alarms
        ]
    )
