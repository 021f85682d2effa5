"""An application answers as its release says: with the stack's code, under the stack's role."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.application import own_function
from tests.e2e.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.stack import Stack

MODEL = "anthropic.claude-sonnet-4-5-20251001-v2:0"
TEMPLATE = 'Use {these} "$passages" {% only %}:\n{{context}}\nQuestion: {{question}} \u05e9 漢 😀\n'
BASE, SOURCE = "KBANSWERS1", "DSANSWERS1"
PASSAGES = ["Invoices lie in the archive.", "Ada keeps the keys of the cellar."]

type Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def desk(stack: Stack) -> Iterator[Line]:
    """A line of configurations of the application that a function of its own answers for."""
    line = Line(stack, stack.take_application(), kind="application")
    yield line
    line.assert_sound()
    line.vanish()


@pytest.fixture
def ask(desk: Line) -> Iterator[Ask]:
    """The function that answers, on a release of that application, as a function of its own."""
    lam, name = desk.stack.client("lambda"), own_function(desk.stack, desk.name)
    variables = lam.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    told = {**variables, "SLUICE_VERSION": _released(desk)}
    lam.update_function_configuration(FunctionName=name, Environment={"Variables": told})
    lam.get_waiter("function_updated_v2").wait(FunctionName=name)

    def invoke(question: str, **more: Any) -> dict[str, Any]:
        payload = json.dumps({"question": question, **more})
        answer = lam.invoke(FunctionName=name, Payload=payload)
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    yield invoke
    lam.delete_function(FunctionName=name)


def _released(desk: Line) -> str:
    """Push a configuration and wait until it is captured; what a version is told of it."""
    commit = uuid.uuid4().hex
    desk.stack.control(
        "knowledge", {"knowledge_base_id": BASE, "data_source_id": SOURCE, "passages": PASSAGES}
    )
    config = {
        "application": desk.name,
        "model_id": MODEL,
        "inference_config": {"temperature": 0.1},
        "prompt_template_file": "prompts/rag.txt",
        "prompt_template_version": commit,
        "knowledge_base_id": BASE,
        "data_source_id": SOURCE,
    }
    evaluation = {"accuracy": 0.9, "prompt_template_version": commit}
    files = {
        "prompts/rag.txt": TEMPLATE.encode(),
        "evaluation-results.json": json.dumps(evaluation).encode(),
        "bedrock-config.json": json.dumps(config).encode(),
    }
    for name, body in files.items():
        desk.stack.client("s3").put_object(
            Bucket=desk.stack.bucket, Key=f"configs/{commit}/{name}", Body=body
        )
    desk.until("it is registered", lambda: desk.package_arn(1) or None, minutes=5)
    release = desk.ledger.release(desk.name, 1)
    return f"{release['manifest_uri']}#{release['digest']}"


def test_an_application_answers_from_the_bytes_that_were_pushed(desk: Line, ask: Ask) -> None:
    looked_up = ask("Who keeps the keys?")
    given = ask("Who keeps the keys?", context=["Bob keeps the keys.", "{{question}}"])

    assert looked_up["answer"] == "Ada keeps the keys of the cellar. [1]"
    assert looked_up["version"] == f"{desk.name}-v1"
    assert {one["text"] for one in looked_up["citations"]} == set(PASSAGES)
    prompt = TEMPLATE.replace("{{question}}", "Who keeps the keys?").replace(
        "{{context}}", "[1] Bob keeps the keys.\n[2] {{question}}"
    )
    assert given["answer"] == "Bob keeps the keys. [1]"
    assert given["usage"]["input_tokens"] == -(-len(prompt.encode()) // 4)
    assert ask("")["error"]["code"] == "InvalidRequest"
