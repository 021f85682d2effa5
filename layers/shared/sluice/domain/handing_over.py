"""What a blueprint's README says: how it is deployed, and what another account needs for that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain.application_blueprint import CODE_BUCKET, FUNCTION_NAME
from sluice.domain.blueprint import BUCKET, IMAGE, NAME, PREFIX, ROLE, reproduced_name, vault_folder
from sluice.domain.image import pinned_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sluice.domain.bedrock_manifest import AnyManifest, BedrockManifest
    from sluice.domain.manifest import Manifest

_READS = ["s3:GetObject", "s3:GetObjectVersion"]
_DECRYPTS = ["kms:Decrypt", "kms:DescribeKey"]
_PULLS = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
_OTHER = "THEIR-ROLE-ARN"


def endpoint_readme(
    manifest: Manifest, digest: str, *, package_arn: str, key_arn: str, caveats: Sequence[str]
) -> str:
    """The README of a model's release. `key_arn` is what the vault is encrypted with, or empty."""
    name, image = reproduced_name(manifest.release), pinned_image(manifest.image)
    folder = vault_folder(manifest, digest)
    bucket = f"arn:aws:s3:::{manifest.bucket}"
    lists = {"StringLike": {"s3:prefix": f"{folder}*"}}
    policies = [
        ("the bucket policy", _statement(_READS, f"{bucket}/{folder}*")),
        ("the bucket policy, too", {**_statement(["s3:ListBucket"], bucket), "Condition": lists}),
        (f"the policy of repository {image.repository}", _statement(_PULLS, "")),
    ]
    if key_arn:
        policies.insert(2, (f"the policy of key {key_arn}", _statement(_DECRYPTS, "*")))
    return "\n".join(
        [
            *_head(manifest, digest, package_arn),
            "Deploy it under another name, in the Region that has bucket and image:",
            "",
            "  aws cloudformation deploy --template-file template.json \\",
            f"    --stack-name {name} \\",
            f"    --parameter-overrides {NAME}={name} {ROLE}=ROLE-ARN",
            "",
            f"`sluice reproduce {manifest.release} --deploy` does that, and proves that both are",
            f"the same; `sluice reproduce {manifest.release} --check` proves it again.",
            "",
            f"{ROLE} is what the model runs as: SageMaker must be able to assume it, and it must",
            f"read {BUCKET}/{PREFIX}, decrypt with the bucket's key and pull {IMAGE}.",
            "",
            "Another account either copies the objects below and the image, and says where they",
            f"are with {BUCKET}, {PREFIX} (with its last slash) and {IMAGE} (the template takes",
            "the same digest alone); or its role is allowed to read yours, beside its own policy:",
            "",
            *_policies(policies),
            f"Image: {manifest.image}",
            *_objects(manifest, folder),
            *(["", "Not proved:", *(f"  {one}" for one in caveats)] if caveats else []),
            "",
        ]
    )


def _head(manifest: AnyManifest, digest: str, package_arn: str) -> list[str]:
    stack = manifest.infrastructure
    return [
        f"{manifest.release}, to be built again from its vault",
        "",
        f"release digest  {digest}  (SHA-256 of manifest.json)",
        f"model package   {package_arn}",
        f"commit          {manifest.commit}",
        *([f"captured by     stack {stack.stack}, of commit {stack.commit}"] if stack else []),
        "",
    ]


def _policies(policies: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    for where, statement in policies:
        yield f"In {where}:"
        yield ""
        yield from (f"  {line}" for line in json.dumps(statement, indent=2).splitlines())
        yield ""


def _objects(manifest: AnyManifest, folder: str) -> Iterator[str]:
    yield f"Objects of s3://{manifest.bucket}/{folder}:"
    for one in sorted(manifest.objects, key=lambda each: each.name):
        known = {"sha256": one.sha256} if one.sha256 else one.checksums
        sums = ", ".join(f"{kind} {value}" for kind, value in sorted(known.items()))
        yield f"  {one.name}: {one.size} bytes{', ' if sums else ''}{sums}"


def _statement(actions: list[str], resource: str) -> dict[str, Any]:
    """A statement of a resource's policy; a repository's has no resource."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": _OTHER},
        "Action": actions,
        **({"Resource": resource} if resource else {}),
    }


def application_readme(manifest: BedrockManifest, digest: str, *, package_arn: str) -> str:
    """The README of an application's release."""
    name, code = reproduced_name(manifest.release), manifest.code
    sha256, layers = (code.sha256, code.layers) if code else ("", ())
    folder = vault_folder(manifest, digest)
    return "\n".join(
        [
            *_head(manifest, digest, package_arn),
            "Put code.zip into a bucket of the account, then deploy under another name:",
            "",
            "  aws s3 cp code.zip s3://CODE-BUCKET/code.zip",
            "  aws cloudformation deploy --template-file template.json \\",
            f"    --stack-name {name} \\",
            f"    --parameter-overrides {FUNCTION_NAME}={name} {CODE_BUCKET}=CODE-BUCKET",
            "",
            f"`sluice reproduce {manifest.release} --deploy --code s3://CODE-BUCKET/code.zip` does",
            "that, and proves that both are the same.",
            "",
            "The function is what its published version was when this was written, its variables",
            "among that: keep this folder as you keep them. Who may invoke it is not reproduced.",
            "",
            f"Another account copies the folder below, says where with {BUCKET} and {PREFIX},",
            f"gives a role of its own with {ROLE}, and needs leave to use the layers",
            "(aws lambda add-layer-version-permission), the model and what it looks up.",
            "",
            f"Code: CodeSha256 {sha256}",
            *(f"Layer: {one}" for one in layers),
            f"Model: {', '.join(manifest.model.arns)}",
            *(f"Not captured: {one}" for one in manifest.caveats),
            *_objects(manifest, folder),
            "",
        ]
    )


def lost_function(manifest: BedrockManifest) -> str:
    """What is said where no version of the function serves the release any more."""
    code, stack = manifest.code, manifest.infrastructure
    function, sha256 = (code.function, code.sha256) if code else ("", "")
    built = (
        f"build it from commit {stack.commit} of stack {stack.stack}"
        if stack
        else "no commit of its stack was recorded"
    )
    return (
        f"no published version of {function} serves {manifest.release} any more, and only it has "
        f"the code with CodeSha256 {sha256}: {built}"
    )
