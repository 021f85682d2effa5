"""The stack, put by stock `sam deploy` into a local cloud that serves."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Sequence

from localcloud.environment import project_root
from localcloud.launcher import client_environment

_CONFIG = "local"


class DeployError(RuntimeError):
    """`sam deploy` did not end well; the message is what it printed."""


def deploy(endpoint_url: str, parameters: Sequence[str] = ()) -> None:
    """Deploy the built template under samconfig's `local`. Raises DeployError.

    `parameters` of the stack, NAME=VALUE each, come beside those of samconfig. The person's AWS
    profile is left out of it: nothing here may ever reach an account.
    """
    sam = shutil.which("sam")
    if sam is None:
        raise DeployError("`sam` is not on the PATH: use `make up`, or activate the environment")
    ended = subprocess.run(
        [sam, "deploy", "--config-env", _CONFIG, *_overrides(parameters)],
        cwd=project_root(),
        env=_environment(endpoint_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise DeployError(ended.stdout)


def _overrides(parameters: Sequence[str]) -> list[str]:
    """Options of `sam deploy`, which takes those of the command line in place of samconfig's."""
    if not parameters:
        return []
    config = tomllib.loads((project_root() / "samconfig.toml").read_text(encoding="utf-8"))
    own: str = config[_CONFIG]["deploy"]["parameters"]["parameter_overrides"]
    return ["--parameter-overrides", *own.split(), *parameters]


def _environment(endpoint_url: str) -> dict[str, str]:
    return {
        **os.environ,
        **client_environment(endpoint_url),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }
