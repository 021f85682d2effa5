"""Somebody asks an application: answered as the release says that this version serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.conversation import Conversation
from sluice.adapters.retrieval import Retrieval
from sluice.adapters.session import client, client_later
from sluice.adapters.texts import Texts
from sluice.answering import Answering, count
from sluice.insisting import LONGEST_ANSWER_SECONDS, LONGEST_LOOK_UP_SECONDS
from sluice.loading import Loading
from sluice.observability import logger, metrics
from sluice.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

settings = Settings.from_env()
loading = Loading(Texts(client("s3")), settings.sluice_version)
asking = client("bedrock-runtime", read_seconds=LONGEST_ANSWER_SECONDS, attempts=1)
looking_up = client_later("bedrock-agent-runtime", read_seconds=LONGEST_LOOK_UP_SECONDS, attempts=1)
answering = Answering(loading, Conversation(asking), Retrieval(looking_up))
loading.warm()


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one question, or raise what kept the version from answering it."""
    logger.append_keys(version=loading.version)
    outcome = answering.answer(event, remaining=context.get_remaining_time_in_millis)
    count(outcome)
    logger.info("question taken", **outcome.summary)
    return outcome.delivered()
