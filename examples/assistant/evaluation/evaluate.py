"""Ask the model every question as the config says, and count the answers that hold what they must.

Writes evaluation-results.json for the commit that is checked out: `python evaluation/evaluate.py`.
It needs boto3, Git, and credentials with bedrock:InvokeModel.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config" / "bedrock-config.json"
_PLACEHOLDER = re.compile(r"\{\{(question|context)\}\}")
_PARAMETERS = {"temperature": "temperature", "max_tokens": "maxTokens", "top_p": "topP"}


def filled_in(template: str, *, question: str, context: list[str]) -> str:
    """The template with the question and the numbered passages in it, in one pass."""
    passages = "\n".join(f"[{number}] {text}" for number, text in enumerate(context, start=1))
    values = {"question": question, "context": passages}
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def request(config: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What Converse is asked for one question."""
    template = (ROOT / config["prompt_template_file"]).read_text(encoding="utf-8")
    system = (ROOT / config["system_prompt_file"]).read_text(encoding="utf-8")
    text = filled_in(template, question=asked["question"], context=asked["context"])
    given = config["inference_config"]
    return {
        "modelId": config["model_id"],
        "system": [{"text": system}],
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "inferenceConfig": {_PARAMETERS[name]: value for name, value in given.items()},
    }


def results(answers: list[tuple[str, str]], commit: str) -> dict[str, Any]:
    """What is pushed as the evaluation; `answers` are pairs of what must be held and what came."""
    right = sum(expected.lower() in said.lower() for expected, said in answers)
    return {
        "prompt_template_version": commit,
        "accuracy": round(right / len(answers), 4),
        "questions": len(answers),
    }


def commit() -> str:
    """The commit that is checked out. Raises SystemExit if what is evaluated is not in it."""
    ask = ["git", "-C", str(ROOT)]
    changed = subprocess.check_output(  # noqa: S603 - our own arguments
        [*ask, "status", "--porcelain", "--", "config", "prompts"], text=True
    )
    if changed:
        raise SystemExit(f"commit these first, they are what is evaluated:\n{changed}")
    return subprocess.check_output([*ask, "rev-parse", "HEAD"], text=True).strip()  # noqa: S603


def main() -> None:
    """Evaluate the commit and write its results."""
    of, config = commit(), json.loads(CONFIG.read_text(encoding="utf-8"))
    bedrock = boto3.client("bedrock-runtime")
    answers = []
    for asked in json.loads((ROOT / "evaluation" / "questions.json").read_text(encoding="utf-8")):
        answer = bedrock.converse(**request(config, asked))
        said = "".join(block.get("text", "") for block in answer["output"]["message"]["content"])
        mark = "ok " if asked["expect"].lower() in said.lower() else "NOT"
        print(f"{mark} {asked['question']} {said}")
        answers.append((asked["expect"], said))
    written = json.dumps(results(answers, of), indent=2)
    (ROOT / "evaluation-results.json").write_text(written + "\n", encoding="utf-8")
    print(written)


if __name__ == "__main__":
    main()
