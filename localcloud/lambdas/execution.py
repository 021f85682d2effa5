"""One execution environment: a process that runs one function, one invocation at a time."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from localcloud.lambdas.runtime_api import DeadlineError, ProcessEndedError, Request, RuntimeApi

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# AWS gives initialization ten seconds; a loaded laptop also compiles at the first import.
_INIT_SECONDS = 20.0
_RESPONSE_LIMIT = 6_291_556  # bytes of a synchronous response, a documented quota


class Ending(StrEnum):
    """How an invocation ended."""

    RESPONSE = "Response"
    ERROR = "Error"
    BROKEN = "Broken"  # the environment cannot be used again


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything a process needs to become an environment of one function."""

    handler: str
    task_root: Path
    folders: list[str]
    variables: dict[str, str]
    log_stream: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for the handler, with what the context object tells about it."""

    request_id: str
    event: bytes
    function_arn: str
    trace_id: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: the payload as Lambda would return it, and what was printed."""

    ending: Ending
    payload: bytes
    log: str
    duration_ms: float
    init_ms: float | None
    peak_megabytes: int


class Environment:
    """A live process; not for two threads at once."""

    def __init__(self, launch: Launch) -> None:
        self.log_stream = launch.log_stream
        self._lifeline, childs_end = socket.socketpair()
        self._api = RuntimeApi(self._lifeline)
        self._folder = Path(tempfile.mkdtemp(prefix="environment-"))
        self._output = (self._folder / "output").open("a+b", buffering=0)
        self._printed = 0
        self._started: float | None = time.monotonic()
        with childs_end:
            self._process = subprocess.Popen(
                _command(launch, childs_end.fileno()),
                cwd=launch.task_root,
                env=self._variables(launch),
                pass_fds=[childs_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler once; a fault that is not the handler's error breaks the environment."""
        init_ms = None
        began = time.monotonic()
        try:
            waiting = self._wait_for_next(invocation)
            if isinstance(waiting, Outcome):
                return waiting
            if self._started is not None:
                init_ms, self._started = (time.monotonic() - self._started) * 1000, None
            began = time.monotonic()
            answer = self._hand_over(waiting, invocation, began + invocation.timeout_seconds)
        except DeadlineError:
            return self._broken(_timed_out(invocation), began)
        except ProcessEndedError:
            return self._broken(_exited(invocation, self._process.wait()), began)
        kind = Ending.ERROR if answer.path.endswith("/error") else Ending.RESPONSE
        if len(answer.body) > _RESPONSE_LIMIT:
            return self._outcome(Ending.ERROR, _TOO_LARGE, began, init_ms)
        return self._outcome(kind, answer.body, began, init_ms)

    def close(self) -> None:
        """Kill the process with its children and remove its files."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._api.close()
        self._lifeline.close()
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _variables(self, launch: Launch) -> dict[str, str]:
        own = {"AWS_LAMBDA_RUNTIME_API": self._api.address, "TMPDIR": str(self._folder)}
        return {**launch.variables, **own}

    def _wait_for_next(self, invocation: Invocation) -> Request | Outcome:
        """Wait until the client asks for work, or says why the handler cannot be loaded."""
        began = time.monotonic()
        request = self._api.next_request(began + _INIT_SECONDS)
        if request.method == "GET":
            return request
        request.connection.answer(202, b"", {})
        return self._broken(request.body, began)

    def _hand_over(self, waiting: Request, invocation: Invocation, deadline: float) -> Request:
        deadline_ms = int((time.time() + invocation.timeout_seconds) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        waiting.connection.answer(200, invocation.event, headers)
        answer = self._api.next_request(deadline)
        answer.connection.answer(202, b"", {})
        return answer

    def _broken(self, payload: bytes, began: float) -> Outcome:
        return self._outcome(Ending.BROKEN, payload, began, None)

    def _outcome(
        self, ending: Ending, payload: bytes, began: float, init_ms: float | None
    ) -> Outcome:
        duration_ms = (time.monotonic() - began) * 1000
        peak = _peak_megabytes(self._process.pid)
        return Outcome(ending, payload, self._take_log(), duration_ms, init_ms, peak)

    def _take_log(self) -> str:
        """What was printed since the last time: all of it, a process writes before it answers."""
        size = os.fstat(self._output.fileno()).st_size
        text = os.pread(self._output.fileno(), size - self._printed, self._printed)
        self._printed = size
        return text.decode(errors="replace")


def _command(launch: Launch, lifeline: int) -> list[str]:
    """Isolated from the developer's Python: no site-packages, no PYTHON* variables."""
    site_packages = sysconfig.get_path("purelib")
    interpreter = [sys.executable, "-I", "-S", str(_BOOTSTRAP)]
    return [*interpreter, str(lifeline), site_packages, launch.handler, *launch.folders]


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


_TOO_LARGE = _error(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({_RESPONSE_LIMIT} bytes).",
)


def _timed_out(invocation: Invocation) -> bytes:
    message = (
        f"RequestId: {invocation.request_id} Error: "
        f"Task timed out after {invocation.timeout_seconds:.2f} seconds"
    )
    return _error("Sandbox.Timedout", message)


def _exited(invocation: Invocation, status: int) -> bytes:
    """Lambda's words for a process that ended by itself, in initialization or while it worked."""
    reason = "Runtime exited without providing a reason"
    if status > 0:
        reason = f"Runtime exited with error: exit status {status}"
    elif status < 0:
        name = signal.strsignal(-status) or str(-status)
        reason = f"Runtime exited with error: signal: {name.lower()}"
    return _error("Runtime.ExitError", f"RequestId: {invocation.request_id} Error: {reason}")


def _peak_megabytes(pid: int) -> int:
    """The process's peak memory as Linux tells it, 0 where it does not."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0
