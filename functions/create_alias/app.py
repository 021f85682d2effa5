"""The stack wants the alias `live` of its function: made, unless it is there; never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.alias import Alias
from sluice.adapters.session import client_later
from sluice.adapters.stacks import Stacks
from sluice.events.resources import parse_alias_wanted
from sluice.founding import Founding
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Shorter than elsewhere, so that the stack is told before Lambda ends the invocation.
asking = client_later("lambda", read_seconds=3, attempts=2)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Make the alias where there is none, and tell the stack how that went."""
    metrics.add_metric(name="AliasesAskedFor", unit="Count", value=1)
    wanted = parse_alias_wanted(event)
    alias = Alias(asking, {wanted.function: wanted.function})
    status = Founding(alias, Stacks()).carry_out(wanted)
    logger.info("alias asked for", function=wanted.function, wish=wanted.wish, status=status)
    return {"status": status}
