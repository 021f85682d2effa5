"""The blueprint of an application's release: its function, one version of it, and the alias.

The manifest pins the code and the release; what else the function is, its published version says
and nobody else. Where that version is gone, so is the rest.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.blueprint import (
    BUCKET,
    DYNAMIC,
    METADATA,
    PREFIX,
    ROLE,
    identity,
    reproduced_name,
    role_parameter,
    vault_folder,
)
from sluice.domain.manifest import MANIFEST
from sluice.domain.serving import serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.bedrock_manifest import BedrockManifest

FUNCTION_NAME, CODE_BUCKET, CODE_KEY = "FunctionName", "CodeBucket", "CodeKey"
_AS_IT_IS = (
    "Architectures",
    "DeadLetterConfig",
    "Description",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "MemorySize",
    "Runtime",
    "Timeout",
    "TracingConfig",
)
_NETWORK = ("SubnetIds", "SecurityGroupIds")
_SNAPPED = "PublishedVersions"
_KEY = "KMSKeyArn", "KmsKeyArn"  # Lambda's spelling, and CloudFormation's


def application_template(
    manifest: BedrockManifest, digest: str, version: Mapping[str, Any]
) -> dict[str, Any]:
    """The template of a release, from its manifest and from the version that serves it.

    `version` is what GetFunctionConfiguration says of that.
    """
    properties = {
        FUNCTION_NAME: {"Ref": FUNCTION_NAME},
        "Role": {"Ref": ROLE},
        "Code": {"S3Bucket": {"Ref": CODE_BUCKET}, "S3Key": {"Ref": CODE_KEY}},
        **_properties(version),
        "Environment": {"Variables": _variables(manifest, digest, version)},
    }
    published = f"Version{_short(properties)}"
    code = manifest.code.sha256 if manifest.code else ""
    live = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [published, "Version"]},
        "Name": names.LIVE,
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{manifest.release}, built again from the vault. Release digest {digest}.",
        "Metadata": {METADATA: identity(manifest, digest)},
        "Parameters": _parameters(manifest, digest, version),
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": properties},
            published: {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}, "CodeSha256": code},
            },
            "Alias": {"Type": "AWS::Lambda::Alias", "Properties": live},
        },
        "Outputs": {"LiveAliasArn": {"Value": {"Ref": "Alias"}}},
    }


def version_objection(version: Mapping[str, Any]) -> str:
    """Why no template can say what the function's version is, or nothing."""
    if version.get("PackageType", "Zip") != "Zip":
        return "its function is a container image, whose code no template takes from S3"
    environment = version.get("Environment") or {}
    if "Error" in environment:
        return "Lambda cannot decrypt the variables of its version for whoever asks"
    said = environment.get("Variables") or {}
    found = sorted(name for name, one in said.items() if DYNAMIC in one)
    if found:
        return f"variables {', '.join(found)}: CloudFormation would replace them"
    settings = _properties(version).items()
    found = sorted(name for name, one in settings if DYNAMIC in json.dumps(one))
    return f"{', '.join(found)}: CloudFormation would replace what is said there" if found else ""


def _properties(version: Mapping[str, Any]) -> dict[str, Any]:
    """What the function is beside its name, role, code and variables: what it is told to be."""
    network, logging = version.get("VpcConfig") or {}, dict(version.get("LoggingConfig") or {})
    if logging.get("LogGroup") == f"/aws/lambda/{version.get('FunctionName')}":
        del logging["LogGroup"]  # named after the function: the other one gets its own
    snapped = (version.get("SnapStart") or {}).get("ApplyOn") == _SNAPPED
    found = {
        **{name: version.get(name) for name in _AS_IT_IS},
        _KEY[1]: version.get(_KEY[0]),
        "Layers": [one["Arn"] for one in version.get("Layers") or []],
        "LoggingConfig": logging,
        "SnapStart": {"ApplyOn": _SNAPPED} if snapped else {},
        "VpcConfig": {name: network[name] for name in _NETWORK if network.get(name)},
    }
    return {name: value for name, value in found.items() if value}


def _variables(manifest: BedrockManifest, digest: str, version: Mapping[str, Any]) -> Any:
    """The version's variables; the release is told by where the vault is."""
    kept = dict((version.get("Environment") or {}).get("Variables") or {})
    uri = f"s3://${{{BUCKET}}}/${{{PREFIX}}}{MANIFEST}"
    return {**kept, names.VERSION_VARIABLE: {"Fn::Sub": serving(uri, digest)}}


def _parameters(
    manifest: BedrockManifest, digest: str, version: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        FUNCTION_NAME: {
            "Type": "String",
            "Default": reproduced_name(manifest.release),
            "MaxLength": 64,
        },
        ROLE: role_parameter(version.get("Role", ""), "What the function runs as"),
        CODE_BUCKET: {"Type": "String", "Description": "Has code.zip"},
        CODE_KEY: {"Type": "String", "Description": "Of code.zip", "Default": "code.zip"},
        BUCKET: {"Type": "String", "Default": manifest.bucket, "Description": "Has the texts"},
        PREFIX: {
            "Type": "String",
            "Default": vault_folder(manifest, digest),
            "Description": "Folder of manifest and texts in it, with its last slash",
            "AllowedPattern": "^.+/$",
        },
    }


def _short(properties: Mapping[str, Any]) -> str:
    """A published version never changes: other properties are another resource."""
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:8]
