"""The keeper: compares the stores with what the journal says, and writes what is different.

Before a reply to a request that may change something, the stores of its service are compared; what
changes without a request, several times a second. Both write under one lock, so that an older value
never follows a newer one; both are called on the gateway's event loop, where the engines answer
requests, so that no request is seen half done.
"""

import logging
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localcloud.durability.blobs import Known
from localcloud.durability.journal import Change, Journal, JournalError
from localcloud.durability.stores import GONE, Entry, Runs, Store, Token, unchanged

_LOOKS = 5  # at a store that others change meanwhile
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    """What the journal holds of an entry: a hash of its value, and its big parts."""

    print: int
    token: Token | None
    known: Known


class Keeper:
    """Keeps the stores of one local cloud in one journal; for any number of threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._kept: defaultdict[str, dict[object, _Kept]] = defaultdict(dict)
        self._unkeepable: set[tuple[str, object]] = set()
        self._closed = False
        self._broken = ""  # why nothing more can be acknowledged: the disk is full

    def restore(self, store_of: Callable[[str], Store]) -> None:
        """Put every journaled entry back into its store.

        Raises JournalError for an entry that this local cloud cannot take.
        """
        by_store: defaultdict[str, list[Change]] = defaultdict(list)
        for change in self._journal.open():
            by_store[change.store].append(change)
        stores = [store_of(name) for name in by_store]
        for store in sorted(stores, key=lambda store: isinstance(store, Runs)):
            self._restore_store(store, by_store[store.name])  # runs belong to entries of others

    def _restore_store(self, store: Store, changes: list[Change]) -> None:
        for change in sorted(changes, key=lambda change: store.rank(change.key)):
            try:
                value = self._journal.blobs.unpack(change.value or b"")
                store.put(change.key, value)
            except Exception as error:
                raise JournalError(
                    f"{change.key} of {store.name} cannot be restored ({error!r}): another version "
                    "wrote it. `python -m localcloud down` forgets the state."
                ) from error
            self._kept[store.name][change.key] = _Kept(hash(change.value), None, {})

    def commit(self, stores: Iterable[Store]) -> None:
        """Write what changed in the stores of a request, in one record.

        Raises JournalError when that is no longer possible: the request must not be acknowledged.
        """
        with self._lock:
            if self._closed:
                raise JournalError("nothing is kept any more: the local cloud is stopping")
            self._write([change for store in stores for change in self._changes(store)])

    def sweep(self, stores: Iterable[Store], *, thorough: bool = True) -> None:
        """Write what changed, store by store, so that no request waits for all of them.

        A thorough sweep pickles also what looks untouched.
        """
        for store in stores:
            with self._lock:
                if not self._closed:
                    self._write(self._found(store, thorough=thorough))

    def _found(self, store: Store, *, thorough: bool) -> list[Change]:
        """What changed; a store that cannot be read does not keep the others from being kept."""
        try:
            return self._changes(store, thorough=thorough)
        except Exception:
            _log.exception("%s cannot be read", store.name)
            return []

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._closed = True
            self._journal.close()

    def _write(self, changes: list[Change]) -> None:
        if self._broken:
            raise JournalError(f"nothing can be kept since {self._broken}")
        try:
            if changes:
                self._journal.append(changes)
        except OSError as error:
            self._broken = str(error)
            raise

    def _changes(self, store: Store, *, thorough: bool = False) -> list[Change]:
        """What differs from the journal. Others may change the store while it is read."""
        recent = None if thorough else store.recent()
        for _ in range(_LOOKS - 1):
            try:
                return self._compared(store, recent, thorough=thorough)
            except RuntimeError:
                recent = None  # a dictionary changed its size under us: look at all of it
        return self._compared(store, None, thorough=thorough)

    def _compared(
        self, store: Store, recent: list[Entry] | None, *, thorough: bool
    ) -> list[Change]:
        """What differs among the recent entries, or else among all."""
        kept, changes = self._kept[store.name], []
        fresh: dict[object, _Kept] = {}
        trusts_tokens = store.exact or not thorough
        seen: set[object] = set()
        gone: set[object] = set()
        for key, value, token in store.entries() if recent is None else recent:
            (gone if value is GONE else seen).add(key)
            held = kept.get(key)
            known = held is not None and trusts_tokens and unchanged(held.token, token)
            if value is not GONE and not known:
                changes += self._pack(store, (key, value, token), held, fresh)
        gone = kept.keys() - seen if recent is None else kept.keys() & gone
        kept.update(fresh)
        for key in gone:
            del kept[key]
        return [*changes, *(Change(store.name, key, None) for key in gone)]

    def _pack(
        self, store: Store, entry: Entry, held: _Kept | None, fresh: dict[object, _Kept]
    ) -> list[Change]:
        """The change of one entry, noted in `fresh`; none when it is what the journal has."""
        key, value, token = entry
        known: Known = held.known if held else {}
        try:
            if store.has_blobs:
                data, known = self._journal.blobs.pack(value, known)
            else:
                data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            self._tell_once(store.name, key, error)
            return []
        found = _Kept(hash(data), token, known)
        fresh[key] = found
        if held is not None and held.print == found.print:
            return []
        return [Change(store.name, key, data, tuple(digest for _, digest in known.values()))]

    def _tell_once(self, store: str, key: object, error: Exception) -> None:
        if (store, key) not in self._unkeepable:
            self._unkeepable.add((store, key))
            _log.warning("%s of %s is not kept: %s", key, store, error)
