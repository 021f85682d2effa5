"""Bedrock's runtime: one message to a model, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.bedrock_errors import told
from sluice.domain.rendering import Reply

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

    from sluice.domain.served import Served


class Conversation:
    """Converse, through a client without retries: who asks decides what is asked again."""

    def __init__(self, client: BedrockRuntimeClient) -> None:
        self._client = client

    def ask(self, served: Served, message: str) -> Reply:
        """What the release's model says to `message`. Raises BusyError and RefusedError."""
        try:
            return _reply(self._client.converse(**_asked(served, message)))
        except (ClientError, BotoCoreError) as error:
            raise told(error) from None  # the SDK's own would print the prompt


def _asked(served: Served, message: str) -> Any:
    """What Converse takes, and ConverseStream. What a config leaves out is not sent: null is not.

    Newer models refuse a temperature, whatever it is; an empty system prompt is refused by all.
    """
    asked: dict[str, Any] = {
        "modelId": served.calls,
        "messages": [{"role": "user", "content": [{"text": message}]}],
    }
    if served.system:
        asked["system"] = [{"text": served.system}]
    if served.parameters:
        asked["inferenceConfig"] = served.parameters
    return asked


def _reply(answer: Any) -> Reply:
    """The text of an answer; a model that reasons sends blocks of other kinds, too."""
    blocks, usage = answer["output"]["message"]["content"], answer["usage"]
    return Reply(
        text="".join(block.get("text", "") for block in blocks),
        stop_reason=answer["stopReason"],
        input_tokens=usage["inputTokens"],
        output_tokens=usage["outputTokens"],
    )
