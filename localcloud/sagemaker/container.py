"""A model container seen from outside: its process, its health check and the connections to it."""

import contextlib
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from localcloud.sagemaker import model_server

_INVOCATION_SECONDS = 60.0
_HEALTH_SECONDS = 60.0
_DRAIN_SECONDS = 10.0
_RESTART_SECONDS = 1.0

# The kernel ends a container when the *thread* that started it ends, so one thread that lives as
# long as the server starts them all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker-spawner")


class UnhealthyError(Exception):
    """The container did not come up; the message is what it wrote last."""


class LostError(Exception):
    """The container died, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model's code answered."""

    status: int
    content_type: str
    body: bytes


class Container:
    """One process that serves the artifact unpacked in `folder`/model; owns the folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._lock = threading.Condition()
        self._in_flight = 0
        self._closed = False
        self._started_at = 0.0
        self._process, self._port = self._start()

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid

    def wait_until_healthy(self) -> None:
        """Return once the model is loaded and answers a ping; raise UnhealthyError otherwise."""
        try:
            with contextlib.closing(self._connect()) as connection:
                _exchange(connection, {"ping": True}, b"", _HEALTH_SECONDS)
        except (OSError, EOFError, LostError) as error:
            raise UnhealthyError(self.log() or "the container wrote nothing") from error

    def log(self) -> str:
        """The end of what the container wrote."""
        with (self._folder / "log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            return log.read().decode(errors="replace")

    def hold(self) -> bool:
        """Promise a request to this container; False when it is being closed."""
        with self._lock:
            if self._closed:
                return False
            self._in_flight += 1
            return True

    def invoke(self, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Hand the model a request that `hold` promised; raise LostError when no answer comes."""
        try:
            return self._invoke({"content_type": content_type, "accept": accept}, body)
        except (OSError, EOFError) as error:
            self._restart()
            raise LostError(str(error) or "connection closed") from error
        finally:
            with self._lock:
                self._in_flight -= 1
                self._lock.notify_all()

    def close(self) -> None:
        """Let promised requests finish, then end the process and remove its files."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: self._in_flight == 0, timeout=_DRAIN_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process now and remove its files."""
        with self._lock:
            self._closed = True
            self._process.kill()
        self._process.wait()
        self._forget_connections()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget_connections(self) -> None:
        while not self._idle.empty():
            self._idle.get().close()

    def _invoke(self, header: dict[str, Any], body: bytes) -> Answer:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            result, data = _exchange(connection, header, body, _INVOCATION_SECONDS)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        return Answer(result["status"], result["content_type"], data)

    def _connect(self) -> Connection:
        connected = socket.create_connection(("127.0.0.1", self._port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(connected.detach())

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        self._started_at = time.monotonic()
        return _spawner.submit(_spawn, self._folder, self._environment).result()

    def _restart(self) -> None:
        """Replace a process that died, as SageMaker does; not more than once a second."""
        with self._lock:
            rested = time.monotonic() - self._started_at > _RESTART_SECONDS
            if self._closed or not rested or self._process.poll() is None:
                return
            self._forget_connections()
            self._process, self._port = self._start()


def shut_down() -> None:
    """Start no more containers."""
    _spawner.shutdown(wait=False, cancel_futures=True)


def _spawn(folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("ab") as log:
        command = [sys.executable, "-I", str(model_server.__file__), str(listener.fileno())]
        process = subprocess.Popen(
            [*command, str(folder / "model"), str(os.getpid())],
            cwd=folder,
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        return process, listener.getsockname()[1]


def _exchange(
    connection: Connection, header: dict[str, Any], body: bytes, seconds: float
) -> tuple[dict[str, Any], bytes]:
    connection.send_bytes(json.dumps(header).encode())
    connection.send_bytes(body)
    if not connection.poll(seconds):
        message = f"no answer within {seconds:.0f} seconds"
        raise LostError(message)
    return json.loads(connection.recv_bytes()), connection.recv_bytes()
