"""The bill of materials: valid CycloneDX, the same each time, and complete."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from sluice.domain.bedrock import FunctionCode, KnowledgeSource, PartnerModel
from sluice.domain.bill import bill, spelled
from sluice.domain.bill_parts import GIT_URL
from sluice.domain.infrastructure import Infrastructure
from sluice.domain.manifest import digest_of
from sluice.domain.values import iso
from tests.builders import (
    AT,
    DIGEST,
    REPOSITORY,
    a_bedrock_manifest,
    a_config,
    a_manifest,
    a_release_name,
)

CODE = hashlib.sha256(b"code").digest()
ARN = "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/KB12345678"


def made(manifest: Any) -> dict[str, Any]:
    """The bill of a manifest."""
    return bill(manifest, digest_of(manifest.canonical()), registered_at=AT)


def a_rich_manifest() -> Any:
    """A model's manifest with everything that one may say."""
    manifest = a_manifest()
    script = manifest.objects[0].model_copy(
        update={
            "name": "code/pre.py",
            "sha256": "",
            "checksum_type": "FULL_OBJECT",
            "checksums": {"SHA256": base64.b64encode(CODE).decode(), "CRC64NVME": "AAAAAAAAAAA="},
        }
    )
    config = a_config(
        inference_scripts=[{"file": "code/pre.py", "version": "1.2"}],
        environment={"API_TOKEN": "t0ken", "LEVEL": "9"},
    )
    metadata = {**manifest.metadata, GIT_URL: "https://git.example.com/ml/churn"}
    update = {
        "config": type(manifest.config)(**config),
        "metadata": metadata,
        "infrastructure": Infrastructure(
            stack="sluice", stack_id="", template_sha256="b" * 64, commit="9f8d111"
        ),
        "objects": (*manifest.objects, script),
    }
    return manifest.model_copy(update=update)


def a_rich_config() -> Any:
    """An application's manifest with everything that one may say."""
    manifest = a_bedrock_manifest()
    return manifest.model_copy(
        update={
            "code": FunctionCode(
                function="answers", sha256=base64.b64encode(CODE).decode(), layers=("layer:7",)
            ),
            "knowledge": KnowledgeSource(
                knowledge_base_id="KB12345678",
                knowledge_base_arn=ARN,
                ingestion_job_id="JOB1234567",
                ingested_at=AT,
            ),
            "partner": PartnerModel(
                release=a_release_name("reranker-v4"), digest="e" * 64, target="reranker"
            ),
            "model": manifest.model.model_copy(update={"end_of_life_at": AT}),
        }
    )


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in document["components"] if one["name"] == name)
    return dict(found)


def said(part: dict[str, Any]) -> dict[str, list[str]]:
    """The properties of a component, by name without our prefix."""
    found = dict[str, list[str]]()
    for one in part.get("properties", []):
        found.setdefault(one["name"].removeprefix("sluice:"), []).append(one["value"])
    return found


@pytest.mark.parametrize(
    "manifest",
    [a_manifest(), a_rich_manifest(), a_bedrock_manifest(), a_rich_config()],
    ids=["model", "rich model", "application", "rich application"],
)
def test_a_bill_is_strictly_valid_and_refers_to_what_it_holds(manifest: Any) -> None:
    document = made(manifest)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spelled(document)) is None
    refs = [one["bom-ref"] for one in document["components"]]
    subject = document["metadata"]["component"]["bom-ref"]
    assert len({subject, *refs}) == len(refs) + 1
    assert document["dependencies"][0] == {"ref": subject, "dependsOn": refs}
    assert {one.name for one in manifest.objects} <= {one["name"] for one in document["components"]}


def test_the_same_release_has_the_same_bill_and_another_has_another_serial_number() -> None:
    manifest = a_manifest()
    other = manifest.model_copy(update={"commit": "f" * 40})

    assert spelled(made(manifest)) == spelled(made(a_manifest()))
    assert made(manifest)["serialNumber"] != made(other)["serialNumber"]
    assert made(manifest)["metadata"]["timestamp"] == iso(AT)


def test_a_models_card_says_its_scores_its_data_and_what_it_came_from() -> None:
    manifest = a_rich_manifest()
    document = made(manifest)
    subject = document["metadata"]["component"]

    assert (subject["type"], subject["name"], subject["version"]) == (
        "machine-learning-model",
        "churn",
        "4",
    )
    card = subject["modelCard"]
    metrics = {
        one["type"]: one["value"] for one in card["quantitativeAnalysis"]["performanceMetrics"]
    }
    assert metrics == {"accuracy": "0.87", "f1": "0.84"}
    (data,) = card["modelParameters"]["datasets"]
    assert data == {"ref": named(document, "training-data")["bom-ref"]}
    assert named(document, "training-data")["version"] == "v3.2"
    assert subject["pedigree"]["ancestors"][0]["name"] == "xgboost-2.1"
    (vcs,) = subject["externalReferences"]
    assert (vcs["type"], vcs["url"]) == ("vcs", "https://git.example.com/ml/churn")
    assert manifest.commit in vcs["comment"]


def test_what_a_model_was_made_from_is_named_with_its_digest() -> None:
    manifest = a_rich_manifest()
    document = made(manifest)

    image = named(document, "churn")
    assert image["type"] == "container"
    assert image["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    purl = PackageURL.from_string(image["purl"])
    assert (purl.type, purl.name, purl.version) == ("oci", "churn", DIGEST)
    assert purl.qualifiers == {"repository_url": REPOSITORY}
    assert purl.to_string() == image["purl"]
    script = named(document, "code/pre.py")
    assert (script["type"], script["version"]) == ("file", "1.2")
    assert script["hashes"] == [{"alg": "SHA-256", "content": CODE.hex()}]
    assert said(script)["checksum-CRC64NVME"] == ["AAAAAAAAAAA= (FULL_OBJECT)"]
    digest = digest_of(manifest.canonical())
    assert named(document, "manifest.json")["hashes"][0]["content"] == digest


def test_names_of_the_environment_are_told_and_no_value() -> None:
    document = made(a_rich_manifest())

    told = said(document["metadata"]["component"])
    assert told["environment-name"] == ["API_TOKEN", "LEVEL"]
    assert "t0ken" not in spelled(document)
    assert told["target"] == ["endpoint/churn"]
    assert told["infrastructure-commit"] == ["9f8d111"]
    assert told["infrastructure-template-sha256"] == ["b" * 64]
    assert told["manifest"][0].startswith("s3://sluice-artifacts/releases/churn/v4-")


def test_a_commit_without_an_url_and_a_base_that_is_none_are_no_references() -> None:
    manifest = a_manifest()
    metadata = {**manifest.metadata, "base-model": "none", GIT_URL: "see the wiki"}
    subject = made(manifest.model_copy(update={"metadata": metadata}))["metadata"]["component"]

    assert "externalReferences" not in subject
    assert "pedigree" not in subject
    assert said(subject)["git-commit"] == [manifest.commit]


def test_a_checksum_of_parts_is_not_taken_for_the_files() -> None:
    manifest = a_rich_manifest()
    parts = manifest.objects[-1].model_copy(update={"checksum_type": "COMPOSITE"})
    document = made(manifest.model_copy(update={"objects": (parts,)}))

    assert "hashes" not in named(document, "code/pre.py")


def test_an_application_names_its_model_function_and_sources() -> None:
    manifest = a_rich_config()
    document = made(manifest)

    model = named(document, manifest.model.id)
    assert model["type"] == "machine-learning-model"
    assert said(model)["model-arn"] == list(manifest.model.arns)
    assert said(model)["model-end-of-life"] == [iso(AT)]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert {one["slice"] for one in metrics} == {"support-v2"}
    code = named(document, "answers")
    assert code["hashes"] == [{"alg": "SHA-256", "content": CODE.hex()}]
    assert said(code)["layer"] == ["layer:7"]
    source = named(document, "KB12345678")
    assert (source["type"], said(source)["restorable"]) == ("data", ["false"])
    prompt = named(document, "prompts/p.txt")
    assert (prompt["type"], prompt["data"][0]["type"]) == ("data", "definition")
    assert prompt["hashes"] == [{"alg": "SHA-256", "content": "5" * 64}]
    assert said(document["metadata"]["component"])["moves-with"] == ["reranker-v4"]


def test_what_is_no_digest_is_told_and_not_taken_for_one() -> None:
    code = FunctionCode(function="answers", sha256="no digest")
    found = named(made(a_rich_config().model_copy(update={"code": code})), "answers")

    assert "hashes" not in found
    assert said(found)["code-sha256"] == ["no digest"]


def test_a_bill_reads_back_as_json() -> None:
    document = made(a_rich_manifest())

    assert json.loads(spelled(document)) == document
