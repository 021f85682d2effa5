"""What differs between two releases, from their manifests as they are stored.

Manifests are compared as JSON, field by field, so one that an older or newer Sluice wrote is read
as well. Each difference is found once; the order of a list matters. Objects are told apart by their
names, and by whether their bytes are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sluice.domain.likeness import Likeness, likeness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING: Mapping[str, Likeness] = MappingProxyType({})
type Path = tuple[str | int, ...]


class Absent(Enum):
    """In place of a value that a manifest does not record; null is a value."""

    ABSENT = "not recorded"


ABSENT = Absent.ABSENT
NAMES, OBJECTS, OTHER, EVALUATION = "names", "objects", "other", "evaluation"
INFRASTRUCTURE, GATES, MODEL_FILES = "infrastructure", "gates", "model files"
_CONFIG = "config"
_LISTED: Path = (_CONFIG, "model_files")
_SECTIONS: dict[str, tuple[Path, ...]] = {
    "commit": (("commit",), (_CONFIG, "prompt_template_version")),
    "training data": (("training_dataset_version",),),
    "model": (("model",), (_CONFIG, "model_id"), (_CONFIG, "legacy_model_reason")),
    "partner model": (("partner",), (_CONFIG, "moves_with")),
    "knowledge": (
        ("knowledge",),
        (_CONFIG, "knowledge_base_id"),
        (_CONFIG, "data_source_id"),
        (_CONFIG, "agent_alias_id"),
    ),
    "prompts": (
        (_CONFIG, "prompt_template_file"),
        (_CONFIG, "system_prompt_file"),
        (_CONFIG, "agent_config_file"),
    ),
    "inference parameters": ((_CONFIG, "inference_config"),),
    "image": (("image",), (_CONFIG, "image_uri")),
    "instances": (
        (_CONFIG, "instance_type"),
        (_CONFIG, "instance_count"),
        (_CONFIG, "serverless"),
        (_CONFIG, "execution_role_arn"),
    ),
    "content types": ((_CONFIG, "content_types"), (_CONFIG, "response_types")),
    "environment": ((_CONFIG, "environment"),),
    "scripts": ((_CONFIG, "inference_scripts"),),
    "smoke test": ((_CONFIG, "smoke_test"),),
    "rollout plan": ((_CONFIG, "rollout"),),
    "alarms": ((_CONFIG, "alarms"),),
    EVALUATION: ((EVALUATION,),),
    "metadata": (("metadata",),),
    "target": (("target",), (_CONFIG, "endpoint_name"), (_CONFIG, "application")),
    MODEL_FILES: (_LISTED,),
    OBJECTS: ((OBJECTS,),),
    INFRASTRUCTURE: ((INFRASTRUCTURE,),),
    GATES: ((GATES,),),
    NAMES: (("release",), ("bucket",), ("schema_version",)),
}
SECTIONS = (*_SECTIONS, OTHER)
"""What differences are told under, in this order."""
_NO_CONTENT = frozenset({NAMES, INFRASTRUCTURE, GATES, MODEL_FILES})
"""Which stack captured a version, and what it was held against, changes nothing about how it
behaves. A file that the config lists is an object, and its bytes are compared as such: how it is
listed, or that an older manifest has no such list, changes nothing either."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that two manifests record differently."""

    path: Path
    before: Any
    after: Any

    @property
    def section(self) -> str:
        """What it is told under."""
        for section, places in _SECTIONS.items():
            if any(self.path[: len(place)] == place for place in places):
                return section
        return OTHER

    @property
    def delta(self) -> Decimal | None:
        """By how much a score differs; nothing is said of which is better."""
        if self.section != EVALUATION or not _is_number(self.before) or not _is_number(self.after):
            return None
        return Decimal(str(self.after)) - Decimal(str(self.before))


@dataclass(frozen=True, slots=True)
class ObjectDifference:
    """One object of either release, and whether the other has the same."""

    name: str
    likeness: Likeness
    before: int | None
    """Its size in bytes; None where there is none."""
    after: int | None
    differences: tuple[Difference, ...]
    """What the manifests record of it differently: where it was pushed, its checksums."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two manifests."""

    differences: tuple[Difference, ...]
    """Except those of single objects."""
    objects: tuple[ObjectDifference, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but what names the releases, and how they were captured."""
        alike = all(one.likeness is Likeness.SAME for one in self.objects)
        return alike and all(one.section in _NO_CONTENT for one in self.differences)


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], *, read: Mapping[str, Likeness] = NOTHING
) -> Comparison:
    """What differs between two manifests, given as the JSON they are.

    `read` says of objects whose bytes were read what that showed: it decides where what was
    recorded of them does not.
    """
    one, two = _by_name(before.get(OBJECTS)), _by_name(after.get(OBJECTS))
    if one is None or two is None:
        return Comparison(tuple(_differ(dict(before), dict(after), ())), ())
    rest = [{name: at for name, at in side.items() if name != OBJECTS} for side in (before, after)]
    found = [*_differ(rest[0], rest[1], ()), *_order(list(one), list(two))]
    objects = tuple(
        _object(name, one.get(name), two.get(name), read=read.get(name)) for name in {**one, **two}
    )
    return Comparison(tuple(found), objects)


def _differ(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _differ(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif type(before) is not type(after) or before != after:
        # JSON tells 1 from true and from 1.0; Python's == does not.
        yield Difference(path, before, after)


def _lists(before: list[Any], after: list[Any], path: Path) -> Iterator[Difference]:
    """Place by place; the files of a model by their names, as a new one moves those behind it."""
    if path == _LISTED:
        one, two = _by_name(before, name="file"), _by_name(after, name="file")
        if one is not None and two is not None:
            yield from _differ(one, two, path)
            return
    for place, (left, right) in enumerate(zip_longest(before, after, fillvalue=ABSENT)):
        yield from _differ(left, right, (*path, place))


def _by_name(objects: Any, *, name: str = "name") -> dict[str, dict[str, Any]] | None:
    """The objects by their names; None where they are not told apart by them."""
    if not isinstance(objects, list):
        return None
    named = [one for one in objects if isinstance(one, dict) and isinstance(one.get(name), str)]
    found = {one[name]: one for one in named}
    return found if len(found) == len(objects) else None


def _order(before: list[str], after: list[str]) -> Iterator[Difference]:
    """That objects which both have are listed in another order."""
    kept = [
        [name for name in names if name in before and name in after] for names in (before, after)
    ]
    if kept[0] != kept[1]:
        yield Difference((OBJECTS,), kept[0], kept[1])


def _object(
    name: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    read: Likeness | None,
) -> ObjectDifference:
    known = likeness(before, after)
    one, two = (ABSENT if side is None else side for side in (before, after))
    return ObjectDifference(
        name=name,
        likeness=read if read and known is Likeness.UNKNOWN else known,
        before=before.get("size") if before else None,
        after=after.get("size") if after else None,
        differences=tuple(_differ(one, two, (OBJECTS, name))),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
