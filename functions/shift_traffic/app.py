"""Change what an endpoint serves: its configuration, its weights, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alias import Alias
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.session import client, client_later
from sluice.events.tasks import dump_rollout, parse_task
from sluice.observability import logger, metrics
from sluice.routing import Routers
from sluice.settings import Settings
from sluice.shifting import Shifting

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
shifting = Shifting(
    targets=Targets(Table(client("dynamodb"), settings.ledger_table)),
    routers=Routers(
        Endpoint(client("sagemaker")), Alias(client_later("lambda"), settings.functions)
    ),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out the change that the rollout's action asks for."""
    task = parse_task(event)
    logger.append_keys(rollout_id=task.rollout.id)
    rollout = shifting.carry_out(task.rollout, now=task.at)
    logger.info("endpoint changed", action=rollout.action, refused=rollout.refused)
    metrics.add_metric(name="EndpointRefused", unit="Count", value=int(bool(rollout.refused)))
    return dump_rollout(rollout)
