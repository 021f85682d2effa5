"""InvokeEndpoint: one request to one variant, chosen by weight or by name."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from localcloud.constants import ACCOUNT, REGION
from localcloud.sagemaker import logs, metrics, traffic
from localcloud.sagemaker.container import Answer, Container, LostError
from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.state import state
from localcloud.sagemaker.traffic import Chosen, NotServingError

Reply = tuple[int, dict[str, str], bytes]

_PATH = re.compile(r"/endpoints/([^/]+)/invocations")
_MOST_BYTES = 25 * 1024 * 1024
_SUCCESS, _CLIENT_ERROR = 2, 4

# Requests wait here for their models and for nothing else: a slow model holds up no other service.
_callers = ThreadPoolExecutor(max_workers=64, thread_name_prefix="sagemaker-invoke")


def endpoint_of(method: str, path: str) -> str | None:
    """The endpoint a request invokes, or None when it is no invocation."""
    found = _PATH.fullmatch(path)
    return unquote(found[1]) if found and method == "POST" else None


async def invoke(name: str, headers: dict[str, str], body: bytes) -> Reply:
    """Answer an authorised InvokeEndpoint, and count it."""
    received = time.perf_counter()
    if len(body) > _MOST_BYTES:
        raise _refused(f"Request {len(body)} bytes is too big, at most {_MOST_BYTES} are allowed.")
    chosen = _choose(name, headers.get("x-amzn-sagemaker-target-variant"))
    answer, seconds = await asyncio.get_running_loop().run_in_executor(
        _callers, _ask, chosen.container, headers, body
    )
    metrics.meter.record(
        metrics.Invocation(
            endpoint=name,
            variant=chosen.variant,
            config=chosen.config,
            status=None if answer is None else answer.status,
            model_seconds=seconds,
            overhead_seconds=time.perf_counter() - received - seconds,
            instances=_instances(name, chosen.variant),
        )
    )
    return _reply(name, chosen.variant, answer)


def _instances(name: str, variant: str) -> int:
    endpoint = state.endpoints.get(name)
    counts = (
        [one.current_count for one in endpoint.variants if one.name == variant] if endpoint else []
    )
    return max([1, *counts])


def shut_down() -> None:
    """Take no more requests."""
    _callers.shutdown(wait=False, cancel_futures=True)


def _choose(name: str, target: str | None) -> Chosen:
    try:
        return traffic.choose(name, target)
    except NotServingError:
        raise _refused(f"Endpoint {name} of account {ACCOUNT} not found.") from None
    except KeyError:
        raise _refused(f"Variant {target} not found for endpoint {name}.") from None


def _ask(container: Container, headers: dict[str, str], body: bytes) -> tuple[Answer | None, float]:
    """The model's answer, or None when it was lost, and how long it took."""
    started = time.perf_counter()
    try:
        answer = container.invoke(
            body,
            content_type=headers.get("content-type", "application/octet-stream"),
            accept=headers.get("accept", "*/*"),
        )
    except LostError:
        answer = None
    return answer, time.perf_counter() - started


def _reply(name: str, variant: str, answer: Answer | None) -> Reply:
    if answer is None:
        message = "Your invocation timed out or the model container closed the connection."
        raise _model_error(name, variant, message, 0, message)
    if answer.status // 100 != _SUCCESS:
        original = answer.body.decode(errors="replace")
        kind = "client" if answer.status // 100 == _CLIENT_ERROR else "server"
        message = (
            f'Received {kind} error ({answer.status}) from primary with message "{original}". See '
            f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:"
            f"group=/aws/sagemaker/Endpoints/{name} in account {ACCOUNT} for more information."
        )
        raise _model_error(name, variant, message, answer.status, original)
    # In lower case the gateway leaves it alone; otherwise JSON becomes the protocol's own type.
    sent = {"content-type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant}
    return 200, sent, answer.body


def _model_error(name: str, variant: str, message: str, status: int, original: str) -> ServiceError:
    fields: dict[str, Any] = {
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": logs.stream_arn(name, variant),
    }
    return ServiceError("ModelError", message, 424, **fields)


def _refused(message: str) -> ServiceError:
    """The runtime's own word for a ValidationException."""
    return ServiceError("ValidationError", message)
