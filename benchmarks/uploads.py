"""Scenarios of uploads: ours, and the usual way's."""

from __future__ import annotations

import json

from benchmarks.answers import announced, as_json, as_xml, head, package
from benchmarks.arrivals import queued
from benchmarks.environment import scenario
from benchmarks.past import Past
from benchmarks.scenario import REFERENCE, Answer, Scenario
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL, REQUIRED
from tests.builders import EVALUATION_RESULTS, METADATA, WEIGHTS, a_noted, an_event, an_upload


def first_object() -> Scenario:
    """`model.tar.gz` of a folder nobody has pushed anything else to."""
    return scenario(
        "first object of a version",
        "register_package",
        queued(an_upload(MODEL).key, "version-of-model.tar.gz"),
        returns={"batchItemFailures": []},
        logs='"kind":"Pending"',
        objects=[an_upload(MODEL).key],
        answers={
            "s3:HeadObject": head(MODEL, metadata=METADATA),
            "s3:GetObject": Answer(WEIGHTS[:3].decode("latin-1")),
        },
    )


def last_object() -> Scenario:
    """The evaluation of a folder in which it is all that is missing: the version is registered."""
    past = Past()
    past.noted(a_noted(MODEL), a_noted(CONFIG))
    pushed = an_upload(EVALUATION)
    return scenario(
        "last object of a version",
        "register_package",
        queued(pushed.key, pushed.version_id),
        returns={"batchItemFailures": []},
        logs='"kind":"Registered"',
        ledger=past.items,
        objects=[an_upload(name).key for name in REQUIRED],
        answers={
            "s3:HeadObject": head(EVALUATION),
            "s3:GetObject": Answer(json.dumps(EVALUATION_RESULTS)),
            "s3:PutObject": Answer("", {"ETag": '"e7a6"'}),
            "s3:CreateMultipartUpload": as_xml(
                "InitiateMultipartUploadResult", "<UploadId>u1</UploadId>"
            ),
            "s3:UploadPartCopy": as_xml("CopyPartResult", "<ETag>&quot;e7a6&quot;</ETag>"),
            "s3:CompleteMultipartUpload": as_xml("CompleteMultipartUploadResult", "<Key>k</Key>"),
            "sagemaker:CreateModelPackage": as_json(ModelPackageArn=past.new.package_arn),
            "sagemaker:ListModelPackages": as_json(ModelPackageSummaryList=[]),
            "sagemaker:DescribeModelPackage": package(past, "PendingManualApproval"),
            **announced(),
        },
    )


def the_usual_way() -> Scenario:
    """What the reference does for one object."""
    return scenario(
        "one object",
        REFERENCE,
        an_event("s3_object_created"),
        returns={"package_arn": Past().new.package_arn},
        objects=[an_upload(MODEL).key],
        answers={
            "dynamodb:PutItem": as_json(),
            "dynamodb:UpdateItem": as_json(),
            "s3:HeadObject": head(MODEL, metadata=METADATA),
            "sagemaker:CreateModelPackage": as_json(ModelPackageArn=Past().new.package_arn),
        },
    )
