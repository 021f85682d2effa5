"""Outcome into the ledger, lease released, people told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alarms import Alarms
from sluice.adapters.alias import Alias
from sluice.adapters.announcements import Announcements
from sluice.adapters.autoscaling import Autoscaling
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.registry import Registry
from sluice.adapters.session import client, client_later
from sluice.events.tasks import dump_rollout, parse_task
from sluice.observability import logger, metrics
from sluice.rejecting import Rejecting
from sluice.routing import Routers
from sluice.scaling import Scaling
from sluice.settings import Settings
from sluice.settling import Settling

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
sagemaker = client("sagemaker")
table = Table(client("dynamodb"), settings.ledger_table)
targets = Targets(table)
settling = Settling(
    targets=targets,
    routers=Routers(Endpoint(sagemaker), Alias(client_later("lambda"), settings.functions)),
    rejecting=Rejecting(targets, Releases(table), Registry(sagemaker)),
    alarms=Alarms(client("cloudwatch")),
    announcements=Announcements(
        client("events"), client("sns"), topic_arn=settings.notifications_topic_arn
    ),
    scaling=Scaling(targets, Autoscaling(client("application-autoscaling"))),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Record what the rollout came to, or release its target."""
    task = parse_task(event)
    logger.append_keys(rollout_id=task.rollout.id)
    rollout = settling.carry_out(task.rollout, now=task.at)
    logger.info("rollout settled", action=rollout.action, outcome=rollout.outcome)
    metrics.add_metric(name="RolloutSettled", unit="Count", value=1)
    return dump_rollout(rollout)
