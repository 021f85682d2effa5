"""The folder one local cloud works in: who runs, its logs, and its temporary files."""

import json
import os
import shutil
from dataclasses import dataclass
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
    """Paths below one state folder; at most one process holds it."""

    folder: Path

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
    def _holder(self) -> Path:
        return self.folder / "running.json"

    def claim(self, port: int) -> None:
        """Take the folder for this process.

        Raises AlreadyRunningError when a living process holds it.
        """
        holder = self.running()
        if holder is not None:
            message = (
                f"a local cloud runs in {self.folder} already: pid {holder.pid}, port {holder.port}"
            )
            raise AlreadyRunningError(message)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        self._holder.write_text(json.dumps({"pid": os.getpid(), "port": port}))

    def release(self) -> None:
        """Give the folder back and remove the temporary files."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self._holder.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The living process that holds the folder, if any."""
        try:
            holder = Running(**json.loads(self._holder.read_text()))
            os.kill(holder.pid, 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return holder
