"""Warm environments: reused while a function stays as it is, closed when it changes, bounded."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from localcloud.lambdas.execution import Environment, Launch

_MOST_IDLE = 24


@dataclass(frozen=True, slots=True)
class Revision:
    """A function version as it is now: `state` changes with its code, layers, variables."""

    function: str
    state: str


class Pool:
    """All environments of the local cloud; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[Environment, Revision] = OrderedDict()
        self._busy: set[Environment] = set()

    def take(self, revision: Revision) -> Environment | None:
        """The environment of this revision used last, or None; those of older revisions end."""
        with self._lock:
            stale = self._stale(revision)
            warm = [each for each, held in self._idle.items() if held == revision]
            if warm:
                del self._idle[warm[-1]]
                self._busy.add(warm[-1])
        _close(stale)
        return warm[-1] if warm else None

    def start(self, launch: Launch) -> Environment:
        """A new environment."""
        environment = Environment(launch)
        with self._lock:
            self._busy.add(environment)
        return environment

    def give_back(self, environment: Environment, revision: Revision) -> None:
        """Keep the environment warm; when there are too many, the one idle for longest ends."""
        with self._lock:
            known = environment in self._busy
            self._busy.discard(environment)
            if known:
                self._idle[environment] = revision
            surplus = [
                self._idle.popitem(last=False)[0] for _ in range(len(self._idle) - _MOST_IDLE)
            ]
        _close(surplus)

    def discard(self, environment: Environment) -> None:
        """End an environment that broke."""
        with self._lock:
            self._busy.discard(environment)
        environment.close()

    def close(self) -> None:
        """End every environment, busy or idle."""
        with self._lock:
            everyone = [*self._idle, *self._busy]
            self._idle.clear()
            self._busy.clear()
        _close(everyone)

    def _stale(self, revision: Revision) -> list[Environment]:
        stale = [
            each
            for each, held in self._idle.items()
            if (held.function == revision.function and held != revision) or not each.is_alive
        ]
        for each in stale:
            del self._idle[each]
        return stale


def _close(environments: list[Environment]) -> None:
    for each in environments:
        each.close()
