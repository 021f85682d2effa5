"""The local cloud under the demo, and the stack in it, built and deployed with stock tools."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import time
from typing import TYPE_CHECKING

from localcloud.launcher import LocalCloud
from localcloud.statefiles import StateFiles

if TYPE_CHECKING:
    from pathlib import Path

    from demo.commands import Shell

STACK = "sluice"
_STOP_SECONDS = 12


class EarlierCloudError(RuntimeError):
    """The local cloud that an earlier demo kept cannot be stopped."""


def started(state_dir: Path, *, port: int, speed: float) -> LocalCloud:
    """A local cloud that answers and knows nothing; `port` 0 takes a free one."""
    shutil.rmtree(state_dir, ignore_errors=True)
    cloud = LocalCloud(state_dir, port=port, speed=speed)
    try:
        return cloud.__enter__()
    except BaseException:
        cloud.__exit__()
        raise


def stop_earlier(state_dir: Path) -> bool:
    """Stop the cloud that an earlier demo kept in the same folder; return whether there was one."""
    files = StateFiles(state_dir)
    earlier = files.running()
    if earlier is None:
        return False
    os.kill(earlier.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while files.running() is not None:
        if time.monotonic() > deadline:
            message = f"process {earlier.pid} still holds {state_dir}"
            raise EarlierCloudError(message)
        time.sleep(0.1)
    return True


def variables(cloud: LocalCloud) -> dict[str, str]:
    """What the user exports: the cloud's own, and the person's AWS profile left out of it."""
    nowhere = str(cloud.files.folder / "no-such-file")
    return cloud.environment() | {
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "SAM_CLI_TELEMETRY": "0",
    }


def build(shell: Shell, template: Path, into: Path) -> None:
    """`sam build` of the stack, for this machine's processor."""
    shell.run(
        *("sam", "build", "--template", str(template), "--build-dir", str(into)),
        *("--parameter-overrides", f"Architecture={_architecture()}"),
    )


def deploy(shell: Shell, built: Path) -> None:
    """`sam deploy` of the stack that was built, its floors lowered so that a rollout is short."""
    shell.run(
        *("sam", "deploy", "--template-file", str(built / "template.yaml")),
        *("--stack-name", STACK, "--resolve-s3", "--no-confirm-changeset"),
        *("--capabilities", "CAPABILITY_IAM", "--parameter-overrides"),
        *(f"Architecture={_architecture()}", "MinimumBakeMinutes=1"),
    )


def offline(root: Path) -> dict[str, str]:
    """What makes pip build from the set-up's wheels alone, if they are there."""
    wheels = root / ".build" / "wheels"
    if not (wheels / ".complete").exists():
        return {}
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def _architecture() -> str:
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
