"""The stack, put by stock `sam deploy` into a local cloud that serves."""

import os
import shutil
import subprocess

from localcloud.environment import project_root
from localcloud.launcher import client_environment


class DeployError(RuntimeError):
    """`sam deploy` did not end well; the message is what it printed."""


def deploy(endpoint_url: str) -> None:
    """Deploy the built template under samconfig's `local`. Raises DeployError.

    The person's AWS profile is left out of it: nothing here may ever reach an account.
    """
    sam = shutil.which("sam")
    if sam is None:
        raise DeployError("`sam` is not on the PATH: use `make up`, or activate the environment")
    ended = subprocess.run(
        [sam, "deploy", "--config-env", "local"],
        cwd=project_root(),
        env=_environment(endpoint_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise DeployError(ended.stdout)


def _environment(endpoint_url: str) -> dict[str, str]:
    return {
        **os.environ,
        **client_environment(endpoint_url),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }
