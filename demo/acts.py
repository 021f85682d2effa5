"""What people do: push, approve, reject. Each is one call or command a user would type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from demo.packing import IMAGE_TAG, REPOSITORY
from localcloud.constants import ACCOUNT, REGION

if TYPE_CHECKING:
    from pathlib import Path

    from demo.account import Registered
    from demo.commands import Shell
    from demo.stage import Stage

IMAGE_URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{IMAGE_TAG}"
_DIGEST_OF_CONFIG = "sha256:" + "5c" * 32
_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def put_image(shell: Shell, folder: Path) -> None:
    """Put the serving image's manifest into a repository; nothing ever pulls its layers here."""
    manifest = folder / "image-manifest.json"
    manifest.write_text(json.dumps(_manifest()))
    shell.run("aws", "ecr", "create-repository", "--repository-name", REPOSITORY)
    shell.run(
        *("aws", "ecr", "put-image", "--repository-name", REPOSITORY, "--image-tag", IMAGE_TAG),
        *("--image-manifest", f"file://{manifest}"),
    )


def push(stage: Stage, version: int) -> Registered:
    """Upload a version folder as an engineer does, and wait until the registry has it."""
    package = stage.packages[version]
    bucket = stage.account.outputs["ArtifactsBucketName"]
    key = f"{package.prefix}/{package.archive.name}"
    extra = {"Metadata": package.metadata}
    stage.narrator.call(
        f"s3.upload_file({package.archive.name!r}, {bucket!r}, {key!r}, ExtraArgs={extra})"
    )
    stage.account.s3.upload_file(str(package.archive), bucket, key, ExtraArgs=extra)
    for document in package.documents:
        key = f"{package.prefix}/{document.name}"
        stage.narrator.call(f"s3.upload_file({document.name!r}, {bucket!r}, {key!r})")
        stage.account.s3.upload_file(str(document), bucket, key)
    found = stage.until(
        f"version {version} in the registry",
        lambda: stage.account.registered(version),
        minutes=5,
    )
    stage.narrator.say(f"registered: {found.arn}, {found.status}")
    return found


def approve(stage: Stage, package: Registered, why: str) -> None:
    """Approve a version with the CLI, as a person does in the console."""
    _update(stage, package, "Approved", why)


def reject(stage: Stage, package: Registered, why: str) -> None:
    """Reject a version with the CLI."""
    _update(stage, package, "Rejected", why)


def set_rule(stage: Stage, logical_id: str, *, enabled: bool) -> None:
    """Switch one of the stack's rules on or off: what it would bring is lost meanwhile."""
    name, verb = stage.account.physical(logical_id), "enable_rule" if enabled else "disable_rule"
    stage.narrator.call(f"events.{verb}(Name={name!r})")
    stage.account.set_rule(name, enabled=enabled)


def stop_rollout(stage: Stage) -> str:
    """Stop the execution that runs, as a person may in the console; its name."""
    arn = stage.account.running_execution()
    stage.narrator.call(f"stepfunctions.stop_execution(executionArn={arn!r})")
    stage.account.stop_execution(arn, cause="somebody thought it hung")
    return arn.rpartition(":")[2]


def _update(stage: Stage, package: Registered, status: str, why: str) -> None:
    stage.shell.run(
        *("aws", "sagemaker", "update-model-package", "--model-package-arn", package.arn),
        *("--model-approval-status", status, "--approval-description", why),
    )


def _manifest() -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 7023,
            "digest": _DIGEST_OF_CONFIG,
        },
        "layers": [],
    }
