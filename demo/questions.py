"""What users ask the assistant, and what it may answer: short questions, and long ones."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mypy_boto3_lambda import LambdaClient

_VERSION = re.compile(r"\bbedrock-v(\d+)\b")
_POLITENESS = "\n" + "Please, " * 1800 + "please."
"""Says nothing, in 14 KB: some 3,600 tokens of the 8,192 that the model takes."""


class Length(StrEnum):
    """How much a user writes."""

    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the passages that its answer is in."""

    length: Length
    text: str
    context: tuple[str, ...]
    right: str
    """What the answer must hold."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one question."""

    at: float
    """When it was sent, in seconds of the client's monotonic clock."""
    seconds: float
    question: Question
    version: int | None
    """Of the release that answered or failed, as it says itself; None if nothing was said."""
    said: str | None
    """The answer; None when there was an error."""
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is the one in the passages."""
        return self.said is not None and self.question.right in self.said


def questions(written: Path) -> dict[Length, tuple[Question, ...]]:
    """The questions of the assistant's own evaluation, short and long."""
    read = [one for one in json.loads(written.read_text()) if one["context"]]
    return {
        length: tuple(
            Question(length, one["question"] + more, tuple(one["context"]), one["expect"])
            for one in read
        )
        for length, more in ((Length.SHORT, ""), (Length.LONG, _POLITENESS))
    }


class Asker:
    """Asks one question through the alias and says what came back; never raises."""

    def __init__(self, client: LambdaClient, alias_arn: str) -> None:
        self._client = client
        self._alias = alias_arn

    def __call__(self, question: Question) -> Asked:
        """The answer; a failure is an answer with an error."""
        at = time.monotonic()
        version, said, error = self._ask(question)
        return Asked(at, time.monotonic() - at, question, version, said, error)

    def _ask(self, question: Question) -> tuple[int | None, str | None, str]:
        body = {"question": question.text, "context": question.context}
        try:
            answer = self._client.invoke(FunctionName=self._alias, Payload=json.dumps(body))
            text = answer["Payload"].read().decode()
        except (ClientError, BotoCoreError, OSError) as error:
            return None, None, f"{type(error).__name__}: {error}"
        told = json.loads(text)
        said = told.get("answer") if "FunctionError" not in answer else None
        wrong = "" if said is not None else str(told.get("errorMessage", text))
        return named(text), said, wrong


def named(text: str) -> int | None:
    """The version that an answer, or an error, names."""
    found = _VERSION.search(text)
    return int(found[1]) if found else None


def unanswered(asked: Iterable[Asked]) -> tuple[Asked, ...]:
    """The questions that got no answer."""
    return tuple(one for one in asked if one.said is None)


def answered_by(asked: Iterable[Asked]) -> set[int | None]:
    """The versions that were asked."""
    return {one.version for one in asked}
