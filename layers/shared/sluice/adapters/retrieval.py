"""Bedrock's runtime of knowledge bases: the passages that fit a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.bedrock_errors import told
from sluice.domain.rendering import Passage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_bedrock_agent_runtime import AgentsforBedrockRuntimeClient  # type: ignore[import-not-found]

_MOST = 5
"""Passages; as many as Bedrock gives by default."""
_PLACES = ("uri", "url", "id", "query")
"""What the locations of different sources call where a passage is."""


class Retrieval:
    """Retrieve, through a client without retries.

    `client` makes the client: only where a release names a knowledge base.
    """

    def __init__(self, client: Callable[[], AgentsforBedrockRuntimeClient]) -> None:
        self._client = client

    def look_up(self, knowledge_base_id: str, question: str) -> tuple[Passage, ...]:
        """The passages that fit best, best first. Raises BusyError and RefusedError.

        Asked without a configuration: that of a vector search is for custom knowledge bases only,
        that of a managed one for managed ones (Bedrock user guide, kb-test-retrieve).
        """
        try:
            found = self._client().retrieve(
                knowledgeBaseId=knowledge_base_id, retrievalQuery={"text": question}
            )
        except (ClientError, BotoCoreError) as error:
            raise told(error) from None  # the SDK's own would print the question
        passages = map(_passage, found["retrievalResults"])
        return tuple(one for one in passages if one.text)[:_MOST]


def _passage(found: Any) -> Passage:
    """Images and table rows have no text."""
    places = (one for one in found.get("location", {}).values() if isinstance(one, dict))
    sources = (place[name] for place in places for name in _PLACES if name in place)
    return Passage(found["content"].get("text", ""), next(sources, ""))
