"""The example systems are valid as they lie there, and do what their pages say."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

from examples.classifier import training
from sluice.domain.bedrock import BedrockConfig, judge_text, parse_bedrock_config
from sluice.domain.pinning import refuse_unpinned
from sluice.domain.pushed import ModelConfig, parse_config, parse_evaluation
from sluice.domain.registration import judge_model
from sluice.domain.rendering import CONTEXT, QUESTION, prompt
from tests.architecture.project import ROOT
from tests.builders import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
ASSISTANT = EXAMPLES / "assistant"


@pytest.fixture(scope="module")
def evaluating() -> Any:
    """The assistant's evaluation script."""
    path = ASSISTANT / "evaluation" / "evaluate.py"
    spec = importlib.util.spec_from_file_location("evaluate", path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_first_configs_that_people_try_are_valid() -> None:
    for path in (EXAMPLES / "config.json", EXAMPLES / "classifier" / "config.json"):
        assert isinstance(parse_config(path.read_bytes()), ModelConfig), path
    assert parse_evaluation((EXAMPLES / "evaluation-results.json").read_bytes()) == {
        "accuracy": 0.87,
        "f1": 0.84,
    }


def test_the_assistant_needs_nothing_but_its_commit() -> None:
    written = json.loads((ASSISTANT / "config" / "bedrock-config.json").read_text())

    config = parse_bedrock_config(
        json.dumps({**written, "prompt_template_version": COMMIT}).encode(), commit=COMMIT
    )

    assert isinstance(config, BedrockConfig), config
    assert refuse_unpinned(config) is None
    for name in config.named_files:
        assert judge_text(name, (ASSISTANT / name).read_bytes()) is None
    template = (ASSISTANT / config.prompt_template_file).read_text()
    assert (QUESTION in template, CONTEXT in template) == (True, True)


@pytest.mark.parametrize(
    ("template", "question", "context"),
    [
        pytest.param("{{context}}\n{{question}}", "why?", ["a", "b"], id="as it is meant"),
        pytest.param("{{ question }} {x} $y", "why?", [], id="nothing to fill in"),
        pytest.param("{{question}}{{context}}", "{{context}}", ["{{question}}"], id="one pass"),
    ],
)
def test_what_is_evaluated_is_what_will_be_sent(
    evaluating: Any, template: str, question: str, context: list[str]
) -> None:
    filled_in = evaluating.filled_in(template, question=question, context=context)

    assert filled_in == prompt(template, question, tuple(context))


def test_the_evaluation_names_its_commit_and_counts_right_answers(evaluating: Any) -> None:
    answers = [("once", "Once a month. [1]"), ("two years", "I do not know.")]

    results = evaluating.results(answers, COMMIT)

    assert results == {"prompt_template_version": COMMIT, "accuracy": 0.5, "questions": 2}


def test_a_question_is_asked_as_the_config_says(evaluating: Any) -> None:
    config = json.loads((ASSISTANT / "config" / "bedrock-config.json").read_text())
    questions = json.loads((ASSISTANT / "evaluation" / "questions.json").read_text())

    asked = evaluating.request(config, questions[0])

    assert asked["modelId"] == config["model_id"]
    assert asked["inferenceConfig"] == {"temperature": 0.1, "maxTokens": 512, "topP": 0.9}
    assert "[1] Clean the filter" in asked["messages"][0]["content"][0]["text"]
    assert all(one["question"] and one["expect"] for one in questions)


def test_the_classifier_is_written_as_it_is_pushed_and_again_the_same(tmp_path: Path) -> None:
    first = training.write(1, strength=1.0, into=tmp_path / "one")
    again = training.write(1, strength=1.0, into=tmp_path / "two")

    assert first.name == "tumours-v1"
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    assert files == {path.name: path.read_bytes() for path in again.iterdir()}
    metadata = {**json.loads(files["metadata.json"]), "git-sha": COMMIT}
    weights = files["model.tar.gz"]
    assert judge_model(weights, metadata, size=len(weights)) is None
    scores = parse_evaluation(files["evaluation-results.json"])
    assert isinstance(scores, dict)
    assert scores["accuracy"] > 0.95


def test_the_classifiers_own_smoke_test_passes() -> None:
    path = EXAMPLES / "classifier" / "code" / "inference.py"
    spec = importlib.util.spec_from_file_location("inference", path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    config = parse_config((EXAMPLES / "classifier" / "config.json").read_bytes())
    assert isinstance(config, ModelConfig)
    assert config.smoke_test
    rows, _, diagnoses, _ = training.split()
    model = training.regression(1.0).fit(rows, diagnoses)

    test = config.smoke_test
    asked = script.input_fn(test.body or "", test.content_type)
    body, content_type = script.output_fn(script.predict_fn(asked, model), "text/csv")

    assert content_type == test.expect.content_type
    assert test.expect.contains
    assert test.expect.contains in body
