"""Passages that a knowledge base has on a question, looked up where somebody wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.applications import (
    QUESTION,
    THROTTLED,
    Bedrock,
    Function,
)

if TYPE_CHECKING:
    from collections.abc import Callable


KNOWLEDGE = {"knowledge_base_id": "KB12345678"}
FOUND = [
    {
        "content": {"text": "Invoices lie in the archive."},
        "location": {"type": "S3", "s3Location": {"uri": "s3://docs/a.txt"}},
        "score": 0.8,
    },
    {"content": {"type": "IMAGE", "byteContent": "data:"}, "location": {"type": "S3"}},
    {
        "content": {"text": "Ask Ada."},
        "location": {"type": "WEB", "webLocation": {"url": "https://wiki.example/ada"}},
    },
]


def test_a_knowledge_base_is_asked_for_passages(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release(**KNOWLEDGE)
    bedrock.passages = FOUND

    answer = ask()

    (operation, looked_up), (_, sent) = bedrock.asked
    assert operation == "Retrieve"
    assert looked_up["path"] == "/knowledgebases/KB12345678/retrieve"
    assert looked_up["retrievalQuery"] == {"text": QUESTION["question"]}
    said = sent["messages"][0]["content"][0]["text"]
    assert "passages:\n[1] Invoices lie in the archive.\n[2] Ask Ada.\n" in said
    assert answer["citations"] == [
        {"number": 1, "source": "s3://docs/a.txt", "text": "Invoices lie in the archive."},
        {"number": 2, "source": "https://wiki.example/ada", "text": "Ask Ada."},
    ]


def test_a_knowledge_base_of_any_kind_is_asked_and_five_passages_are_taken(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    """A managed one refuses what configures a vector search."""
    release(**KNOWLEDGE)
    bedrock.passages = [{"content": {"text": f"passage {n}"}} for n in range(8)]

    answer = ask()

    (_, looked_up), _ = bedrock.asked
    assert set(looked_up) == {"path", "retrievalQuery"}
    assert [one["text"] for one in answer["citations"]] == [f"passage {n}" for n in range(5)]


@pytest.mark.parametrize(
    ("template", "event"),
    [
        (b"{{context}} {{question}}", {**QUESTION, "context": ["mine"]}),
        (b"{{context}} {{question}}", {**QUESTION, "context": []}),
        (b"{{question}}", QUESTION),
    ],
    ids=["passages of one's own", "none, on purpose", "no place for any"],
)
def test_nobody_looks_up_what_is_not_wanted(
    release: Any, ask: Function, bedrock: Bedrock, template: bytes, event: Any
) -> None:
    release({"prompts/p.txt": template}, **KNOWLEDGE)

    answer = ask(event)

    assert [operation for operation, _ in bedrock.asked] == ["Converse"]
    assert "citations" not in answer


def test_a_look_up_that_is_throttled_is_made_again(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release(**KNOWLEDGE)
    bedrock.refusals = [THROTTLED]

    assert ask()["citations"] == []
    assert [operation for operation, _ in bedrock.asked] == ["Retrieve", "Retrieve", "Converse"]
    assert counted()["Throttles"] == [1]
