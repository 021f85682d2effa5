"""A local cloud in its own process, for tests and demos: started, waited for, and stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from localcloud.constants import REGION
from localcloud.environment import project_root
from localcloud.statefiles import Running, StateFiles

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05


class StartError(RuntimeError):
    """The local cloud did not come up; the message carries what it said."""


class LocalCloud:
    """A context manager that holds one running local cloud.

    `port` 0 takes a free one. The state folder stays: its log and its record of calls are evidence.
    With `keep` it can be started again after its end, and is as it was. It ends with this process,
    however that ends.
    """

    def __init__(
        self, state_dir: Path, *, port: int = 0, speed: float = 1.0, keep: bool = False
    ) -> None:
        self.files = StateFiles(state_dir)
        self._command = [sys.executable, "-m", "localcloud", "up", f"--port={port}"]
        self._command += [f"--speed={speed}", f"--state-dir={state_dir}"]
        self._command += ["--keep"] if keep else []
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Running | None = None
        self._lifeline = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start and wait until it answers."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait until it is gone."""
        assert self._process is not None  # noqa: S101
        stop(self.files)
        self._process.wait()
        self._lifeline.close()

    def start(self) -> None:
        """Start, also once more after an end, and wait until it answers. Raises StartError."""
        self._lifeline.close()
        self.files.folder.mkdir(parents=True, exist_ok=True)
        servers, ours = os.pipe()
        self._lifeline.callback(os.close, ours)
        with (self.files.folder / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                [*self._command, f"--lifeline={servers}"],
                cwd=project_root(),
                pass_fds=[servers],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        os.close(servers)
        self._wait_until_healthy(self._process)

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        assert self._process is not None  # noqa: S101
        self._process.kill()
        self._process.wait()

    @property
    def endpoint_url(self) -> str:
        """Where every service answers."""
        assert self._running is not None  # noqa: S101
        return self._running.endpoint_url

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None  # noqa: S101
        return self._process.pid

    def wait(self) -> int:
        """Wait until the server has ended by itself; its exit code."""
        assert self._process is not None  # noqa: S101
        return self._process.wait(_STOP_SECONDS)

    def now(self) -> datetime:
        """What time it is there."""
        return datetime.fromisoformat(self.control("clock")["time"])

    def environment(self) -> dict[str, str]:
        """What a shell exports to talk to it as the account's root."""
        return client_environment(self.endpoint_url)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or with a body POST, one of the paths below `/_localcloud/`."""
        return control(self.endpoint_url, path, body)

    def calls(self) -> list[dict[str, Any]]:
        """Every API call so far and whether IAM allowed it."""
        return [json.loads(line) for line in self.files.calls.read_text().splitlines()]

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            self._running = self.files.running()
            if self._running is not None and is_healthy(self._running.endpoint_url):
                return
            time.sleep(_POLL_SECONDS)
        process.kill()
        self._lifeline.close()
        raise StartError((self.files.folder / "output.log").read_text() or "no answer in time")


def client_environment(endpoint_url: str) -> dict[str, str]:
    """The variables that make the AWS CLI, SAM and boto3 talk to the local cloud."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }


def control(endpoint_url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or with a body POST, one of the paths below `/_localcloud/`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{endpoint_url}/_localcloud/{path}", data=data)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())


def is_healthy(endpoint_url: str) -> bool:
    """Whether a local cloud answers there."""
    try:
        return bool(control(endpoint_url, "health")["status"] == "ok")
    except (OSError, urllib.error.URLError):
        return False


def stop(files: StateFiles) -> None:
    """Ask the holder of a state folder to stop and wait until it is gone; kill it if it stays."""
    deadline = time.monotonic() + _STOP_SECONDS
    asked = False
    while (holder := files.running()) is not None:
        if not asked or time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL if asked else signal.SIGTERM)
        asked = True
        time.sleep(_POLL_SECONDS)
