"""Converse, whole or as a stream: one request to a model, or to what a profile leads to."""

import time
from dataclasses import dataclass
from typing import Any

from localcloud.bedrock import answering, authorization, faults, metrics, prompts
from localcloud.bedrock.catalogue import (
    LEGACY,
    PROFILE_ONLY,
    Model,
    find_model,
    find_profile,
    models,
)
from localcloud.constants import REGION
from localcloud.json_service import Body
from localcloud.sagemaker.errors import ServiceError, invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request names, and the model that answers it."""

    id: str
    """Of the model or of the profile, as CloudWatch has it."""
    model: Model


def converse(request: Body, access_key: str, action: str = "InvokeModel") -> Body:
    """Converse: answered, or refused as Bedrock refuses; counted either way."""
    began = time.perf_counter()
    asked = _resolved(request["modelId"], access_key, action)
    try:
        answer = _answered(asked, request)
    except ServiceError as error:
        metrics.count_error(asked.id, error.code, error.status)
        raise
    answer["metrics"] = {"latencyMs": max(1, int((time.perf_counter() - began) * 1000))}
    _count(asked, answer)
    return answer


def converse_stream(request: Body, access_key: str) -> Body:
    """ConverseStream: the same answer in events, all of them at once."""
    whole = converse(request, access_key, "InvokeModelWithResponseStream")
    message = whole["output"]["message"]
    events: list[tuple[str, Body]] = [("messageStart", {"role": message["role"]})]
    for number, block in enumerate(message["content"]):
        where = {"contentBlockIndex": number}
        events += [
            ("contentBlockDelta", {"delta": block, **where}),
            ("contentBlockStop", where),
        ]
    events.append(("messageStop", {"stopReason": whole["stopReason"]}))
    events.append(("metadata", {"usage": whole["usage"], "metrics": whole["metrics"]}))
    return {"stream": events}


def _resolved(named: str, access_key: str, action: str) -> Asked:
    """What the request names, if the caller may invoke it and it answers to that name."""
    profile = find_profile(named)
    if profile is not None:
        authorization.require_profile(access_key, action, profile)
        return _living(Asked(profile.id, models[profile.model]))
    model = find_model(named)
    arn = model.arn if model else f"arn:aws:bedrock:{REGION}::foundation-model/{named}"
    authorization.require(access_key, action, arn)
    if model is None:
        raise invalid("The provided model identifier is invalid.")
    if model.reached_by == PROFILE_ONLY:
        raise invalid(
            f"Invocation of model ID {model.id} with on-demand throughput isn\u2019t supported. "
            "Retry your request with the ID or ARN of an inference profile that contains this "
            "model."
        )
    return _living(Asked(model.id, model))


def _living(asked: Asked) -> Asked:
    if asked.model.has_ended:
        raise ServiceError(
            "ResourceNotFoundException",
            "This model version has reached the end of its life. Please refer to the AWS "
            "documentation for more details.",
            status=404,
        )
    return asked


def _answered(asked: Asked, request: Body) -> dict[str, Any]:
    prompts.require_conversation(request)
    limits = prompts.limits(asked.model, request)
    prompt = prompts.texts(request)
    faults.strike({asked.id, asked.model.id}, "\n".join(prompt))
    given = prompts.require_fitting(asked.model, prompt)
    reply = answering.answer(prompt, limits)
    made = answering.tokens(reply.text)
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.text}]}},
        "stopReason": reply.stop_reason,
        "usage": {"inputTokens": given, "outputTokens": made, "totalTokens": given + made},
    }


def _count(asked: Asked, answer: Body) -> None:
    metrics.count(
        asked.id,
        Invocations=1.0,
        InvocationLatency=float(answer["metrics"]["latencyMs"]),
        InputTokenCount=float(answer["usage"]["inputTokens"]),
        OutputTokenCount=float(answer["usage"]["outputTokens"]),
    )
    if asked.model.status == LEGACY:
        metrics.count(asked.id, LegacyModelInvocations=1.0)


OPERATIONS = {"Converse": converse, "ConverseStream": converse_stream}
