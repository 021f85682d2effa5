"""Two releases are compared by meaning: nothing is missed, and nothing told twice."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.comparing import ABSENT, Comparison, Difference, compare
from sluice.domain.likeness import Likeness
from tests.builders import a_bedrock_manifest, a_manifest
from tests.pasts import unhurried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.comparing import Path

MODEL: dict[str, Any] = json.loads(a_manifest().canonical())
BEDROCK: dict[str, Any] = json.loads(a_bedrock_manifest().canonical())

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
documents = st.dictionaries(st.text().filter(lambda name: name != "objects"), values, max_size=4)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    match value:
        case dict() if value:
            for name, one in value.items():
                yield from leaves(one, (*path, name))
        case list() if value:
            for place, one in enumerate(value):
                yield from leaves(one, (*path, place))
        case _:
            yield path


def is_name_of_an_object(path: Path) -> bool:
    return path[0] == "objects" and path[-1] == "name"


LEAVES = [
    (manifest, path)
    for manifest in (MODEL, BEDROCK)
    for path in leaves(manifest)
    if not is_name_of_an_object(path)
]


def at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def put(document: Any, path: Path, value: Any) -> None:
    at(document, path[:-1])[path[-1]] = value


def told(manifest: dict[str, Any], path: Path) -> Path:
    """Where a difference at `path` is told: an object goes by its name."""
    if path[0] != "objects":
        return path
    return ("objects", manifest["objects"][path[1]]["name"], *path[2:])


def everything(found: Comparison) -> list[Difference]:
    return [*found.differences, *(inner for one in found.objects for inner in one.differences)]


def spelled(value: Any) -> str:
    """JSON tells apart what Python holds to be equal: 1, 1.0 and true."""
    return json.dumps(value, sort_keys=True)


@unhurried
@given(documents)
def test_nothing_differs_from_itself(document: dict[str, Any]) -> None:
    found = compare(document, copy.deepcopy(document))

    assert everything(found) == []
    assert found.is_same


@pytest.mark.parametrize("manifest", [MODEL, BEDROCK], ids=["model", "bedrock"])
def test_no_manifest_differs_from_itself(manifest: dict[str, Any]) -> None:
    found = compare(manifest, copy.deepcopy(manifest))

    assert everything(found) == []
    assert len(found.objects) == len(manifest["objects"])


@unhurried
@given(st.sampled_from(LEAVES), values)
def test_every_leaf_that_changes_is_told_once(
    place: tuple[dict[str, Any], Path], value: Any
) -> None:
    manifest, path = place
    before = at(manifest, path)
    if spelled(before) == spelled(value):
        return
    changed = copy.deepcopy(manifest)
    put(changed, path, value)

    found = everything(compare(manifest, changed))
    where = told(manifest, path)

    inside = [one for one in found if one.path[: len(where)] == where]
    assert inside == found
    if not (isinstance(before, list | dict) and isinstance(value, type(before))):
        assert [(one.path, one.before) for one in found] == [(where, before)]
        assert spelled(found[0].after) == spelled(value)


@pytest.mark.parametrize(("manifest", "path"), LEAVES, ids=lambda one: str(one)[-40:])
def test_every_leaf_that_is_left_out_is_told_once(manifest: dict[str, Any], path: Path) -> None:
    if isinstance(path[-1], int):
        return
    without = copy.deepcopy(manifest)
    del at(without, path[:-1])[path[-1]]
    where = told(manifest, path)

    assert everything(compare(manifest, without)) == [Difference(where, at(manifest, path), ABSENT)]
    assert everything(compare(without, manifest)) == [Difference(where, ABSENT, at(manifest, path))]


def applied(document: dict[str, Any], differences: list[Difference]) -> dict[str, Any]:
    """What the other side is, if the differences tell everything."""
    other: Any = copy.deepcopy(document)
    for one in sorted(differences, key=lambda one: str(one.path), reverse=True):
        holder = at(other, one.path[:-1])
        name: Any = one.path[-1]
        if one.after is ABSENT and isinstance(holder, list):
            del holder[name:]
        elif one.after is ABSENT:
            del holder[name]
    for one in differences:
        if one.after is not ABSENT:
            holder, name = at(other, one.path[:-1]), one.path[-1]
            if isinstance(holder, list) and name == len(holder):
                holder.append(one.after)
            else:
                holder[name] = one.after
    return dict(other)


@unhurried
@given(documents, documents)
def test_the_differences_are_all_there_is_between_two(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    differences = list(compare(before, after).differences)

    assert len({one.path for one in differences}) == len(differences)
    assert spelled(applied(before, differences)) == spelled(after)


def test_the_order_of_a_list_matters() -> None:
    changed = copy.deepcopy(MODEL)
    changed["config"]["rollout"]["steps"] = [25, 5, 50, 100]

    found = compare(MODEL, changed)

    steps = ("config", "rollout", "steps")
    assert everything(found) == [Difference((*steps, 0), 5, 25), Difference((*steps, 1), 25, 5)]
    assert not found.is_same


def test_objects_in_another_order_are_told() -> None:
    changed = {**MODEL, "objects": [*reversed(MODEL["objects"])]}
    names = [one["name"] for one in MODEL["objects"]]

    (found,) = everything(compare(MODEL, changed))

    assert (found.path, found.before, found.after) == (("objects",), names, names[::-1])


def test_objects_that_bear_one_name_are_compared_by_their_places() -> None:
    twice = {**MODEL, "objects": [MODEL["objects"][0], MODEL["objects"][0]]}

    found = compare(MODEL, twice)

    assert found.objects == ()
    assert {one.path[:2] for one in found.differences} == {("objects", 1), ("objects", 2)}


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), (None, "null")])
def test_what_json_tells_apart_differs(before: Any, after: Any) -> None:
    assert len(everything(compare({"one": before}, {"one": after}))) == 1


def test_an_added_and_a_removed_object_are_told_with_their_sizes() -> None:
    kept, *rest = MODEL["objects"]
    added = {**kept, "name": "code/pre.py", "size": 12}

    found = compare(MODEL, {**MODEL, "objects": [*rest, added]})

    told = {one.name: (one.likeness, one.before, one.after) for one in found.objects}
    assert told[kept["name"]] == (Likeness.REMOVED, 7, None)
    assert told["code/pre.py"] == (Likeness.ADDED, None, 12)
    assert {told[one["name"]][0] for one in rest} == {Likeness.SAME}
    assert not found.is_same


def test_what_only_names_a_release_makes_it_no_other() -> None:
    pushed = [{**one, "source_key": "elsewhere", "version_id": "other"} for one in MODEL["objects"]]
    renamed = {**MODEL, "release": {"group": "churn", "version": 5}, "objects": pushed}

    found = compare(MODEL, renamed)

    assert found.is_same
    assert len(everything(found)) == 1 + 2 * len(pushed)


def test_what_was_read_decides_where_nothing_was_recorded() -> None:
    bare = [{**one, "sha256": "", "etag": ""} for one in MODEL["objects"]]
    manifest = {**MODEL, "objects": bare}
    name = bare[0]["name"]

    def known(read: Likeness) -> Likeness:
        return compare(manifest, manifest, read={name: read}).objects[0].likeness

    assert compare(manifest, manifest).objects[0].likeness is Likeness.UNKNOWN
    assert not compare(manifest, manifest).is_same
    assert known(Likeness.SAME) is Likeness.SAME
    assert compare(MODEL, MODEL, read={name: Likeness.CHANGED}).objects[0].likeness is Likeness.SAME
