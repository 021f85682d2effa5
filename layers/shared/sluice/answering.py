"""One question to an application: rendered, asked, and answered in the version's name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.bedrock_errors import BusyError, RefusedError
from sluice.domain.rendering import (
    CONTEXT,
    InvalidRequest,
    Passage,
    Reply,
    Request,
    answered,
    parse_request,
    prompt,
    refused,
)
from sluice.domain.served import UnfitReleaseError
from sluice.insisting import Insistence
from sluice.loading import NoReleaseError
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.conversation import Conversation
    from sluice.adapters.retrieval import Retrieval
    from sluice.domain.served import Served
    from sluice.loading import Loading


UNRELEASED = "unreleased"
"""What is called so in metrics and errors: a version that was published to serve no release."""

_FORESEEN = (BusyError, RefusedError, UnfitReleaseError, NoReleaseError, ClientError, BotoCoreError)


class UnansweredError(Exception):
    """The version gave no answer; Lambda counts it as an error of that version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: an answer, or why there is none."""

    application: str
    version: str
    latency_ms: int
    throttled: int
    reply: Reply | None = None
    answer: dict[str, Any] | None = None
    error: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What the log says of it: neither what was asked nor what was answered."""
        said = {"latency_ms": self.latency_ms, "throttled": self.throttled}
        if self.reply:
            tokens = {"input_tokens": self.reply.input_tokens}
            return {**said, **tokens, "output_tokens": self.reply.output_tokens}
        return {**said, "error": self.error or "InvalidRequest"}

    def delivered(self) -> dict[str, Any]:
        """The answer. Raises UnansweredError."""
        if self.answer is None:
            raise UnansweredError(f"{self.version or UNRELEASED}: {self.error}")
        return self.answer


@dataclass(frozen=True, slots=True)
class Answering:
    """What the function that serves an application does."""

    loading: Loading
    conversation: Conversation
    retrieval: Retrieval
    rest: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic

    def answer(self, event: Any, *, remaining: Callable[[], int]) -> Outcome:
        """What became of the request that `event` is.

        Asking twice does no harm beyond its price: nothing is kept of a request.
        """
        began, insistence = self.elapsed(), Insistence(remaining, self.rest)
        reply, answer, error = None, None, ""
        version = self.loading.version
        try:
            served = self.loading.served()
            reply, answer = self._answered(served, parse_request(event), insistence)
        except Exception as failed:  # raised again in the version's name, when it was counted
            error = _said(failed)
            if not isinstance(failed, _FORESEEN):
                logger.exception("question not taken")
        return Outcome(
            application=version.rpartition("-v")[0],
            version=version,
            latency_ms=round((self.elapsed() - began) * 1000),
            throttled=insistence.throttled,
            reply=reply,
            answer=answer,
            error=error,
        )

    def _answered(
        self, served: Served, request: Request | InvalidRequest, insistence: Insistence
    ) -> tuple[Reply | None, dict[str, Any]]:
        if isinstance(request, InvalidRequest):
            return None, refused(request, version=served.version)
        found = self._looked_up(served, request, insistence)
        given = request.context or tuple(one.text for one in found or ())
        message = prompt(served.template, request.question, given)
        reply = insistence.ask(lambda: self.conversation.ask(served, message))
        return reply, answered(
            reply, version=served.version, model_id=served.model_id, passages=found
        )

    def _looked_up(
        self, served: Served, request: Request, insistence: Insistence
    ) -> tuple[Passage, ...] | None:
        """What the knowledge base has on the question; None where nobody wants to know."""
        wanted = served.knowledge_base_id and CONTEXT in served.template
        if request.context is not None or not wanted:
            return None
        return insistence.ask(
            lambda: self.retrieval.look_up(served.knowledge_base_id, request.question)
        )


def _said(failed: Exception) -> str:
    """Of what Bedrock said its code comes first already; of what S3 said, too."""
    quoting = isinstance(failed, (BusyError, RefusedError, UnfitReleaseError, ClientError))
    return str(failed) if quoting else f"{type(failed).__name__}: {failed}"


def count(outcome: Outcome) -> None:
    """Put the request into the metrics of its application's version, and of nothing else."""
    metrics.service = ""  # a dimension of all our other metrics
    if outcome.application:
        metrics.add_dimension(name="application", value=outcome.application)
    metrics.add_dimension(name="version", value=outcome.version or UNRELEASED)
    metrics.add_metric(name="Requests", unit="Count", value=1)
    metrics.add_metric(name="Errors", unit="Count", value=int(outcome.answer is None))
    metrics.add_metric(name="Throttles", unit="Count", value=outcome.throttled)
    metrics.add_metric(name="LatencyMs", unit="Milliseconds", value=outcome.latency_ms)
    if outcome.reply:
        metrics.add_metric(name="InputTokens", unit="Count", value=outcome.reply.input_tokens)
        metrics.add_metric(name="OutputTokens", unit="Count", value=outcome.reply.output_tokens)
