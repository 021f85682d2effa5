"""The assistant's part of the demo: told in its turn, and counted by who answered."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from rich.console import Console

from demo.application import EXAMPLE, Alias, Repository
from demo.aside import Aside
from demo.assistant import MIX, TEMPLATE
from demo.commands import Shell
from demo.meanwhile import Meanwhile
from demo.narrator import Narrator
from demo.questions import Asker, Length, answered_by, named, questions, unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:serve:live"
ASKED = questions(EXAMPLE / "evaluation" / "questions.json")


@pytest.fixture
def heard() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def narrator(tmp_path: Path, heard: io.StringIO) -> Iterator[Narrator]:
    with Narrator(tmp_path / "demo.log", steps=1, console=Console(file=heard, width=200)) as it:
        yield it


@pytest.fixture
def stubbed() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("lambda", region_name="us-east-1", **_NOBODY)
    with Stubber(client) as stub:
        yield client, stub


_NOBODY: Any = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody"}


def test_what_happens_beside_is_told_in_its_turn_with_its_own_time(
    narrator: Narrator, heard: io.StringIO
) -> None:
    aside = Aside(narrator)
    aside.say("pushed")
    assert not aside.check("served", False, "by nobody")
    assert heard.getvalue() == ""
    assert narrator.passed

    with narrator.step("7 · meanwhile"):
        aside.tell()

    assert heard.getvalue().index("pushed") < heard.getvalue().index("✗ served (by nobody)")
    assert [check.step for check in narrator.checks] == ["7 · meanwhile"]
    assert not narrator.passed


def test_the_log_hears_of_it_at_once(narrator: Narrator) -> None:
    Aside(narrator).call("lambda.invoke()")

    assert "beside: lambda.invoke()" in narrator.log_path.read_text()


def test_what_ends_it_early_is_raised_where_it_is_told(narrator: Narrator) -> None:
    aside = Aside(narrator)

    def play() -> None:
        aside.check("pushed", True, "it is there")
        raise LookupError("no ledger")

    meanwhile = Meanwhile(aside, play)
    meanwhile.begin()

    with pytest.raises(LookupError, match="no ledger"):
        meanwhile.tell()
    assert [check.name for check in narrator.checks] == ["pushed"]


def test_long_questions_fit_into_the_model_and_not_beside_the_preamble() -> None:
    from demo.assistant import _PREAMBLE

    template = (EXAMPLE / TEMPLATE).read_text()
    tokens = [len((template + one.text).encode()) / 4 for one in ASKED[Length.LONG]]

    assert max(tokens) < 5000
    assert min(tokens) + len(_PREAMBLE) / 4 > 8192
    assert len(_PREAMBLE) / 4 + 1000 < 8192
    assert max(len(one.text) for one in ASKED[Length.LONG]) <= 16_384
    assert sum(MIX.values()) == 1


def test_an_answer_is_counted_to_the_version_that_it_names(
    stubbed: tuple[Any, Stubber],
) -> None:
    client, stub = stubbed
    question = ASKED[Length.SHORT][0]
    for status, told in (
        ({}, {"answer": f"{question.right} [1]", "version": "bedrock-v2"}),
        ({"FunctionError": "Unhandled"}, {"errorMessage": "bedrock-v3: too long"}),
    ):
        body = json.dumps(told).encode()
        payload = StreamingBody(io.BytesIO(body), len(body))
        stub.add_response("invoke", {"StatusCode": 200, "Payload": payload, **status})
    ask = Asker(client, ALIAS)

    right, failed = ask(question), ask(question)

    assert (right.version, right.right, right.error) == (2, True, "")
    assert (failed.version, failed.said, failed.error) == (3, None, "bedrock-v3: too long")
    assert unanswered((right, failed)) == (failed,)
    assert answered_by((right, failed)) == {2, 3}
    assert named("no version in it") is None


def test_the_alias_is_read_by_what_its_versions_serve(stubbed: tuple[Any, Stubber]) -> None:
    client, stub = stubbed
    weights = {"7": 0.25}
    stub.add_response(
        "get_alias",
        {"FunctionVersion": "6", "RoutingConfig": {"AdditionalVersionWeights": weights}},
    )
    for number in (2, 3):
        served = f"s3://bucket/releases/bedrock/v{number}-0123456789ab/manifest.json#{'0' * 64}"
        variables = {"Variables": {"SLUICE_VERSION": served}}
        stub.add_response("get_function_configuration", {"Environment": variables})

    assert Alias(client, ALIAS).shares() == {2: 75.0, 3: 25.0}


def test_the_repository_is_the_example_with_a_short_plan(
    narrator: Narrator, tmp_path: Path
) -> None:
    shell = Shell(narrator, tmp_path / "work")
    (tmp_path / "work").mkdir()
    repository = Repository(tmp_path / "work", shell)

    repository.begin()
    commit = repository.commit("an assistant")

    assert len(commit) == 40
    assert repository.read(TEMPLATE) == (EXAMPLE / TEMPLATE).read_text()
    config = json.loads(repository.read("config/bedrock-config.json"))
    assert config["rollout"]["steps"] == [50, 100]
    assert config["model_id"] == "meta.llama3-8b-instruct-v1:0"
