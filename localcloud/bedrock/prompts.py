"""What Bedrock refuses of a prompt and its parameters, in its own words."""

import itertools
from typing import Any

from localcloud.bedrock.answering import Limits, tokens
from localcloud.bedrock.catalogue import Model
from localcloud.json_service import Body
from localcloud.sagemaker.errors import ServiceError, invalid

_PARAMETERS = {"temperature": "temperature", "topP": "top_p"}


def texts(request: Body) -> list[str]:
    """The system prompt and the messages, each as one text, the last message last."""
    blocks = [request.get("system", []), *(one["content"] for one in request["messages"])]
    return ["\n".join(block.get("text", "") for block in one) for one in blocks]


def require_conversation(request: Body) -> None:
    """Messages alternate, beginning with the user's, and are not blank."""
    messages = request.get("messages", [])
    if not messages or messages[0]["role"] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        )
    roles = [one["role"] for one in messages]
    if any(role == after for role, after in itertools.pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the "
            "conversation alternates between user and assistant roles and try again."
        )
    for number, message in enumerate(messages):
        _require_text(message["content"], f"messages.{number}.content")
    _require_text(request.get("system", []), "system")


def _require_text(blocks: list[dict[str, Any]], where: str) -> None:
    for number, block in enumerate(blocks):
        if "text" in block and not block["text"].strip():
            raise invalid(
                f"The text field in the ContentBlock object at {where}.{number} is blank. Add text "
                "to the text field, and try again."
            )
        if "text" not in block:
            raise invalid(f"The local cloud's models take text alone, not that at {where}.{number}")


def limits(model: Model, request: Body) -> Limits:
    """How long the answer may be. Raises what the model has against the parameters."""
    config = request.get("inferenceConfig", {})
    given = {_PARAMETERS[name] for name in config if name in _PARAMETERS}
    given |= set(request.get("additionalModelRequestFields", {}))
    for name in sorted(given & model.refuses):
        raise _returned(f"`{name}` is deprecated for this model.")
    if model.alternatives and model.alternatives <= given:
        both = " and ".join(f"`{name}`" for name in sorted(model.alternatives))
        raise _returned(f"{both} cannot both be specified for this model. Please use only one.")
    most = config.get("maxTokens", model.output_tokens)
    if most > model.output_tokens:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.output_tokens}. "
            f"Try again with a maximum tokens value that is lower than {model.output_tokens}."
        )
    return Limits(most, tuple(config.get("stopSequences", ())))


def require_fitting(model: Model, prompt: list[str]) -> int:
    """How many tokens the prompt is. Raises the model's refusal of one that is too long."""
    found = sum(tokens(text) for text in prompt)
    if found > model.context_tokens:
        raise _returned("Input is too long for requested model.")
    return found


def _returned(error: str) -> ServiceError:
    return invalid(f"The model returned the following errors: {error}")
