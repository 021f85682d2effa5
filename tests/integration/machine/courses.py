"""Every course the world can take from a moment on, each followed to rest once.

Courses that meet in one state, at one time, go on alike: the second is not followed again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.integration.machine.invariants import Invariants, Violation
from tests.integration.machine.world import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.integration.machine.wire import Call
    from tests.integration.machine.world import World


BOTH = pytest.mark.parametrize("kind", ["endpoint", "application"], indirect=True)
"""For either kind of target: `churn` is an endpoint, then an application."""


@dataclass(frozen=True)
class Moment:
    """The world between two steps."""

    number: int
    before: str
    """The step that comes next, in words."""
    saved: bytes
    calls: tuple[str, ...]
    """The operations that step calls."""
    writes: tuple[str, ...]
    """Those of them that may change anything."""
    by: str
    """The function at work, if one is."""


@dataclass
class Courses:
    """Follows courses from saved moments and keeps what went wrong."""

    world: World
    ends: Callable[[World], str]
    """What is wrong with the world at rest, or nothing."""
    seen: set[bytes] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    followed: int = 0

    def __post_init__(self) -> None:
        """Invariants are looked at on every course."""
        self.invariants = Invariants(self.world)

    def take(self, moment: Moment, name: str, way: Callable[[], object]) -> None:
        """From the moment, go this way, then on until rest."""
        self.world.restore(moment.saved)
        self.world.hears = lambda _function, _event: True
        begun = self.world.account.clock.now
        self.followed += 1
        try:
            way()
            mine, known = self._until_known_or_rest(begun)
            if not known:
                self.invariants.at_rest()
                complaint = self.ends(self.world)
                if complaint:
                    raise Violation(complaint)
            self.seen |= mine  # it ended well, so whoever comes by here will
        except (Violation, Exception) as error:
            events = self.world.events()[-8:]
            where = f"{name} at {moment.number} before {moment.before}"
            self.wrong.append(f"{where}: {error!r}; {events}, {self.world.traffic()}")

    def verify(self, *, at_least: int) -> None:
        """Fail with every course that went wrong, or if too few were taken to mean anything."""
        report = "\n".join([f"{len(self.wrong)} of {self.followed} courses:", *self.wrong])
        assert not self.wrong, report
        assert self.followed >= at_least, self.followed

    def _until_known_or_rest(self, begun: datetime) -> tuple[set[bytes], bool]:
        """Step until the world rests, or until somebody has been here; the way, and which."""
        mine = set()
        while True:
            here = self._here()
            if here in self.seen:
                return mine, True
            mine.add(here)
            if self.world.rested():
                return mine, False
            self.world.step()
            if self.world.account.clock.now - begun > LONGEST:
                message = f"no rest: {self.world.state.phase}, {self.world.state.holder!r}"
                raise Violation(message)

    def _here(self) -> bytes:
        account = self.world.account
        moment = f"{account.clock.now} {account.memory.get('rest', ('', '', 0))[2]}".encode()
        return hashlib.blake2b(account.fingerprint() + moment, digest_size=16).digest()


def moments(world: World) -> Iterator[Moment]:
    """Every moment from now on until rest, if nothing happens in between."""
    world.account.memory.pop("rest", None)
    number = 0
    while not world.rested():
        saved = world.save()
        world.wire.calls.clear()
        done = world.step()
        calls = tuple(one.operation for one in world.wire.calls)
        writes = tuple(one.operation for one in world.wire.calls if one.mutates)
        by = next((one.by for one in world.wire.calls), "")
        yield Moment(number, done, saved, calls, writes, by)
        number += 1


def at(
    number: int, happening: Callable[[], object], *, writing: bool = False
) -> Callable[[Call], None]:
    """Let this happen at the call, or writing call, with that number, counted from now."""
    count = -1

    def happen(call: Call) -> None:
        nonlocal count
        count += call.mutates or not writing
        if count == number and (call.mutates or not writing):
            happening()

    return happen
