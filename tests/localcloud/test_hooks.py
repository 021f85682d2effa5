"""Hooks: put in place together or not at all, left out one by one, and counted.

Ours: how engines are changed, and how that is proved to be needed, in process
"""

import json
from types import ModuleType
from typing import Any

import pytest

from localcloud import hooks
from localcloud.launcher import LocalCloud
from tests.localcloud.hooks.baseline import baseline_of
from tests.localcloud.waiting import until

HERE = __name__


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An engine of two functions and a value, with no hooks in it yet."""
    monkeypatch.setattr(hooks, "_changes", [])
    monkeypatch.setattr(hooks, "_required", [])
    monkeypatch.setattr(hooks, "_installed", [0, 0])
    module: Any = ModuleType("engine")
    module.double = lambda number: number * 2
    module.name = lambda: "engine"
    module.limit = 1
    return module


def hooked(engine: Any) -> None:
    """Change all of the engine."""
    hooks.replace(engine, "name")(lambda: "ours")
    hooks.wrap(engine, "double", "number")(lambda original, number: original(number) + 1)
    hooks.put(engine, "limit", 9)
    hooks.install()


def test_functions_are_replaced_and_wrapped_and_values_put(engine: Any) -> None:
    hooked(engine)
    assert (engine.name(), engine.double(2), engine.limit) == ("ours", 5, 9)


@pytest.mark.parametrize(
    ("left_out", "found"),
    [
        ("name", ("engine", 5, 9)),
        ("double", ("ours", 4, 9)),
        ("limit", ("ours", 5, 1)),
    ],
)
def test_a_hook_that_is_named_is_left_out(
    engine: Any, monkeypatch: pytest.MonkeyPatch, left_out: str, found: Any
) -> None:
    monkeypatch.setenv("LOCALCLOUD_WITHOUT", f"{HERE}:engine.{left_out},other")
    hooked(engine)
    assert (engine.name(), engine.double(2), engine.limit) == found


def test_calls_are_counted_when_asked_for(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_COUNT_HOOKS", "1")
    hooked(engine)
    engine.double(1)
    engine.double(2)
    counted = {one["label"].rpartition(".")[2]: one["calls"] for one in hooks.tell(None)}
    assert counted == {"name": 0, "double": 2, "limit": 0}


def test_what_a_module_puts_in_several_places_is_one_family(engine: Any) -> None:
    other: Any = ModuleType("other")
    other.limit = 2
    for module in (engine, other):
        hooks.put(module, "limit", 9)
    hooks.replace(engine, "name")(lambda: "ours")
    families = [one["family"] for one in hooks.tell(None)]
    assert families == [f"{HERE}:engine.limit"] * 2 + [f"{HERE}:engine.name"]


def test_an_engine_that_changed_stops_everything_and_all_faults_are_named(engine: Any) -> None:
    hooks.require(engine, "gone")
    hooks.wrap(engine, "double", "numbers")(lambda original, numbers: original(numbers))
    with pytest.raises(hooks.HookError, match=r"engine\.gone is gone\n.*not \('numbers',\)"):
        hooks.install()
    assert engine.double(2) == 4


def test_the_tests_of_a_hooks_own_subsystem_are_the_first_to_miss_it() -> None:
    clock, store = "localcloud.alarms.states:cloudwatch.time", "localcloud.storage:s3._put_object"
    near, far, other = (
        f"tests/localcloud/test_{name}.py::t" for name in ("storage", "bus", "data")
    )
    alarm = "tests/localcloud/test_alarms_windows.py::t"
    families = {clock: clock, store: store}
    counted = {near: {store: 1}, far: {store: 9}, other: {}, alarm: {}}
    lines = [
        json.dumps({"test": test, "calls": calls, "families": families})
        for test, calls in counted.items()
    ]
    found = baseline_of([*lines, json.dumps({"failed": []})])
    assert found.users_of(store) == [near, far]
    # What is not called is a value: whatever tests its subsystem may miss it.
    assert found.users_of(clock) == [alarm]
    assert baseline_of([*lines, json.dumps({"failed": [near]})]).users_of(store) == [far]


def test_every_hook_has_a_label_of_its_own(cloud: LocalCloud) -> None:
    def look() -> list[str]:
        return [one["label"] for one in cloud.control("hooks")]

    labels = until(look, "the late subsystems are mounted", good=lambda seen: len(seen) > 60)
    assert sorted(labels) == sorted(set(labels))
