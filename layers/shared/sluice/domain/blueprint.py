"""A blueprint: the CloudFormation template that builds a release again, under another name.

Its resources have the members that a rollout gives SageMaker, from the same functions. Names, role,
place of the bytes and image are parameters, so that another account can map them; which bytes the
image must be is the template's, whatever registry it comes from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sluice.domain import making
from sluice.domain.deploying import fleet
from sluice.domain.manifest import MANIFEST, manifest_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.manifest import Manifest
    from sluice.domain.release import ReleaseName

NAME, ROLE, BUCKET, PREFIX, IMAGE = (
    "EndpointName",
    "ExecutionRoleArn",
    "VaultBucket",
    "VaultPrefix",
    "ImageUri",
)
METADATA = "Sluice"
LONGEST_NAME = 63
"""Of an endpoint."""
_STACK_NAME = re.compile(r"[a-zA-Z](-*[a-zA-Z0-9])*")
# CloudFormation would put something else in its place (dynamic-references).
DYNAMIC = "{{resolve:"
_ARN_OF_A_ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"


def reproduced_name(release: ReleaseName) -> str:
    """What a release that is built again is called, unless somebody says otherwise."""
    return f"{release}-reproduced"


def name_objection(name: str, *, target: str) -> str:
    """Why the reproduction cannot be called so, or nothing; `target` is what must not be touched.

    It names a stack and what that stack makes.
    """
    if name == target:
        return f"{name} is what the release was approved for: a reproduction has another name"
    if len(name) > LONGEST_NAME or not _STACK_NAME.fullmatch(name):
        rule = f"a letter, then letters, digits and single hyphens, {LONGEST_NAME} in all"
        return f"{name!r} names no stack with an endpoint: {rule}; say another with --name"
    return ""


def objection(manifest: Manifest) -> str:
    """Why no template can say what the release is, or nothing."""
    found = sorted(name for name, said in manifest.config.environment.items() if DYNAMIC in said)
    if not found:
        return ""
    return f"environment {', '.join(found)}: CloudFormation would replace {DYNAMIC}…}}}} in it"


def vault_folder(manifest: Any, digest: str) -> str:
    """The folder of the vault that has the release's objects: `releases/churn/v4-0123456789ab/`."""
    uri = manifest_uri(manifest.bucket, manifest.release, digest)
    return uri.removeprefix(f"s3://{manifest.bucket}/").removesuffix(MANIFEST)


def endpoint_template(manifest: Manifest, digest: str, *, role_arn: str = "") -> dict[str, Any]:
    """The template of a model's release: model, configuration and endpoint.

    Model and configuration get their names from CloudFormation: neither can be changed, only made
    anew beside its predecessor. `role_arn` is the parameter's default; without, it must be given.
    """
    runs = {
        name: value if name == "Environment" else _placed(value, manifest, digest)
        for name, value in making.container(manifest, digest).items()
    }
    runs["Image"] = {"Ref": IMAGE}
    model_name, config_name = _name_of("Model"), _name_of("EndpointConfig")
    variant = making.production_variant(
        variant_name(manifest.release),
        model=model_name,
        fleet=fleet(manifest, count=manifest.config.instance_count),
    )
    resources = {
        "Model": _unnamed(making.model("", runs=runs, role_arn={"Ref": ROLE})),
        "EndpointConfig": _unnamed(making.config("", variants=[variant])),
        "Endpoint": making.endpoint({"Ref": NAME}, config=config_name),
    }
    outputs = {
        "EndpointArn": {"Ref": "Endpoint"},
        "EndpointConfigName": config_name,
        "ModelName": model_name,
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{manifest.release}, built again from the vault. Release digest {digest}.",
        "Metadata": {METADATA: identity(manifest, digest)},
        "Parameters": _parameters(manifest, digest, role_arn),
        "Resources": {
            name: {"Type": f"AWS::SageMaker::{name}", "Properties": properties}
            for name, properties in resources.items()
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def identity(manifest: Any, digest: str) -> dict[str, str]:
    """What a template says it builds."""
    return {
        "release": str(manifest.release),
        "digest": digest,
        "manifest": manifest_uri(manifest.bucket, manifest.release, digest),
    }


def variant_name(release: ReleaseName) -> str:
    """The one variant of a reproduction: no rollout brought it, so it has no epoch."""
    return f"v{release.version}"


def role_parameter(role_arn: str, text: str) -> dict[str, str]:
    """The parameter for what it runs as; without a default, where nobody says what that is."""
    said = {"Type": "String", "Description": text, "AllowedPattern": _ARN_OF_A_ROLE}
    return {**said, "Default": role_arn} if role_arn else said


def _parameters(manifest: Manifest, digest: str, role_arn: str) -> dict[str, Any]:
    role = role_arn or manifest.config.execution_role_arn or ""
    pinned = manifest.image.rpartition("@")[2]
    return {
        NAME: {
            "Type": "String",
            "Default": reproduced_name(manifest.release),
            "MaxLength": LONGEST_NAME,
            "Description": "Of the endpoint",
        },
        ROLE: role_parameter(role, "What the model runs as: reads the vault, pulls the image"),
        BUCKET: {"Type": "String", "Default": manifest.bucket, "Description": "Has the artifacts"},
        PREFIX: {
            "Type": "String",
            "Default": vault_folder(manifest, digest),
            "Description": "Folder of the artifacts in it, with its last slash",
            "AllowedPattern": "^.+/$",
        },
        IMAGE: {
            "Type": "String",
            "Default": manifest.image,
            "Description": "The container, in any repository, by this digest",
            "AllowedPattern": f"^.+@{re.escape(pinned)}$",
        },
    }


def _placed(value: Any, manifest: Manifest, digest: str) -> Any:
    """`value` with every place in the release's folder told by the parameters."""
    if isinstance(value, dict):
        return {name: _placed(one, manifest, digest) for name, one in value.items()}
    if isinstance(value, list):
        return [_placed(one, manifest, digest) for one in value]
    folder = f"s3://{manifest.bucket}/{vault_folder(manifest, digest)}"
    if isinstance(value, str) and value.startswith(folder):
        return {"Fn::Sub": f"s3://${{{BUCKET}}}/${{{PREFIX}}}{value.removeprefix(folder)}"}
    return value


def _unnamed(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if value}


def _name_of(resource: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, f"{resource}Name"]}
