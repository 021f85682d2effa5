"""Artifacts were uploaded, or missed: register each complete version, pending approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from sluice.adapters.announcements import Announcements
from sluice.adapters.artifacts import Artifacts
from sluice.adapters.deployed import policy_beside
from sluice.adapters.foundation_models import FoundationModels
from sluice.adapters.images import Images
from sluice.adapters.knowledge_bases import KnowledgeBases
from sluice.adapters.ledger.copies import Copies
from sluice.adapters.ledger.intake import Intake
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.sweeps import Sweeps
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.ledger.trails import Trails
from sluice.adapters.multipart import Multipart
from sluice.adapters.own_stack import OwnStack
from sluice.adapters.queue import Queue
from sluice.adapters.registry import Registry
from sluice.adapters.session import client, client_later
from sluice.adapters.signing_keys import SigningKeys
from sluice.adapters.vault import Vault
from sluice.adapters.versions import Versions
from sluice.arriving import Arriving
from sluice.attesting import Attesting
from sluice.capturing import Capturing
from sluice.copying import Copying
from sluice.domain.floors import Floors, parse_evaluation_floors
from sluice.domain.plan import Strategy
from sluice.events.uploads import Origin, parse_arrival
from sluice.gating import Gating
from sluice.inspecting import Inspecting
from sluice.observability import logger, metrics
from sluice.packaging import Packaging
from sluice.partnering import Partnering
from sluice.pinning import Pinning
from sluice.registering import Registering
from sluice.settings import Settings
from sluice.sweeping import Sweeping
from sluice.telling import Telling
from sluice.tracing import Tracing

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
policy = policy_beside(__file__)
s3 = client("s3", read_seconds=60)
table = Table(client("dynamodb"), settings.ledger_table)
releases, intake = Releases(table), Intake(table)
telling = Telling(
    Announcements(client("events"), client("sns"), topic_arn=settings.notifications_topic_arn)
)
artifacts, vault = Artifacts(s3), Vault(s3)
queue = Queue(client_later("sqs"), settings.uploads_queue_url)
copying = Copying(vault, Multipart(s3), Copies(table))
attesting = Attesting(vault, SigningKeys(client_later("kms")), settings.trusted_keys)
partnering = Partnering(releases, Targets(table))
pinning = Pinning(
    FoundationModels(client_later("bedrock")),
    KnowledgeBases(client_later("bedrock-agent")),
    Versions(client_later("lambda")),
    origin=origin,
    partnering=partnering,
    default_application=settings.default_application,
    functions=settings.functions,
)
own_stack = OwnStack(
    client_later("cloudformation"), settings.stack_id, commit=settings.infrastructure_commit
)
tracing = Tracing(Trails(table), releases, settings.own_roles)
registering = Registering(
    inspecting=Inspecting(artifacts, Images(client("ecr")), floors, origin, pinning),
    capturing=Capturing(
        vault=vault,
        copying=copying,
        packaging=Packaging(Registry(client("sagemaker"))),
        releases=releases,
        intake=intake,
        telling=telling,
        partnering=partnering,
        own_stack=own_stack,
        tracing=tracing,
        attesting=attesting,
        gating=Gating(policy, releases, Targets(table)),
    ),
    releases=releases,
    intake=intake,
    telling=telling,
    queue=queue,
)
sweeping = Sweeping(origin.bucket, artifacts, releases, intake, Sweeps(table), queue)
arriving = Arriving(registering, sweeping, tracing)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Take up each message of the batch; those that failed are delivered again."""
    return process_partial_response(event, take, processor, context)


def take(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Take up one message."""
    arrival = parse_arrival(record, origin)
    try:
        done = arriving.take(arrival, remaining=lambda_context.get_remaining_time_in_millis)
    except Exception:  # the batch processor keeps silent about what it hands back to the queue
        logger.exception("upload not handled", message_id=record.message_id)
        metrics.add_metric(name="UploadHandedBack", unit="Count", value=1)
        raise
    logger.info(done.message, **done.summary)
    metrics.add_metric(name=done.metric, unit="Count", value=done.count)
