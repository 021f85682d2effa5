"""The journal and the keeper: what is written before a reply is read after a kill, or refused.

Ours: what is written down of acknowledged changes, in process
"""

import pickle
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from localcloud.clock import Clock
from localcloud.durability import moments
from localcloud.durability.journal import Change, Journal, JournalError
from localcloud.durability.keeper import Keeper
from localcloud.durability.stores import Flat, Marks, Runs, Store, Tree

BIG = b"x" * 20_000


def opened(folder: Path) -> tuple[Journal, list[Change]]:
    journal = Journal(folder)
    return journal, journal.open()


def change(key: Any, value: Any) -> Change:
    return Change("s", key, None if value is None else pickle.dumps(value))


def values(changes: list[Change]) -> dict[Any, Any]:
    return {one.key: pickle.loads(one.value or b"") for one in changes}  # noqa: S301


def written(folder: Path, *records: list[Change]) -> Path:
    """A journal with these records; its path."""
    journal, _ = opened(folder)
    for record in records:
        journal.append(record)
    journal.close()
    return folder / "journal"


def test_the_last_value_of_each_entry_is_read_back(tmp_path: Path) -> None:
    written(tmp_path, [change("a", 1), change("b", 2)], [change("a", 3)], [change("b", None)])
    assert values(opened(tmp_path)[1]) == {"a": 3}


@pytest.mark.parametrize("missing", [1, 7, 30])
def test_a_torn_last_record_is_dropped_and_the_next_ones_are_kept(
    tmp_path: Path, missing: int
) -> None:
    path = written(tmp_path, [change("a", 1)], [change("a", 2), change("b", 2)])
    path.write_bytes(path.read_bytes()[:-missing])
    journal, found = opened(tmp_path)
    assert values(found) == {"a": 1}, "all of a record or nothing"
    journal.append([change("c", 3)])
    assert values(opened(tmp_path)[1]) == {"a": 1, "c": 3}


def test_a_last_record_with_a_wrong_checksum_is_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, [change("a", 1)], [change("a", 2)])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert values(opened(tmp_path)[1]) == {"a": 1}


def test_damage_before_the_end_is_refused_not_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, [change("a", 1)], [change("b", "the middle")], [change("c", 3)])
    path.write_bytes(path.read_bytes().replace(b"the middle", b"the muddle"))
    with pytest.raises(JournalError, match="damaged at byte"):
        opened(tmp_path)


def test_a_newer_format_is_refused_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path, [change("a", 1)])
    path.write_bytes(path.read_bytes().replace(b"journal 1\n", b"journal 2\n"))
    with pytest.raises(JournalError, match=r"newer local cloud, in format 2.*down"):
        opened(tmp_path)
    assert b"journal 2\n" in path.read_bytes(), "and the state is left alone"


def test_opening_compacts_the_journal_and_drops_blobs_nobody_needs(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)
    keep, drop = journal.blobs.put(BIG), journal.blobs.put(b"y" * 20_000)
    for turn in range(100):
        journal.append([Change("s", "a", pickle.dumps(turn), (keep,))])
    size = (tmp_path / "journal").stat().st_size
    opened(tmp_path)
    assert (tmp_path / "journal").stat().st_size < size / 20
    assert [blob.name for blob in (tmp_path / "blobs").iterdir()] == [keep]
    assert drop != keep


class World:
    """Stores of every kind over plain dictionaries, and a keeper for them."""

    def __init__(self, folder: Path) -> None:
        self.flat: dict[Any, Any] = {}
        self.tables: dict[Any, Any] = {}
        self.lists: dict[Any, list[Any]] = {}
        self.stores: dict[str, Store] = {
            "flat": Flat("flat", lambda: self.flat, has_blobs=True),
            "tree": Tree("tree", lambda: self.tables, "items", depth=2, left_out=("index",)),
            "runs": Runs(
                "runs",
                lambda: iter(self.lists.items()),
                lambda key: self.lists.setdefault(key, []),
                run_of=lambda position, _: position // 2,
            ),
        }
        self.keeper = Keeper(Journal(folder))
        self.keeper.restore(self.stores.__getitem__)

    def commit(self, name: str = "") -> None:
        self.keeper.commit([self.stores[name]] if name else self.stores.values())


def test_entries_of_every_kind_of_store_come_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.flat["f"] = {"code": BIG, "n": 1}
    items = defaultdict(dict, {"p": {"s1": {"n": 1}, "s2": {"n": 2}}})
    world.tables["t"] = {"name": "t", "items": items, "index": {threading.Lock()}}
    world.lists["l"] = [1, 2, 3, 4, 5]
    world.commit()

    after = World(tmp_path)
    assert after.flat == world.flat
    assert after.tables == {"t": {"name": "t", "items": items}}, "what is left out is not kept"
    assert isinstance(after.tables["t"]["items"], defaultdict)
    assert after.lists == world.lists


def test_what_was_removed_stays_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.flat.update(a=1, b=2)
    world.tables["t"] = {"items": {"p": {"s": {"n": 1}, "r": {"n": 2}}}}
    world.commit()
    del world.flat["a"], world.tables["t"]["items"]["p"]["s"]
    world.commit()

    after = World(tmp_path)
    assert after.flat == {"b": 2}
    assert after.tables["t"]["items"] == {"p": {"r": {"n": 2}}}


def test_a_value_changed_in_place_is_seen(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.flat["a"] = {"deep": {"n": [1]}}
    world.commit()
    world.flat["a"]["deep"]["n"].append(2)
    world.commit()
    assert World(tmp_path).flat == {"a": {"deep": {"n": [1, 2]}}}


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    leaves = {str(n): {"n": n} for n in range(500)}
    world.tables["t"] = {"items": {"p": leaves}}
    world.commit()
    size = (tmp_path / "journal").stat().st_size
    world.commit()
    assert (tmp_path / "journal").stat().st_size == size, "nothing"
    leaves["7"] = {"n": -7}
    world.commit()
    assert (tmp_path / "journal").stat().st_size - size < 200


def test_a_big_value_is_written_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.flat["f"] = {"code": BIG, "n": 0}
    for turn in range(20):
        world.flat["f"]["n"] = turn
        world.commit()
    assert (tmp_path / "journal").stat().st_size < len(BIG)
    assert World(tmp_path).flat["f"] == {"code": BIG, "n": 19}


def test_what_cannot_be_kept_does_not_keep_the_rest_from_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.flat.update(lock=threading.Lock(), plain=1)
    world.commit()
    assert World(tmp_path).flat == {"plain": 1}


def test_stores_may_change_while_they_are_read(tmp_path: Path) -> None:
    world, stop = World(tmp_path), threading.Event()

    def change_it() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            world.flat[n % 50] = {str(n): n for n in range(n % 30)}
            world.flat.pop((n + 25) % 50, None)

    changer = threading.Thread(target=change_it)
    changer.start()
    for _ in range(200):
        world.commit("flat")
    stop.set()
    changer.join()
    world.commit("flat")
    assert World(tmp_path).flat == world.flat


def test_the_clock_goes_on_and_never_backwards(tmp_path: Path) -> None:
    path, before = tmp_path / "moment.json", Clock(3600.0)
    moments.note(path, 4566, before)
    told = before.now()  # after the last note
    found = moments.last(path)
    assert found is not None
    after = Clock()
    after.advance_to(found.next)
    assert after.now() >= told
    assert after.now() - told < 3600 * 6, "the time in which nothing ran is not made up"
    after.advance_to(0.0)
    assert after.now() >= told


def test_leaves_that_are_marked_are_the_only_ones_looked_at(tmp_path: Path) -> None:
    world, marks = World(tmp_path), Marks()
    world.stores["tree"] = Tree("tree", lambda: world.tables, "items", marks=marks)
    world.tables["t"] = {"items": {"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1}}}
    marks.all()
    world.commit()
    items = world.tables["t"]["items"]
    items["a"], items["b"] = {"n": 2}, {"n": 2}
    del items["c"]
    marks.add("t", "a")
    marks.add("t", "c")
    world.commit()

    again = World(tmp_path)
    assert again.tables["t"]["items"] == {"a": {"n": 2}, "b": {"n": 1}}


def test_a_table_that_was_deleted_stays_deleted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.stores["tree"] = Tree("tree", lambda: world.tables, "items", marks=Marks())
    world.tables.update(t={"items": {"a": {"n": 1}}}, u={"items": {}})
    world.commit()
    del world.tables["t"]
    world.commit()
    assert World(tmp_path).tables == {"u": {"items": {}}}


def test_a_thorough_sweep_finds_what_nobody_marked(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.stores["tree"] = Tree("tree", lambda: world.tables, "items", marks=Marks())
    world.tables["t"] = {"items": {"a": {"n": 1}}}
    world.keeper.sweep(world.stores.values(), thorough=True)
    again = World(tmp_path)
    assert again.tables["t"]["items"] == {"a": {"n": 1}}


def test_when_the_disk_is_full_nothing_more_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    world.flat["a"] = 1
    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(OSError, match="No space left"):
            world.commit()
    with pytest.raises(JournalError, match="No space left"):
        world.commit()


def test_private_keys_of_kms_are_kept(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    world = World(tmp_path)
    world.flat["k"] = {"_private_key": private}
    world.commit()
    found = World(tmp_path).flat["k"]["_private_key"]
    assert found.private_numbers() == private.private_numbers()


def test_a_keeper_that_was_closed_acknowledges_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.keeper.close()
    with pytest.raises(JournalError, match="stopping"):
        world.commit()


def test_lists_are_put_back_after_what_they_belong_to_whatever_was_written_last(
    tmp_path: Path,
) -> None:
    def world_of_lists_in_records() -> World:
        world = World.__new__(World)
        world.flat = {}
        world.stores = {
            "flat": Flat("flat", lambda: world.flat, bare=lambda value: {**value, "list": []}),
            "runs": Runs(
                "runs",
                lambda: ((key, value["list"]) for key, value in world.flat.items()),
                lambda key: world.flat[key]["list"],
                run_of=lambda position, _: position // 2,
            ),
        }
        world.keeper = Keeper(Journal(tmp_path))
        world.keeper.restore(world.stores.__getitem__)
        return world

    world = world_of_lists_in_records()
    world.flat["r"] = {"status": "RUNNING", "list": [1, 2, 3]}
    world.commit()
    world.flat["r"]["status"] = "SUCCEEDED"
    world.commit()
    assert world_of_lists_in_records().flat == {"r": {"status": "SUCCEEDED", "list": [1, 2, 3]}}
