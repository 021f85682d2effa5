"""Lambda: one question to one published version of a function."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from sluice.domain.smoke_verdict import LARGEST_ANSWER, Answer, Reply, Unasked

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

_OK, _FAILED = 200, 500


class Invocations:
    """Invoke, through a client without retries: who asks decides what is asked again."""

    def __init__(self, client: Callable[[], LambdaClient]) -> None:
        self._client = client

    def ask(self, function: str, version: str, body: bytes) -> Reply:
        """What the version answers, whatever the alias leads to.

        An error that the function raised is an answer of status 500: it is the version's own.
        """
        self._client()  # made once, and not counted
        started = time.perf_counter()
        try:
            answer: Any = self._client().invoke(
                FunctionName=function, Qualifier=version, Payload=body
            )
            content = answer["Payload"].read(LARGEST_ANSWER + 1)
        except ReadTimeoutError:
            return Answer(0, "", b"", _since(started))
        except (ClientError, BotoCoreError) as error:
            return Unasked(str(error))
        asked = answer.get("ExecutedVersion", "")
        if asked != version:
            return Unasked(f"version {asked or 'of no number'} answered in place of {version}")
        status = _FAILED if answer.get("FunctionError") else _OK
        return Answer(status, "application/json", content, _since(started))


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
