"""The template says what a rollout asks for, with parameters for what another account maps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain import making
from sluice.domain.blueprint import (
    endpoint_template,
    name_objection,
    objection,
    reproduced_name,
    variant_name,
)
from sluice.domain.deploying import fleet
from sluice.domain.pushed import ModelConfig
from tests.builders import a_config, a_manifest, a_release_name

if TYPE_CHECKING:
    from sluice.domain.manifest import Manifest

DIGEST = "0123456789abcdef" * 4
ROLE = "arn:aws:iam::123456789012:role/serving"
SERVERLESS = {
    "instance_type": None,
    "instance_count": 1,
    "serverless": {"memory_size_mb": 2048, "max_concurrency": 5},
    "rollout": {"strategy": "guardrail"},
}


def a_model(**config: Any) -> Manifest:
    """The manifest of a version with such a config."""
    written = {name: one for name, one in a_config(**config).items() if one is not None}
    return a_manifest(config=ModelConfig.model_validate(written))


def resolved(value: Any, parameters: dict[str, str]) -> Any:
    """A template's properties as CloudFormation resolves them; names it gives are left open."""
    match value:
        case {"Ref": name}:
            return parameters[name]
        case {"Fn::Sub": text}:
            for name, one in parameters.items():
                text = text.replace(f"${{{name}}}", one)
            return text
        case {"Fn::GetAtt": [resource, _]}:
            return f"the {resource}"
        case dict():
            return {name: resolved(one, parameters) for name, one in value.items()}
        case list():
            return [resolved(one, parameters) for one in value]
    return value


@pytest.mark.parametrize(
    "manifest",
    [
        a_model(instance_count=3, environment={"A": "1", "B": "s3://x/${C}"}),
        a_model(**SERVERLESS),
    ],
    ids=["instances", "serverless"],
)
def test_the_template_makes_the_requests_of_a_rollout(manifest: Manifest) -> None:
    template = endpoint_template(manifest, DIGEST, role_arn=ROLE)
    defaults = {name: one["Default"] for name, one in template["Parameters"].items()}
    made = {
        name: resolved(one["Properties"], defaults) for name, one in template["Resources"].items()
    }

    runs = making.container(manifest, DIGEST)
    asked = making.model("churn-v4-e5", runs=runs, role_arn=ROLE)
    assert made["Model"] == {name: one for name, one in asked.items() if name != "ModelName"}
    variant = making.production_variant(
        variant_name(manifest.release),
        model="the Model",
        fleet=fleet(manifest, count=manifest.config.instance_count),
    )
    assert made["EndpointConfig"] == {"ProductionVariants": [variant]}
    assert made["Endpoint"] == making.endpoint(
        reproduced_name(manifest.release), config="the EndpointConfig"
    )


def test_only_the_releases_own_folder_is_told_by_parameters() -> None:
    folder = f"s3://{a_manifest().bucket}/releases/churn/v4-{DIGEST[:12]}/other"
    manifest = a_model(environment={"COPY": folder, "OTHER": "s3://b/k"})
    container = endpoint_template(manifest, DIGEST)["Resources"]["Model"]["Properties"]
    assert container["PrimaryContainer"]["Environment"] == {"COPY": folder, "OTHER": "s3://b/k"}


def test_a_role_that_nobody_named_must_be_given() -> None:
    assert "Default" not in endpoint_template(a_model(), DIGEST)["Parameters"]["ExecutionRoleArn"]
    own = endpoint_template(a_model(execution_role_arn=ROLE), DIGEST)
    assert own["Parameters"]["ExecutionRoleArn"]["Default"] == ROLE


def test_the_same_release_has_the_same_template() -> None:
    one, other = (json.dumps(endpoint_template(a_model(), DIGEST)) for _ in range(2))
    assert one == other


def test_what_cloudformation_would_replace_is_named() -> None:
    assert objection(a_model(environment={"A": "1"})) == ""
    secret = {"A": "1", "KEY": "{{resolve:secretsmanager:key}}"}
    assert objection(a_model(environment=secret)).startswith("environment KEY: ")


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("churn-v4-reproduced", True),
        ("c" * 63, True),
        ("c" * 64, False),
        ("9lives", False),
        ("a--b", True),
        ("a-", False),
        ("a_b", False),
        ("", False),
        ("churn", False),
    ],
)
def test_a_name_must_do_for_stack_and_endpoint_and_be_another(name: str, fine: bool) -> None:
    assert (name_objection(name, target="churn") == "") is fine
    assert reproduced_name(a_release_name("churn-v4")) == "churn-v4-reproduced"
