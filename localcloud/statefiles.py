"""The folder one local cloud works in: who runs, its logs, and its temporary files."""

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path


class AlreadyRunningError(RuntimeError):
    """A local cloud runs in this state folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """The process that holds a state folder."""

    pid: int
    port: int

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class StateFiles:
    """Paths below one state folder; at most one process holds it.

    The holder keeps a file lock, which the kernel takes back however the process ends.
    """

    folder: Path
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, compare=False)

    @property
    def log(self) -> Path:
        """What the engines and we say while serving."""
        return self.folder / "server.log"

    @property
    def calls(self) -> Path:
        """Every API call and whether IAM allowed it, one JSON object a line."""
        return self.folder / "calls.jsonl"

    @property
    def scratch(self) -> Path:
        """Temporary files of the server and its children; gone when it stops or the next starts."""
        return self.folder / "scratch"

    @property
    def kept(self) -> Path:
        """What is kept between two local clouds, if it is asked for."""
        return self.folder / "state"

    @property
    def moment(self) -> Path:
        """The time it was, in the kept state."""
        return self.kept / "moment.json"

    def forget(self) -> bool:
        """Remove what is kept; return whether there was anything."""
        found = self.kept.exists()
        shutil.rmtree(self.kept, ignore_errors=True)
        return found

    @property
    def _holder(self) -> Path:
        return self.folder / "running.json"

    def claim(self, port: int) -> None:
        """Take the folder for this process.

        Raises AlreadyRunningError when another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        holder = self._held.enter_context(self._holder.open("a+"))
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another one holds {self.folder}: {self.running()}"
            raise AlreadyRunningError(message) from None
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        holder.truncate(0)
        holder.write(json.dumps({"pid": os.getpid(), "port": port}))
        holder.flush()

    def release(self) -> None:
        """Remove the temporary files and give the folder back."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self._holder.unlink(missing_ok=True)
        self._held.close()

    def running(self) -> Running | None:
        """The process that holds the folder, if any."""
        try:
            with self._holder.open() as holder:
                fcntl.flock(holder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            with contextlib.suppress(ValueError, FileNotFoundError):
                return Running(**json.loads(self._holder.read_text()))
        return None
