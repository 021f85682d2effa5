"""The template of an application's release: what its version is, and where its release is told."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.domain.application_blueprint import application_template, version_objection
from sluice.domain.bedrock import FunctionCode
from sluice.domain.handing_over import application_readme, lost_function
from sluice.domain.infrastructure import Infrastructure
from sluice.domain.sameness import version_checks
from sluice.domain.verifying import findings
from tests.builders import a_bedrock_manifest

DIGEST = "0123456789abcdef" * 4
CODE = FunctionCode(function="serve", sha256="c29tZSBjb2Rl", layers=("arn:layer:1", "arn:layer:2"))
MANIFEST = a_bedrock_manifest(code=CODE)
TOLD = f"s3://{MANIFEST.bucket}/releases/{MANIFEST.release.group}/v2-0123456789ab/manifest.json"
VERSION: dict[str, Any] = {
    "FunctionName": "serve",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:serve:7",
    "Version": "7",
    "Role": "arn:aws:iam::123456789012:role/serve",
    "Runtime": "python3.13",
    "Handler": "app.lambda_handler",
    "MemorySize": 512,
    "Timeout": 60,
    "PackageType": "Zip",
    "Architectures": ["arm64"],
    "CodeSha256": CODE.sha256,
    "Layers": [{"Arn": one, "CodeSize": 1} for one in CODE.layers],
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/serve"},
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""},
    "Environment": {
        "Variables": {
            "LEVEL": "1",
            "SLUICE_ROLLOUT": "application.support-g1-e4",
            "SLUICE_VERSION": f"{TOLD}#{DIGEST}",
        }
    },
    "LastModified": "2026-05-03T14:00",
    "RevisionId": "a",
}
AGAIN = {
    **VERSION,
    "FunctionName": "support-v2-reproduced",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:support-v2-reproduced:1",
    "Version": "1",
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/support-v2-reproduced"},
    "LastModified": "2027-01-01T00:00",
    "RevisionId": "b",
}


def named(found: dict[str, Any], original: dict[str, Any] | None = VERSION) -> list[str]:
    checks = version_checks(MANIFEST, f"{TOLD}#{DIGEST}", original, found)
    return [one.what for one in findings(checks)]


def test_the_function_is_told_to_be_what_its_version_is() -> None:
    resources = application_template(MANIFEST, DIGEST, VERSION)["Resources"]
    function = resources["Function"]["Properties"]
    published = next(one for one in resources if one.startswith("Version"))

    assert {name: function[name] for name in ("Runtime", "Handler", "MemorySize", "Timeout")} == {
        name: VERSION[name] for name in ("Runtime", "Handler", "MemorySize", "Timeout")
    }
    assert function["LoggingConfig"] == {"LogFormat": "JSON"}
    assert "VpcConfig" not in function
    assert "SnapStart" not in function
    assert function["Environment"]["Variables"] == {
        "LEVEL": "1",
        "SLUICE_ROLLOUT": "application.support-g1-e4",
        "SLUICE_VERSION": {
            "Fn::Sub": f"s3://${{VaultBucket}}/${{VaultPrefix}}manifest.json#{DIGEST}"
        },
    }
    assert resources[published]["Properties"]["CodeSha256"] == VERSION["CodeSha256"]
    assert resources["Alias"]["Properties"]["Name"] == "live"


def test_another_configuration_is_another_version() -> None:
    one = application_template(MANIFEST, DIGEST, VERSION)["Resources"]
    other = application_template(MANIFEST, DIGEST, {**VERSION, "Timeout": 61})["Resources"]
    assert one.keys() ^ other.keys() == {
        name for name in {*one, *other} if name.startswith("Version")
    }


def test_the_same_but_for_names_arns_and_times() -> None:
    assert named(AGAIN) == []
    bare = {name: one for name, one in AGAIN.items() if name != "VpcConfig"}
    assert named({**bare, "KMSKeyArn": "", "LastUpdateStatus": "Successful"}) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"MemorySize": 1024}, "MemorySize of version"),
        ({"Timeout": 3}, "Timeout of version"),
        ({"Role": "arn:aws:iam::1:role/x"}, "Role of version"),
        ({"Unheard": {"Of": 1}}, "Unheard.Of of version"),
        ({"LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/mine"}}, "LoggingConfig.LogGroup"),
    ],
)
def test_what_differs_from_the_originals_version_is_named(
    change: dict[str, Any], what: str
) -> None:
    (found,) = named({**AGAIN, **change})
    assert found.startswith(what)


def test_another_release_other_code_and_layers_are_named_without_the_original() -> None:
    other = {
        **AGAIN,
        "CodeSha256": "x",
        "Layers": [{"Arn": "arn:other"}],
        "Environment": {"Variables": {"SLUICE_VERSION": TOLD}},
    }
    assert named(other, original=None) == [
        "SLUICE_VERSION of version",
        "CodeSha256 of version",
        "layers of version",
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, ""),
        ({"PackageType": "Image"}, "container image"),
        ({"Environment": {"Error": {"ErrorCode": "AccessDenied"}}}, "cannot decrypt"),
        ({"Environment": {"Variables": {"A": "{{resolve:ssm:x}}"}}}, "variables A: "),
        ({"Description": "{{resolve:ssm:x}}"}, "Description: "),
        ({"LoggingConfig": {"LogGroup": "{{resolve:ssm:x}}"}}, "LoggingConfig: "),
    ],
)
def test_what_no_template_can_say_is_told(change: dict[str, Any], what: str) -> None:
    said = version_objection({**VERSION, **change})
    assert what in said
    assert bool(said) is bool(what)


def test_a_function_that_is_gone_is_told_with_the_commit_to_build_it_from() -> None:
    stack = Infrastructure(stack="sluice", stack_id="", template_sha256="", commit="9f8d111")
    said = lost_function(MANIFEST.model_copy(update={"infrastructure": stack}))
    assert said.endswith("build it from commit 9f8d111 of stack sluice")
    assert VERSION["CodeSha256"] in said


def test_the_readme_names_code_and_what_is_not_captured() -> None:
    stack = Infrastructure(stack="sluice", stack_id="", template_sha256="", commit="9f8d111")
    captured = MANIFEST.model_copy(update={"infrastructure": stack})
    text = application_readme(captured, DIGEST, package_arn="arn:package")
    assert "captured by     stack sluice, of commit 9f8d111" in text
    assert f"CodeSha256 {VERSION['CodeSha256']}" in text
    assert "aws s3 cp code.zip s3://CODE-BUCKET/code.zip" in text
