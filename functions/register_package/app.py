"""Artifacts were uploaded: register each complete version as a model package, pending approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from sluice.adapters.announcements import Announcements
from sluice.adapters.artifacts import Artifacts
from sluice.adapters.images import Images
from sluice.adapters.ledger.intake import Intake
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.adapters.registry import Registry
from sluice.adapters.session import client
from sluice.adapters.vault import Vault
from sluice.capturing import Capturing
from sluice.domain.floors import Floors, parse_evaluation_floors
from sluice.domain.plan import Strategy
from sluice.events.uploads import Origin, parse_upload
from sluice.inspecting import Inspecting
from sluice.observability import logger, metrics
from sluice.registering import Registering
from sluice.settings import Settings
from sluice.telling import Telling

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
origin = Origin(settings.account, settings.region, settings.artifacts_bucket)
floors = Floors(
    strategies=tuple(map(Strategy, settings.allowed_strategies.split(","))),
    minimum_bake_minutes=settings.minimum_bake_minutes,
    required_alarms=tuple(filter(None, settings.required_alarms.split(","))),
    execution_roles=settings.execution_roles,
    require_smoke_test=settings.require_smoke_test,
    evaluation=parse_evaluation_floors(settings.evaluation_floors),
)
s3 = client("s3", read_seconds=60)
table = Table(client("dynamodb"), settings.ledger_table)
releases, intake = Releases(table), Intake(table)
telling = Telling(
    Announcements(client("events"), client("sns"), topic_arn=settings.notifications_topic_arn)
)
registering = Registering(
    inspecting=Inspecting(Artifacts(s3), Images(client("ecr")), floors, origin),
    capturing=Capturing(Vault(s3), Registry(client("sagemaker")), releases, intake, telling),
    releases=releases,
    intake=intake,
    telling=telling,
)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Take up each message of the batch; those that failed are delivered again."""
    return process_partial_response(event, register, processor, context)


def register(record: SQSRecord) -> None:
    """Take up one upload."""
    upload = parse_upload(record, origin)
    try:
        receipt = registering.register(upload)
    except Exception:  # the batch processor keeps silent about what it hands back to the queue
        logger.exception("upload not handled", message_id=record.message_id)
        metrics.add_metric(name="UploadHandedBack", unit="Count", value=1)
        raise
    logger.info("upload handled", **receipt.summary)
    metrics.add_metric(name=f"Upload{receipt.kind}", unit="Count", value=1)
