"""The smoke test of an application: what an answer to its question says of the version."""

from __future__ import annotations

import json

import pytest

from sluice.domain.answer_test import judge_answer, request
from sluice.domain.bedrock import ApplicationTest
from sluice.domain.smoke_verdict import Answer, Finding, Reply, Unasked

TEST = ApplicationTest(question="Was kostet Ü?", contains=("30 days", "ü"), within_ms=800)


def answered(body: object, *, status: int = 200, took_ms: int = 100) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, "application/json", data, took_ms)


def test_the_question_is_asked_as_clients_ask() -> None:
    assert json.loads(request(TEST)) == {"question": "Was kostet Ü?"}


GOOD = "within 30 days, für alle"


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        pytest.param(answered({"answer": GOOD, "version": "support-v2"}), "Passed", id="answer"),
        pytest.param(answered({"text": "30 days ü"}), "Wrong", id="escaped in a member unknown"),
        pytest.param(answered(GOOD), "Passed", id="a text alone"),
        pytest.param(answered(GOOD.encode()), "Passed", id="no JSON"),
        pytest.param(answered({"answer": "30 days"}), "Wrong", id="one of two texts"),
        pytest.param(
            answered({"answer": "no", "note": "30 days ü"}), "Wrong", id="beside the answer"
        ),
        pytest.param(answered({"answer": " "}), "Wrong", id="empty"),
        pytest.param(
            answered({"error": {"code": "InvalidRequest", "message": "30 days ü"}}),
            "Wrong",
            id="refused",
        ),
        pytest.param(answered({"answer": GOOD}, took_ms=801), "Failing", id="too slow"),
        pytest.param(answered({"answer": "no"}, took_ms=801), "Wrong", id="slow and wrong"),
        pytest.param(
            answered({"errorMessage": "support-v2: boom"}, status=500), "Failing", id="raised"
        ),
        pytest.param(
            answered({"errorMessage": "support-v2: ThrottlingException: wait"}, status=500),
            "Unasked",
            id="Bedrock was busy",
        ),
        pytest.param(answered(b"", status=0), "Failing", id="timed out"),
        pytest.param(Unasked("TooManyRequestsException"), "Unasked", id="Lambda was busy"),
    ],
)
def test_an_answer_is_judged_by_its_text(reply: Reply, finding: str) -> None:
    assert judge_answer(TEST, reply).finding is Finding(finding)


def test_without_texts_any_answer_will_do() -> None:
    test = ApplicationTest(question="?")

    assert judge_answer(test, answered({"answer": "x"}, took_ms=9000)).finding is Finding.PASSED


def test_what_is_missing_is_named_with_what_was_said() -> None:
    found = judge_answer(TEST, answered({"answer": "soon"}))

    assert found.detail == "its answer does not hold '30 days' and 'ü': 'soon'"
