"""What a model is sent: the template's bytes, and what was put in, and nothing made of either."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluice.domain.rendering import (
    LONGEST_CONTEXT,
    LONGEST_QUESTION,
    MOST_PASSAGES,
    InvalidRequest,
    Passage,
    Reply,
    Request,
    answered,
    numbered,
    parse_request,
    prompt,
    refused,
)

SYNTAX = (
    *("{{question}}", "{{context}}", "{{ question }}", "{{Question}}", "{{{question}}}"),
    *(
        "{question}",
        "{}",
        "{0.__class__}",
        "{!r}",
        "{{",
        "}}",
        "{",
        "}",
        "%s",
        "%(question)s",
        "%%",
    ),
    *("$question", "${context}", "$$", "{% raw %}", "{# x #}", "<question>", "\\1", "\\g<0>", "\\"),
    *("'", '"', "```", "\r\n", "\n", "\t", "\x00", "\ufeff", "\u202e", "\u200f", "\u05e9\u05dc"),
    *("漢字", "\u0627\u0644", "e\u0301", "😀", "👩‍👩‍👧", "\U0010ffff", "[1] ", "Human:", "</s>"),
)
texts = st.lists(
    st.sampled_from(SYNTAX) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=12,
).map("".join)
passages = st.lists(texts, max_size=3).map(tuple)
plain = texts.map(lambda text: text.replace("{{question}}", "").replace("{{context}}", "")).filter(
    lambda text: "{{question}}" not in text and "{{context}}" not in text
)


@given(plain, plain, plain, texts, passages)
@example("{", "}", "", "{{context}}", ("{{question}}",))
def test_what_stands_around_the_placeholders_arrives_byte_for_byte(
    before: str, between: str, after: str, question: str, given_passages: tuple[str, ...]
) -> None:
    template = f"{before}|{{{{context}}}}|{between}|{{{{question}}}}|{after}"

    rendered = prompt(template, question, given_passages)

    parts = [before, numbered(given_passages), between, question, after]
    assert rendered.encode() == b"|".join(part.encode() for part in parts)


@given(plain, texts, passages)
def test_a_text_without_placeholders_is_what_it_was(
    template: str, question: str, given_passages: tuple[str, ...]
) -> None:
    assert prompt(template, question, given_passages) == template


@given(st.lists(st.sampled_from(["{{question}}", "{{context}}"]) | plain, max_size=8), texts)
def test_every_placeholder_is_filled_once_whatever_fills_it(
    parts: list[str], question: str
) -> None:
    template = "|".join(parts)

    rendered = prompt(template, question, ("p {{question}}",))

    filled = {"{{question}}": question, "{{context}}": "[1] p {{question}}"}
    assert rendered == "|".join(filled.get(part, part) for part in parts)


@pytest.mark.parametrize("text", SYNTAX, ids=ascii)
def test_what_a_user_types_is_sent_as_typed(text: str) -> None:
    rendered = prompt("a {{context}} b {{question}} c", text, (text, text))

    assert rendered == f"a [1] {text}\n[2] {text} b {text} c"


@pytest.mark.parametrize(
    "template",
    [
        "{{ question }}",
        "{{Question}}",
        "{{QUESTION}}",
        "{{question }}",
        "{{\nquestion}}",
        "{question}",
    ],
)
def test_a_placeholder_is_spelled_exactly_so(template: str) -> None:
    assert prompt(template, "q", ("c",)) == template


def test_braces_around_a_placeholder_stay() -> None:
    assert prompt("{{{question}}}", "q", ()) == "{q}"


def test_a_placeholder_that_question_and_template_would_make_together_is_none() -> None:
    assert prompt("{{{{question}}}}", "context", ("c",)) == "{{context}}"


def test_a_template_of_a_megabyte_is_filled_in_one_pass() -> None:
    text = "{% for x in y %} {{ x }} {{question} $z \u05e9\u05dc 漢字 😀\n" * 20_000

    assert prompt(f"{text}{{{{question}}}}{text}", "?", ()) == f"{text}?{text}"


def test_where_there_are_no_passages_there_is_nothing() -> None:
    assert prompt("<{{context}}>", "q", ()) == "<>"


@given(texts.filter(str.strip), st.none() | st.lists(texts, max_size=4))
def test_a_request_is_taken_as_it_is(question: str, context: list[str] | None) -> None:
    event = json.loads(json.dumps({"question": question, "context": context}))

    taken = parse_request(event)

    assert taken == Request(question, None if context is None else tuple(context))


@pytest.mark.parametrize(
    "event",
    [
        {"question": "x" * LONGEST_QUESTION},
        {"question": "漢" * LONGEST_QUESTION},
        {"question": "x", "context": ["p"] * MOST_PASSAGES},
        {"question": "x", "context": ["p" * LONGEST_CONTEXT]},
        {"question": "x", "context": [""]},
    ],
    ids=["question", "wide question", "passages", "long passage", "empty passage"],
)
def test_what_is_just_allowed_is_taken(event: dict[str, Any]) -> None:
    assert isinstance(parse_request(event), Request)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(None, 'send {"question"', id="nothing"),
        pytest.param(["question"], 'send {"question"', id="a list"),
        pytest.param({"context": []}, 'send {"question"', id="no question"),
        pytest.param({"question": None}, "question: give a text", id="null"),
        pytest.param({"question": "\n\t"}, "not empty", id="blank"),
        pytest.param({"question": ["x"]}, "question: give a text", id="texts"),
        pytest.param({"question": "x" * 16_385}, "16385 characters, 16384", id="too long"),
        pytest.param({"question": "x", "n": 1, "a": 2}, "take out a, n:", id="unknown fields"),
        pytest.param({"question": "x", "context": "y"}, "a list of texts", id="one text"),
        pytest.param({"question": "x", "context": [{}]}, "a list of texts", id="no texts"),
        pytest.param({"question": "x", "context": ["y"] * 101}, "101 passages", id="too many"),
        pytest.param(
            {"question": "x", "context": ["y" * 600_000] * 2}, "1200000 characters", id="too much"
        ),
        pytest.param(
            {"question": "ab\ud83d"}, "question: character 2 is U+D83D, half of a pair", id="half"
        ),
        pytest.param(
            {"question": "x", "context": ["y", "\udc00"]},
            r"context[1]: character 0",
            id="other half",
        ),
    ],
)
def test_a_wrong_request_is_told_what_to_change(event: Any, said: str) -> None:
    wrong = parse_request(event)

    assert isinstance(wrong, InvalidRequest)
    assert said in wrong.message


def test_what_a_refusal_quotes_can_be_sent_back_whatever_it_is() -> None:
    """What Lambda cannot send back would count against the version, and end its process."""
    names = ["\ud83d", "x" * 6_000_000, *map(str, range(1000))]

    wrong = parse_request({"question": "x", **dict.fromkeys(names, 1)})

    assert isinstance(wrong, InvalidRequest)
    assert len(wrong.message.encode("utf-8")) < 1000
    half = parse_request({"question": "x", "\ud83d": 1})
    assert isinstance(half, InvalidRequest)
    assert half.message == "take out \\ud83d: only question and context are known"


def test_half_a_pair_as_json_spells_it_is_refused() -> None:
    assert isinstance(parse_request(json.loads('{"question": "\\ud83d"}')), InvalidRequest)
    assert isinstance(parse_request(json.loads('{"question": "\\ud83d\\ude00"}')), Request)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_whatever_is_sent_is_taken_or_refused(value: Any) -> None:
    for event in (value, {"question": value}, {"question": "x", "context": value}):
        assert isinstance(parse_request(event), (Request, InvalidRequest))


def test_an_answer_names_its_version_and_what_was_looked_up() -> None:
    reply = Reply("a", "max_tokens", 3, 2)
    found = (Passage("p", "s3://x"), Passage("q"))

    answer = answered(reply, version="support-v3", model_id="m", passages=found)

    assert answer == {
        "answer": "a",
        "version": "support-v3",
        "model_id": "m",
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 3, "output_tokens": 2},
        "citations": [
            {"number": 1, "source": "s3://x", "text": "p"},
            {"number": 2, "source": "", "text": "q"},
        ],
    }
    assert "citations" not in answered(reply, version="v", model_id="m", passages=None)


def test_a_refusal_names_the_version_and_what_to_change() -> None:
    assert refused(InvalidRequest("question: give one"), version="support-v3") == {
        "error": {"code": "InvalidRequest", "message": "question: give one"},
        "version": "support-v3",
    }
