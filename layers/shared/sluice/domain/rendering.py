"""What is asked of an application, what the model is sent, and what is answered.

A template has two placeholders, spelled exactly as below. All the rest of it is text, whatever it
looks like, and so is all that is put in: one pass, and no result is looked at again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

QUESTION = "{{question}}"
CONTEXT = "{{context}}"
LONGEST_QUESTION = 16_384
"""Characters, as many as the question of a smoke test may have."""
MOST_PASSAGES = 100
LONGEST_CONTEXT = 1_048_576
"""Characters of all passages together; what a model takes in is mostly less."""
INVALID = "InvalidRequest"
_MOST_NAMES, _LONGEST_NAME = 5, 64

_PLACEHOLDER = re.compile(r"\{\{(question|context)\}\}")
_FIELDS = frozenset({"question", "context"})


@dataclass(frozen=True, slots=True)
class Request:
    """One question, and the passages that whoever asks gave with it, if any."""

    question: str
    context: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class InvalidRequest:
    """Why a request cannot be answered, and what to change."""

    message: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text that answers may be based on."""

    text: str
    source: str = ""
    """Where it was found."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


def parse_request(event: Any) -> Request | InvalidRequest:
    """The request that `event` is, or what is wrong with it."""
    if not isinstance(event, dict) or "question" not in event:
        return InvalidRequest('send {"question": a text, "context": a list of texts, if any}')
    unknown = sorted(event.keys() - _FIELDS)
    if unknown:
        said = _listed(unknown)
        return InvalidRequest(f"take out {said}: only question and context are known")
    question, context = event["question"], event.get("context")
    wrong = _wrong_question(question) or _wrong_context(context)
    if wrong:
        return InvalidRequest(wrong)
    return Request(question, tuple(context) if context is not None else None)


def prompt(template: str, question: str, passages: tuple[str, ...]) -> str:
    """The template with the question and the passages in their places."""
    values = {"question": question, "context": numbered(passages)}
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def numbered(passages: tuple[str, ...]) -> str:
    """`[1] text`, a line for each passage; nothing where there are none."""
    return "\n".join(f"[{number}] {text}" for number, text in enumerate(passages, 1))


def answered(
    reply: Reply, *, version: str, model_id: str, passages: tuple[Passage, ...] | None
) -> dict[str, Any]:
    """The answer; `passages` are those that were looked up, None where nothing was."""
    answer = {
        "answer": reply.text,
        "version": version,
        "model_id": model_id,
        "stop_reason": reply.stop_reason,
        "usage": {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens},
    }
    if passages is None:
        return answer
    cited = enumerate(passages, 1)
    return {
        **answer,
        "citations": [{"number": n, "source": one.source, "text": one.text} for n, one in cited],
    }


def refused(invalid: InvalidRequest, *, version: str) -> dict[str, Any]:
    """The answer to a request that cannot be answered as it is."""
    return {"error": {"code": INVALID, "message": invalid.message}, "version": version}


def _listed(names: list[str]) -> str:
    """Names that somebody sent, as an answer can hold them: short, few, and in whole characters."""
    shown = [name[:_LONGEST_NAME] for name in names[:_MOST_NAMES]]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(shown) + more).encode("utf-8", "backslashreplace").decode()


def _wrong_question(question: Any) -> str:
    if not isinstance(question, str) or not question.strip():
        return "question: give a text that is not empty"
    if len(question) > LONGEST_QUESTION:
        return f"question: {len(question)} characters, {LONGEST_QUESTION} are the most"
    return _wrong_text("question", question)


def _wrong_context(context: Any) -> str:
    if context is None:
        return ""
    if not isinstance(context, list) or not all(isinstance(one, str) for one in context):
        return "context: give a list of texts"
    if len(context) > MOST_PASSAGES:
        return f"context: {len(context)} passages, {MOST_PASSAGES} are the most"
    characters = sum(map(len, context))
    if characters > LONGEST_CONTEXT:
        return f"context: {characters} characters, {LONGEST_CONTEXT} are the most"
    named = ((f"context[{number}]", text) for number, text in enumerate(context))
    return next(filter(None, (_wrong_text(name, text) for name, text in named)), "")


def _wrong_text(name: str, text: str) -> str:
    """JSON can spell half of a surrogate pair; no text in UTF-8 can hold it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        return f"{name}: character {error.start} is {half}, half of a pair: send whole characters"
    return ""
