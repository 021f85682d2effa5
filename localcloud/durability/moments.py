"""What time it was, several times a second, in one small file: the virtual clock goes on from it.

What passed between the last note and the end is counted as it ran, so that no time is told twice;
the time when nothing ran is not counted at all, unless the real time has overtaken the virtual.
"""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.clock import Clock

_LONGEST_GAP_SECONDS = 5.0  # between two notes of a process that lives, on a busy machine
_WIDTH = 256


@dataclass(frozen=True, slots=True)
class Moment:
    """Where it answered, and what time it was: virtual, real, and the speed between them."""

    port: int
    virtual: float
    real: float
    speed: float

    @property
    def next(self) -> float:
        """A virtual time that is not before any the process may have told after this moment."""
        missed = min(max(0.0, time.time() - self.real), _LONGEST_GAP_SECONDS)
        return max(self.virtual + missed * self.speed, time.time())


def last(path: Path) -> Moment | None:
    """The last moment noted, None in a folder that keeps nothing."""
    noted = path.read_text().strip() if path.exists() else ""
    return Moment(**json.loads(noted)) if noted else None


def note(path: Path, port: int, clock: Clock) -> None:
    """Note the present moment, in one write of one length."""
    moment = Moment(port, clock.now(), time.time(), clock.speed)
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, json.dumps(asdict(moment)).ljust(_WIDTH).encode(), 0)
    finally:
        os.close(file)
