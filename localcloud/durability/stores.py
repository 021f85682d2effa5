"""Stores: dictionaries of the engines and of ours, read entry by entry and put back so.

An entry's token is what its value consisted of when it was looked at. While every part of it is the
same object, the value is taken not to have changed, and need not be pickled to find out.
"""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

Token = tuple[Any, ...]
Entry = tuple[Any, Any, Token | None]  # key, value, token
Data = dict[Any, Any]
_NUMBERS = (int, float)
GONE = object()


class Marks:
    """Keys of leaves that somebody says have changed; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[Any] | None = set()
        self._records: set[Any] = set()

    def add(self, *key: Any) -> None:
        """Say that the leaf of this key has changed."""
        with self._lock:
            if self._keys is not None:
                self._keys.add(key)

    def all(self) -> None:
        """Say that any leaf may have changed."""
        with self._lock:
            self._keys = None

    def take(self, records: set[Any]) -> set[Any] | None:
        """What was said since the last time; None for any leaf, as when records came or went."""
        with self._lock:
            taken, self._keys = self._keys, set()
            same, self._records = records == self._records, records
        return taken if same else None


class Store(Protocol):
    """Named entries. With `exact` tokens an unchanged one is proof, else only a good reason."""

    @property
    def name(self) -> str:
        """What the journal knows it by."""

    @property
    def exact(self) -> bool:
        """Whether tokens tell every change."""

    @property
    def has_blobs(self) -> bool:
        """Whether values may hold big byte strings."""

    def entries(self) -> Iterator[Entry]:
        """Every entry as it is now."""

    def recent(self) -> list[Entry] | None:
        """What may have changed since this was last asked, GONE if removed; None for any entry."""

    def rank(self, key: Any) -> Any:
        """Which entries are put back before which: the lower first."""

    def put(self, key: Any, value: Any) -> None:
        """Put one entry back."""


@dataclass(frozen=True, slots=True)
class Flat:
    """A dictionary whose values are kept whole, or as `bare` makes them."""

    name: str
    data: Callable[[], Data]
    has_blobs: bool = False
    guard: contextlib.AbstractContextManager[Any] = field(default_factory=contextlib.nullcontext)
    bare: Callable[[Any], Any] = lambda value: value
    exact: bool = False

    def entries(self) -> Iterator[Entry]:
        """Every entry as it is now, read under the guard."""
        with self.guard:
            for key, value in list(self.data().items()):
                yield (key,), self.bare(value), None

    def recent(self) -> None:
        """Any entry may have changed."""

    def rank(self, _key: Any) -> int:
        """Entries do not depend on each other."""
        return 0

    def put(self, key: Any, value: Any) -> None:
        """Put one entry back."""
        self.data()[key[0]] = value


@dataclass(frozen=True, slots=True)
class Tree:
    """A dictionary of records whose `branch` holds, `depth` dictionaries down, many leaves.

    Leaves are replaced rather than changed, so that those which stayed cost next to nothing.
    """

    name: str
    data: Callable[[], Data]
    branch: str
    depth: int = 1
    left_out: tuple[str, ...] = ()
    has_blobs: bool = False
    marks: Marks | None = None
    exact: bool = False

    def entries(self) -> Iterator[Entry]:
        """Every record without its leaves, and every leaf."""
        for key, record in list(self.data().items()):
            yield (key,), self._bare(record), None
            for path, leaf in _leaves(record[self.branch], self.depth):
                yield (key, *path), leaf, (leaf, *leaf.values())

    def recent(self) -> list[Entry] | None:
        """Every record, and the leaves that were marked."""
        marked = self.marks.take(set(self.data())) if self.marks else None
        if marked is None:
            return None
        found: list[Entry] = [((k,), self._bare(r), None) for k, r in list(self.data().items())]
        return [*found, *((key, *self._look(key)) for key in marked)]

    def _look(self, key: Any) -> tuple[Any, Token | None]:
        record, *path = key
        found = self.data().get(record, {}).get(self.branch, {})
        for step in path:
            found = found.get(step)
            if found is None:
                return GONE, None
        return found, (found, *found.values())

    def _bare(self, record: Data) -> Data:
        bare = {**record, self.branch: _emptied(record[self.branch])}
        for name in self.left_out:
            bare.pop(name, None)
        return bare

    def rank(self, key: Any) -> int:
        """Records before their leaves."""
        return len(key)

    def put(self, key: Any, value: Any) -> None:
        """Put back a record, or one leaf of it."""
        record, *path = key
        if not path:
            self.data()[record] = value
            return
        *above, last = path
        inner = self.data()[record][self.branch]
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = value


@dataclass(frozen=True, slots=True)
class Runs:
    """Lists that only grow, kept in runs: what is full is not looked at again.

    `lists` tells the lists by key and `place` finds, or makes, the list of a key; `run_of` is the
    run that an element belongs to, by its position and itself.
    """

    name: str
    lists: Callable[[], Iterator[tuple[Any, list[Any]]]]
    place: Callable[[Any], list[Any]]
    run_of: Callable[[int, Any], Any]
    changes: Callable[[list[Any]], Any] = len
    has_blobs: bool = False
    exact: bool = True

    def entries(self) -> Iterator[Entry]:
        """Every run of every list."""
        for key, elements in self.lists():
            runs: defaultdict[Any, list[Any]] = defaultdict(list)
            for position, element in enumerate(list(elements)):
                runs[self.run_of(position, element)].append(element)
            for run, found in runs.items():
                yield (key, run), found, (found[0], found[-1], self.changes(found))

    def recent(self) -> None:
        """Any run may have changed."""

    def rank(self, key: Any) -> Any:
        """Runs in their order."""
        return key[1]

    def put(self, key: Any, value: Any) -> None:
        """Put one run back at the end of its list."""
        self.place(key[0]).extend(value)


def unchanged(before: Token | None, now: Token | None) -> bool:
    """Whether two tokens consist of the same objects, or equal numbers."""
    if before is None or now is None or len(before) != len(now):
        return False
    return all(a is b or (type(a) in _NUMBERS and a == b) for a, b in zip(before, now, strict=True))


def _emptied(branch: Any) -> Any:
    return defaultdict(branch.default_factory) if isinstance(branch, defaultdict) else {}


def _leaves(branch: Data, depth: int) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for key, value in list(branch.items()):
        if depth == 1:
            yield (key,), value
        else:
            for path, leaf in _leaves(value, depth - 1):
                yield (key, *path), leaf
