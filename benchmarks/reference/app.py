"""The usual way, to compare with: an upload becomes a model package, once.

Boto3, pydantic, Powertools' logger, metrics and idempotency, as their documentation puts them
together and as `pip install` leaves them. It does a small part of what Sluice's registration does.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext  # noqa: TC002 - as its guide does

logger = Logger()
metrics = Metrics()
persistence = DynamoDBPersistenceLayer(table_name=os.environ["LEDGER_TABLE"])
config = IdempotencyConfig(event_key_jmespath="detail.object.[key, sequencer]")
s3 = boto3.client("s3")
sagemaker = boto3.client("sagemaker")


@logger.inject_lambda_context
@metrics.log_metrics
@idempotent(persistence_store=persistence, config=config)
@event_parser(model=S3EventNotificationEventBridgeModel)
def lambda_handler(
    event: S3EventNotificationEventBridgeModel, context: LambdaContext
) -> dict[str, Any]:
    """Register the object's version."""
    bucket, pushed = event.detail.bucket.name, event.detail.object
    head = s3.head_object(Bucket=bucket, Key=pushed.key)
    package = sagemaker.create_model_package(
        ModelPackageGroupName=pushed.key.split("/")[1],
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties=head["Metadata"],
    )
    logger.info("package registered", arn=package["ModelPackageArn"])
    metrics.add_metric(name="PackagesRegistered", unit="Count", value=1)
    return {"package_arn": package["ModelPackageArn"]}
