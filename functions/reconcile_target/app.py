"""Approval, rejection, schedule, a rollout's end: start the rollout the target needs, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alarms import Alarms
from sluice.adapters.alias import Alias
from sluice.adapters.announcements import Announcements
from sluice.adapters.autoscaling import Autoscaling
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.executions import Executions
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.queue import Queue
from sluice.adapters.registry import Registry
from sluice.adapters.session import client, client_later
from sluice.events.triggers import parse_triggers
from sluice.noticing import Noticing
from sluice.observability import logger, metrics
from sluice.observing import Observing
from sluice.pairing import Pairing
from sluice.reconciling import Reconciling
from sluice.rejecting import Rejecting
from sluice.restoring import Restoring
from sluice.routing import Routers
from sluice.scaling import Scaling
from sluice.settings import Settings
from sluice.surveying import Surveying
from sluice.tending import Tending
from sluice.tidying import Tidying

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
sagemaker = client("sagemaker")
table = Table(client("dynamodb"), settings.ledger_table)
targets, releases = Targets(table), Releases(table)
endpoint, registry = Endpoint(sagemaker), Registry(sagemaker)
routers = Routers(endpoint, Alias(client_later("lambda"), settings.functions))
alarms = Alarms(client("cloudwatch"))
announcements = Announcements(
    client("events"), client("sns"), topic_arn=settings.notifications_topic_arn
)
observing = Observing(targets, releases, registry, announcements)
reconciling = Reconciling(
    targets=targets,
    releases=releases,
    routers=routers,
    observing=observing,
    pairing=Pairing(targets, releases),
    tending=Tending(
        targets=targets,
        routers=routers,
        executions=Executions(client("stepfunctions"), machine_arn=settings.rollout_machine_arn),
        announcements=announcements,
    ),
    rejecting=Rejecting(targets, releases, registry),
    restoring=Restoring(
        targets=targets,
        endpoint=endpoint,
        scaling=Scaling(targets, Autoscaling(client("application-autoscaling"))),
        announcements=announcements,
    ),
    cool_down_minutes=settings.cool_down_minutes,
)
surveying = Surveying(
    targets=targets,
    releases=releases,
    endpoint=endpoint,
    observing=observing,
    noticing=Noticing(targets, alarms),
    tidying=Tidying(targets, alarms),
    reconciling=reconciling,
    surveys=Queue(client_later("sqs"), settings.surveys_queue_url),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at what the event or the queue points to, or at everything when the schedule asks."""
    triggers = parse_triggers(event)
    answers = surveying.handle(triggers)
    logger.info("targets reconciled", answers=answers)
    metrics.add_metric(name="TargetsReconciled", unit="Count", value=len(answers))
    return {"answers": answers}
