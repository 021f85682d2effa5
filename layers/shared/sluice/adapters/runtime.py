"""SageMaker's runtime: one question to one variant of an endpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from sluice.domain.smoke_verdict import LARGEST_ANSWER, Answer, Reply, Unasked

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_MODEL_ERROR = "ModelError"


class Runtime:
    """InvokeEndpoint, through a client without retries: who asks decides what is asked again."""

    def __init__(self, client: SageMakerRuntimeClient) -> None:
        self._client = client

    def ask(
        self, endpoint: str, variant: str, body: bytes, *, content_type: str, accept: str
    ) -> Reply:
        """What `variant` answers, whatever its weight: `TargetVariant` overrides the split."""
        started = time.perf_counter()
        try:
            answer: Any = self._client.invoke_endpoint(
                EndpointName=endpoint,
                TargetVariant=variant,
                Body=body,
                ContentType=content_type,
                Accept=accept,
            )
            content = answer["Body"].read(LARGEST_ANSWER + 1)
        except ReadTimeoutError:
            return Answer(0, "", b"", _since(started))
        except ClientError as error:
            return _refused(error, _since(started))
        except BotoCoreError as error:
            return Unasked(str(error))
        asked = answer.get("InvokedProductionVariant", "")
        if asked != variant:
            return Unasked(f"{asked or 'nobody'} answered in place of {variant}")
        return Answer(200, answer.get("ContentType", ""), content, _since(started))


def _refused(error: ClientError, took_ms: int) -> Reply:
    """A ModelError is the container's own answer; anything else is between SageMaker and us."""
    response: Any = error.response
    if response["Error"]["Code"] != _MODEL_ERROR:
        return Unasked(str(error))
    said = str(response.get("OriginalMessage", ""))
    return Answer(int(response.get("OriginalStatusCode", 0)), "", said.encode(), took_ms)


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
