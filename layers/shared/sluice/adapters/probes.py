"""Bedrock's runtime: one short question under the exact parameters of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.bedrock_errors import BusyError, told
from sluice.domain.vetting import Probed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

    from sluice.domain.bedrock import InferenceConfig, PinnedModel

_QUESTION = "Answer with the word yes."


class Probes:
    """Converse, asked through a client that answers within seconds or not at all."""

    def __init__(self, client: Callable[[], BedrockRuntimeClient]) -> None:
        self._client = client

    def ask(self, model: PinnedModel, inference: InferenceConfig) -> Probed:
        """What Bedrock says to a question put to this model under these parameters.

        What is called is what a version calls: the pinned profile, or the model by its id.

        One that the config leaves out is left out: newer models refuse some, whatever the value.
        """
        parameters: Any = {
            "maxTokens": inference.max_tokens,
            "temperature": inference.temperature,
            "topP": inference.top_p,
        }
        try:
            self._client().converse(
                modelId=model.profile or model.id,
                messages=[{"role": "user", "content": [{"text": _QUESTION}]}],
                inferenceConfig={name: one for name, one in parameters.items() if one is not None},
            )
        except (ClientError, BotoCoreError) as error:
            found = told(error)
            busy = isinstance(found, BusyError)
            return Probed(unanswered=str(found)) if busy else Probed(refused=str(found))
        return Probed()
