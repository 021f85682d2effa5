"""What a model here answers: the passage that has most words in common with the question.

Nothing is made up and nothing is random, so that a prompt without its passages, or with others,
is seen in the answer.
"""

import math
import re
from dataclasses import dataclass

NOTHING_KNOWN = "I do not know."
BYTES_OF_A_TOKEN = 4
_PASSAGE = re.compile(r"^\[(\d+)\] (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may be, and at which texts it ends."""

    most_tokens: int
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and why it ends where it does."""

    text: str
    stop_reason: str


def tokens(text: str) -> int:
    """How many tokens a text is: one for four of its bytes."""
    return math.ceil(len(text.encode()) / BYTES_OF_A_TOKEN)


def answer(texts: list[str], limits: Limits) -> Reply:
    """Answer the last of the texts from the numbered passages in all of them."""
    passages = [found for text in texts for found in _PASSAGE.findall(text)]
    question = words(_PASSAGE.sub("", texts[-1]))
    best = max(passages, key=lambda one: len(words(one[1]) & question), default=None)
    if best is None or not words(best[1]) & question:
        return _limited(NOTHING_KNOWN, limits)
    return _limited(f"{best[1]} [{best[0]}]", limits)


def words(text: str) -> set[str]:
    """The words of a text, in lower case."""
    return set(re.findall(r"\w+", text.lower()))


def _limited(text: str, limits: Limits) -> Reply:
    reason = "end_turn"
    for stop in limits.stops:
        before, found, _ = text.partition(stop)
        if found:
            text, reason = before, "stop_sequence"
    if tokens(text) > limits.most_tokens:
        cut = text.encode()[: limits.most_tokens * BYTES_OF_A_TOKEN]
        return Reply(cut.decode(errors="ignore"), "max_tokens")
    return Reply(text, reason)
