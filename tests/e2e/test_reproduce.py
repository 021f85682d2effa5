"""What is destroyed with its ledger is built again from the vault, and is the same."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from localcloud.launcher import client_environment
from tests.e2e.application import QUESTION, Application, ask
from tests.e2e.built import ROOT
from tests.e2e.line import Line

ROWS, BATCH = 1000, 250
MODEL = """\
import json, math, os

WEIGHTS = [0.31, -1.7, 0.044]

def model_fn(folder):
    return float(os.environ["BIAS"])

def input_fn(body, content_type):
    return [[float(one) for one in row.split(",")] for row in body.splitlines()]

def predict_fn(rows, bias):
    sums = [bias + sum(w * x for w, x in zip(WEIGHTS, row, strict=True)) for row in rows]
    return [1 / (1 + math.exp(-one)) for one in sums]

def output_fn(scores, accept):
    return "\\n".join(map(repr, scores)), "text/csv"
"""
# Names, ARNs and times of what is described; nothing else may differ.
FREE = {
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "EndpointConfigArn",
    "ModelName",
    "ModelArn",
    "VariantName",
    "CreationTime",
    "LastModifiedTime",
    "ResolutionTime",
    "ResponseMetadata",
}


def described(line: Line, name: str) -> str:
    """Everything SageMaker tells of an endpoint, its configuration and model, as JSON."""
    sagemaker = line.stack.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    return json.dumps(_bare([endpoint, config, model]), indent=1, sort_keys=True)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if name not in FREE}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def predictions(line: Line, name: str) -> list[str]:
    """What an endpoint answers to the rows, as it spells it."""
    runtime, found = line.stack.client("sagemaker-runtime"), []
    for first in range(0, ROWS, BATCH):
        rows = [f"{n / 97},{n % 13},{n * n % 1009 / 7}" for n in range(first, first + BATCH)]
        answer = runtime.invoke_endpoint(
            EndpointName=name, ContentType="text/csv", Body="\n".join(rows).encode()
        )
        found += answer["Body"].read().decode().split("\n")
    return found


def sluice(line: Line, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of `sluice reproduce`, asked with no ledger, and what it told."""
    ended = subprocess.run(
        [
            *(str(ROOT / "bin" / "sluice"), "reproduce", f"{line.name}-v1", "--json"),
            *("--table", "lost", "--every", "0.3", "--timeout", "1", *arguments),
        ],
        env={**os.environ, **client_environment(line.stack.endpoint_url)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, told


def destroy(line: Line) -> None:
    """Delete the endpoint, its configuration and its model by hand; the ledger forgets them."""
    sagemaker, formed = line.stack.client("sagemaker"), line.endpoint()["EndpointConfigName"]
    line.ledger.forget(line.name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=formed)
    sagemaker.delete_endpoint(EndpointName=line.name)
    sagemaker.delete_endpoint_config(EndpointConfigName=formed)
    sagemaker.delete_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    line.until("it is gone", lambda: line.endpoint() == {} or None)


def edit(line: Line, name: str) -> None:
    """Somebody puts the endpoint on another instance type by hand."""
    sagemaker, other = line.stack.client("sagemaker"), f"{name}-by-hand"
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    sagemaker.create_endpoint_config(
        EndpointConfigName=other, ProductionVariants=[{**variant, "InstanceType": "ml.m5.xlarge"}]
    )
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other)

    def serves() -> bool | None:
        found = sagemaker.describe_endpoint(EndpointName=name)
        done = found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == other
        return done or None

    line.until("the other configuration serves", serves)


def test_a_destroyed_endpoint_is_built_again_from_the_vault_alone(
    churn: Line, tmp_path: Path
) -> None:
    churn.push(1, MODEL, environment={"BIAS": "0.25"}, instance_count=2)
    churn.approve(1)
    churn.until_serving({1: 100})
    before, answers = described(churn, churn.name), predictions(churn, churn.name)
    assert len(set(answers)) > ROWS / 2, "the rows tell models apart"
    churn.until_event("Settled", 1)
    destroy(churn)

    code, told = sluice(churn, "--deploy", "--output", str(tmp_path / "blueprint"))

    name = f"{churn.name}-v1-reproduced"
    try:
        assert (code, told["stack"], told["the_same"]) == (0, "created", True), told
        assert described(churn, name) == before
        assert predictions(churn, name) == answers
        assert churn.endpoint() == {}, "what was destroyed is nobody's to bring back"

        code, again = sluice(churn, "--deploy", "--output", str(tmp_path / "blueprint"))
        assert (code, again["stack"]) == (0, "there already"), again
        edit(churn, name)
        code, found = sluice(churn, "--check")
        named = {one["what"] for one in found["findings"]}
        assert (code, named) == (
            1,
            {"ProductionVariants.0.InstanceType of endpoint configuration"},
        )
    finally:
        churn.stack.client("cloudformation").delete_stack(StackName=name)


def test_an_application_is_built_again_with_the_code_that_was_approved(
    support: Application, tmp_path: Path
) -> None:
    support.push(1)
    support.line.approve(1)
    support.line.until_serving({1: 100})
    client, line = support.stack.client("lambda"), support.line
    answer = ask(client, support.function, QUESTION)
    name, bucket = f"{support.name}-v1-reproduced", f"code-of-{support.name}"
    support.stack.client("s3").create_bucket(Bucket=bucket)

    code, told = sluice(
        line,
        *("--deploy", "--code", f"s3://{bucket}/code.zip"),
        *("--output", str(tmp_path / "blueprint")),
    )

    try:
        assert (code, told["stack"], told["the_same"]) == (0, "created", True), told
        again = ask(client, name, QUESTION)
        assert (again.said, again.version, again.error) == (answer.said, 1, "")

        client.update_alias(FunctionName=name, Name="live", FunctionVersion=hand_made(client, name))
        code, found = sluice(line, "--check")
        named = {one["what"] for one in found["findings"]}
        assert (code, named) == (1, {"MemorySize of version"})
    finally:
        support.stack.client("cloudformation").delete_stack(StackName=name)


def hand_made(client: Any, name: str) -> str:
    """A version of the function with other memory, published by hand."""
    found = client.get_function_configuration(FunctionName=name)
    client.update_function_configuration(FunctionName=name, MemorySize=2 * found["MemorySize"])
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    return str(client.publish_version(FunctionName=name)["Version"])
