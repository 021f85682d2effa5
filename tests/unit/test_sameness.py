"""What two descriptions may differ in: names, ARNs and times, and nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from sluice.domain.pushed import ModelConfig
from sluice.domain.sameness import (
    Descriptions,
    Places,
    original_checks,
    own_places,
    release_checks,
    scale,
)
from sluice.domain.verifying import findings
from tests.builders import a_config, a_manifest

DIGEST = "0123456789abcdef" * 4
ROLE = "arn:aws:iam::123456789012:role/serving"
CONFIG = ModelConfig.model_validate(
    a_config(instance_count=2, environment={"LEVEL": "1", "FOLDER": "s3://elsewhere/x"})
)
MANIFEST = a_manifest(config=CONFIG)
OWN = own_places(MANIFEST, DIGEST, role=ROLE)


def described(name: str, variant: str, at: str) -> Descriptions:
    """An endpoint with its one variant, as SageMaker would describe it."""
    image = MANIFEST.image
    return Descriptions(
        endpoint={
            "EndpointName": name,
            "EndpointArn": f"arn:endpoint/{name}",
            "EndpointConfigName": f"{name}-config",
            "EndpointStatus": "InService",
            "CreationTime": at,
            "LastModifiedTime": at,
            "ProductionVariants": [
                {
                    "VariantName": variant,
                    "DeployedImages": [
                        {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": at}
                    ],
                    "CurrentWeight": 100.0,
                    "DesiredWeight": 100.0,
                    "CurrentInstanceCount": 2,
                    "DesiredInstanceCount": 2,
                }
            ],
            "ResponseMetadata": {"RequestId": at},
        },
        config={
            "EndpointConfigName": f"{name}-config",
            "EndpointConfigArn": f"arn:config/{name}",
            "CreationTime": at,
            "EnableNetworkIsolation": False,
            "ProductionVariants": [
                {
                    "VariantName": variant,
                    "ModelName": f"{name}-model",
                    "InstanceType": CONFIG.instance_type,
                    "InitialInstanceCount": 2,
                    "InitialVariantWeight": 100.0,
                }
            ],
        },
        model={
            "ModelName": f"{name}-model",
            "ModelArn": f"arn:model/{name}",
            "CreationTime": at,
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {
                "Image": image,
                "Mode": "SingleModel",
                "ModelDataUrl": f"{OWN.folder}model.tar.gz",
                "ModelDataSource": {
                    "S3DataSource": {
                        "S3Uri": f"{OWN.folder}model.tar.gz",
                        "S3DataType": "S3Object",
                        "CompressionType": "Gzip",
                    }
                },
                "Environment": dict(CONFIG.environment),
            },
        },
    )


ORIGINAL = described("churn", "v4-e5", "2026-05-03T14:00")
AGAIN = described("churn-v4-reproduced", "v4", "2027-01-01T00:00")
for implied in ("Mode", "ModelDataSource"):  # SageMaker tells these of an archive, or does not
    AGAIN.model["PrimaryContainer"].pop(implied)


def changed(of: Descriptions, part: str, *path: Any, to: Any) -> Descriptions:
    """The descriptions with one value set."""
    document = copy.deepcopy(getattr(of, part))
    *way, last = path
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = to
    return replace(of, **{part: document})


def named(found: Descriptions, *, places: Places = OWN) -> list[str]:
    """What is found of a reproduction beside manifest and original."""
    beside = [
        *findings(release_checks(MANIFEST, DIGEST, found, places)),
        *findings(original_checks(ORIGINAL, found, OWN, places)),
    ]
    return [one.what for one in beside]


def test_the_same_but_for_names_arns_and_times() -> None:
    assert named(AGAIN) == []


@pytest.mark.parametrize(
    ("part", "path", "to", "what"),
    [
        (
            "model",
            ["PrimaryContainer", "Image"],
            "other@sha256:0",
            "PrimaryContainer.Image of model",
        ),
        (
            "model",
            ["PrimaryContainer", "ModelDataUrl"],
            "s3://elsewhere/model.tar.gz",
            "PrimaryContainer.ModelDataUrl of model",
        ),
        (
            "model",
            ["PrimaryContainer", "Environment", "LEVEL"],
            "2",
            "PrimaryContainer.Environment.LEVEL of model",
        ),
        (
            "model",
            ["PrimaryContainer", "Environment", "MORE"],
            "1",
            "PrimaryContainer.Environment.MORE of model",
        ),
        ("model", ["ExecutionRoleArn"], "arn:aws:iam::1:role/x", "ExecutionRoleArn of model"),
        ("model", ["EnableNetworkIsolation"], True, "EnableNetworkIsolation of model"),
        ("model", ["PrimaryContainer", "Mode"], "MultiModel", "PrimaryContainer.Mode of model"),
        ("model", ["VpcConfig"], {"Subnets": ["s"]}, "VpcConfig.Subnets.0 of model"),
        (
            "config",
            ["ProductionVariants", 0, "InstanceType"],
            "ml.p4d.24xlarge",
            "ProductionVariants.0.InstanceType of endpoint configuration",
        ),
        (
            "config",
            ["ProductionVariants", 0, "InitialVariantWeight"],
            1.0,
            "ProductionVariants.0.InitialVariantWeight of endpoint configuration",
        ),
        (
            "config",
            ["ProductionVariants", 0, "VolumeSizeInGB"],
            30,
            "ProductionVariants.0.VolumeSizeInGB of endpoint configuration",
        ),
        ("config", ["KmsKeyId"], "k", "KmsKeyId of endpoint configuration"),
    ],
)
def test_what_differs_is_named_against_manifest_and_original(
    part: str, path: list[Any], to: Any, what: str
) -> None:
    assert named(changed(AGAIN, part, *path, to=to)) == [what, what]


@pytest.mark.parametrize(
    ("path", "to", "what"),
    [
        (["EndpointStatus"], "Failed", "EndpointStatus of endpoint"),
        (["ProductionVariants", 0, "CurrentWeight"], 5.0, "CurrentWeight of endpoint"),
        (["ProductionVariants", 0, "VariantName"], "other", "variants of endpoint"),
    ],
)
def test_what_serves_is_held_against_the_manifest(path: list[Any], to: Any, what: str) -> None:
    assert named(changed(AGAIN, "endpoint", *path, to=to))[0] == what


def test_a_member_nobody_has_heard_of_is_compared() -> None:
    found = changed(AGAIN, "endpoint", "AsyncInferenceConfig", to={"OutputConfig": {"S3": "x"}})
    assert named(found) == ["AsyncInferenceConfig.OutputConfig.S3 of endpoint"]


def test_a_name_is_free_only_where_it_is_one() -> None:
    deeper = changed(AGAIN, "config", "ProductionVariants", 0, "Deep", to={"ModelName": "x"})
    assert named(deeper) == ["ProductionVariants.0.Deep.ModelName of endpoint configuration"] * 2


def test_counts_are_the_manifests_and_of_the_original_told_apart() -> None:
    scaled = changed(ORIGINAL, "endpoint", "ProductionVariants", 0, "CurrentInstanceCount", to=7)
    assert not findings(original_checks(scaled, AGAIN, OWN, OWN))
    assert scale(scaled)["ProductionVariants.0.CurrentInstanceCount of endpoint"] == 7

    fewer = changed(AGAIN, "config", "ProductionVariants", 0, "InitialInstanceCount", to=1)
    what = "ProductionVariants.0.InitialInstanceCount of endpoint configuration"
    assert named(fewer) == [what]


def test_in_another_account_what_was_mapped_is_expected_there() -> None:
    digest = MANIFEST.image.partition("@")[2]
    places = Places(
        "arn:aws:iam::210987654321:role/theirs",
        "s3://theirs/copy/",
        f"210987654321.dkr.ecr.eu-west-1.amazonaws.com/theirs@{digest}",
    )
    found = AGAIN
    for path, to in (
        (["ExecutionRoleArn"], places.role),
        (["PrimaryContainer", "Image"], places.image),
        (["PrimaryContainer", "ModelDataUrl"], f"{places.folder}model.tar.gz"),
    ):
        found = changed(found, "model", *path, to=to)
    image = ["ProductionVariants", 0, "DeployedImages", 0]
    found = changed(found, "endpoint", *image, "SpecifiedImage", to=places.image)
    found = changed(found, "endpoint", *image, "ResolvedImage", to=places.image)

    assert named(found, places=places) == []
    assert "ExecutionRoleArn of model" in named(found)
