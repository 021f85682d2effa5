"""A CloudWatch alarm fired: the running rollout is told, or reconcile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.executions import Executions
from sluice.adapters.functions import Functions
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.session import client
from sluice.alarming import Alarming
from sluice.events.alarms import parse_alarm
from sluice.observability import logger, metrics
from sluice.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
table = Table(client("dynamodb"), settings.ledger_table)
alarming = Alarming(
    targets=Targets(table),
    executions=Executions(client("stepfunctions"), machine_arn=settings.rollout_machine_arn),
    functions=Functions(client("lambda"), reconcile_target=settings.reconcile_function),
)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Take the alarm to the target it watches."""
    alarm_arn, firing = parse_alarm(event)
    answer = alarming.handle(alarm_arn, firing)
    logger.info("alarm handled", alarm=firing.name, answer=answer)
    metrics.add_metric(name="AlarmsHandled", unit="Count", value=1)
    return {"answer": answer}
