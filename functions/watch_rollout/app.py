"""Every minute, and on endpoint events: judge the canary, wake the waiting rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alarms import Alarms
from sluice.adapters.alias import Alias
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.executions import Executions
from sluice.adapters.ledger.evidence import Evidences
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.metrics import Metrics
from sluice.adapters.queue import Queue
from sluice.adapters.session import client, client_later
from sluice.events.triggers import parse_triggers
from sluice.judging import Judging
from sluice.observability import logger, metrics
from sluice.routing import Routers
from sluice.settings import Settings
from sluice.watching import Watching

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
table, cloudwatch = Table(client("dynamodb"), settings.ledger_table), client("cloudwatch")
watching = Watching(
    targets=Targets(table),
    routers=Routers(
        Endpoint(client("sagemaker")), Alias(client_later("lambda"), settings.functions)
    ),
    alarms=Alarms(cloudwatch),
    judging=Judging(Metrics(cloudwatch), Evidences(table)),
    executions=Executions(client("stepfunctions"), machine_arn=settings.rollout_machine_arn),
    looks=Queue(client_later("sqs"), settings.looks_queue_url),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at every rollout in flight, or at those that the event or the queue names."""
    triggers = parse_triggers(event)
    woken = watching.handle(triggers)
    logger.info("rollouts watched", woken=woken)
    metrics.add_metric(name="RolloutsWoken", unit="Count", value=len(woken))
    return {"woken": woken}
