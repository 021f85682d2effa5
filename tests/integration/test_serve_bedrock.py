"""The function that answers for an application: what it sends, answers, counts and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.applications import (
    SYSTEM,
    Bedrock,
    Function,
)

if TYPE_CHECKING:
    from collections.abc import Callable


MODEL = "anthropic.claude-sonnet-4-5-20251001-v2:0"


def test_a_question_is_answered_in_the_versions_name(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()

    answer = ask({"question": "Where are the invoices?", "context": ["Invoices: archive."]})

    assert answer == {
        "answer": "In the archive.",
        "version": "support-v3",
        "model_id": MODEL,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 21, "output_tokens": 4},
    }
    (sent,) = bedrock.conversations()
    assert sent["path"].startswith(f"/model/{MODEL.replace(':', '%3A')}/converse")
    assert sent["system"] == [{"text": SYSTEM.decode()}]
    prompt = "Use these passages:\n[1] Invoices: archive.\n\nQuestion: Where are the invoices?\n"
    assert sent["messages"] == [{"role": "user", "content": [{"text": prompt}]}]


def test_what_the_config_leaves_out_is_not_sent(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release({"prompts/p.txt": b"{{question}}"})

    ask()

    (sent,) = bedrock.conversations()
    assert set(sent) == {"path", "messages"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"max_tokens": 2048, "top_p": 0.9}, {"maxTokens": 2048, "topP": 0.9}),
    ],
)
def test_parameters_are_sent_as_the_config_has_them(
    release: Any, ask: Function, bedrock: Bedrock, ours: Any, theirs: Any
) -> None:
    release(inference_config=ours)

    ask()

    (sent,) = bedrock.conversations()
    assert sent["inferenceConfig"] == theirs


def test_a_pinned_profile_is_what_is_called(release: Any, ask: Function, bedrock: Bedrock) -> None:
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}"
    release(profile=profile)

    answer = ask()

    (sent,) = bedrock.conversations()
    assert sent["path"].startswith("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A")
    assert answer["model_id"] == MODEL


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        None,
        "text",
        {"question": ""},
        {"question": " \n"},
        {"question": 7},
        {"question": "x" * 16_385},
        {"question": "\ud83d"},
        {"question": "x", "context": "text"},
        {"question": "x", "context": [1]},
        {"question": "x", "context": ["\udc00"]},
        {"question": "x", "contexts": []},
        {"body": '{"question": "x"}'},
    ],
    ids=lambda event: repr(event)[:30],
)
def test_a_wrong_request_is_told_what_to_change_and_is_no_error_of_the_version(
    release: Any,
    ask: Function,
    bedrock: Bedrock,
    counted: Callable[[], dict[str, Any]],
    event: Any,
) -> None:
    release()

    answer = ask(event)

    assert answer["error"]["code"] == "InvalidRequest"
    assert len(answer["error"]["message"]) > 10
    assert answer["version"] == "support-v3"
    assert bedrock.asked == []
    said = counted()
    assert (said["Requests"], said["Errors"]) == ([1], [0])


def test_requests_are_counted_by_application_and_version_and_nothing_else(
    release: Any, ask: Function, counted: Callable[[], dict[str, Any]]
) -> None:
    release()

    ask()

    said = counted()
    (declared,) = said["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == "Sluice"
    assert [sorted(one) for one in declared["Dimensions"]] == [["application", "version"]]
    assert (said["application"], said["version"]) == ("support", "support-v3")
    names = {one["Name"] for one in declared["Metrics"]}
    assert names == {
        "Requests",
        "Errors",
        "Throttles",
        "LatencyMs",
        "InputTokens",
        "OutputTokens",
    }
    assert (said["InputTokens"], said["OutputTokens"]) == ([21], [4])


def test_thoughts_of_a_model_are_no_part_of_its_answer(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    reasoning = {"reasoningContent": {"reasoningText": {"text": "hm"}}}
    bedrock.answer["output"]["message"]["content"] = [reasoning, {"text": "In "}, {"text": "it."}]

    assert ask()["answer"] == "In it."


@pytest.mark.parametrize("refusals", [[], [("ValidationException", 400)]])
def test_neither_questions_nor_prompts_are_logged(
    release: Any,
    ask: Function,
    bedrock: Bedrock,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    refusals: Any,
) -> None:
    release()
    bedrock.refusals = list(refusals)
    raised = ""

    with caplog.at_level("INFO", logger="sluice"):
        try:
            ask({"question": "my secret", "context": ["my passage"]})
        except Exception as error:
            raised = f"{error}{error.__cause__}{error.__context__}"

    assert bool(raised) is bool(refusals)
    said = f"{caplog.text}{[vars(one) for one in caplog.records]}{capsys.readouterr()}{raised}"
    assert ask.start().logger.get_current_keys()["version"] == "support-v3"  # in every line
    assert "question taken" in said
    for private in ("my secret", "my passage", "Use these passages", SYSTEM.decode()):
        assert private not in said
