"""What differs between two releases in plain words, from the document that `--json` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.people import told_of, told_of_pushes
from sluice.domain.comparing import MODEL_FILES, NAMES, SECTIONS
from sluice.domain.likeness import Likeness

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIKE = {
    "Changed": "changed",
    "Added": "added",
    "Removed": "removed",
    "Unknown": "of one size, and no checksum tells whether it is the same",
}
_NAMED = 5
"""How many that are the same are named, of a model that may have hundreds of files."""
_WHOLE = 2
"""Length of the path of an object: what follows is within it."""
_UNTOLD = {NAMES, MODEL_FILES}
"""Told last, or not at all: what is listed is told as objects."""


def told(answer: dict[str, Any]) -> Iterator[str]:
    """The answer, section by section; what only names the releases comes last."""
    yield f"--- {_side(answer['before'])}"
    yield _people(answer["before"])
    yield f"+++ {_side(answer['after'])}"
    yield _people(answer["after"])
    yield _verdict(answer)
    for section in SECTIONS:
        if section not in _UNTOLD:
            yield from _section(section, answer["differences"])
    yield from _objects(answer["objects"])
    yield from _section(NAMES, answer["differences"])
    for text in answer["texts"]:
        yield from _text(text)


def _side(side: dict[str, Any]) -> str:
    return f"{side['release']}, digest {side['digest']}"


def _people(side: dict[str, Any]) -> str:
    who = side["approver"]
    approved = f"approved by {told_of(who)}" if who else "not approved"
    return f"    {told_of_pushes(side['pushed'])}; {approved}"


def _verdict(answer: dict[str, Any]) -> str:
    if answer["before"]["digest"] == answer["after"]["digest"]:
        return "the same release"
    if answer["same"]:
        return "the same but for their names and how they were captured"
    return "different"


def _section(section: str, differences: list[dict[str, Any]]) -> Iterator[str]:
    found = [one for one in differences if one["section"] == section]
    if found:
        yield f"{section}:"
    for one in found:
        delta = f" ({one['delta']:+})" if "delta" in one else ""
        yield f"  {_path(one['path'])}: {_value(one, 'before')} -> {_value(one, 'after')}{delta}"


def _objects(objects: list[dict[str, Any]]) -> Iterator[str]:
    """The objects that differ, each by its bytes; those that do not are named in one line.

    Where an object was pushed to, and by which checksums it is known, differs between any two
    releases and says nothing: `--json` has it.
    """
    if objects:
        yield "objects:"
    for one in objects:
        if one["likeness"] != Likeness.SAME:
            sizes = [size for size in (one["size_before"], one["size_after"]) if size is not None]
            size = " -> ".join(f"{size:,}" for size in dict.fromkeys(sizes))
            yield f"  {one['name']}: {_ALIKE[one['likeness']]}, {size} bytes{_digests(one)}"
    same = [one["name"] for one in objects if one["likeness"] == Likeness.SAME]
    if same:
        more = f" and {len(same) - _NAMED} more" if len(same) > _NAMED else ""
        yield f"  the same: {', '.join(same[:_NAMED])}{more}"


def _digests(one: dict[str, Any]) -> str:
    """By what the bytes are known to be others, where SHA-256 tells."""
    found = list[str]()
    for inner in one["differences"]:
        whole, digest = len(inner["path"]) == _WHOLE, inner["path"][_WHOLE:] == ["sha256"]
        sides = [inner[side] for side in ("before", "after") if side in inner]
        if whole or digest:
            found += [side["sha256"] if whole else side for side in sides]
    return f", sha256 {' -> '.join(found)}" if found and all(found) else ""


def _text(text: dict[str, Any]) -> Iterator[str]:
    files = " -> ".join(text[side] or "none" for side in ("before", "after"))
    if "unknown" in text:
        yield f"{text['role']} ({files}) is not compared line by line: {text['unknown']}"
    elif text["diff"]:
        yield f"{text['role']} ({files}):"
        yield from text["diff"]


def _path(path: list[str | int]) -> str:
    """`config.rollout.steps[0]`; a name with a dot in it is quoted."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _name(part: str) -> str:
    return json.dumps(part, ensure_ascii=False) if "." in part else part


def _value(one: dict[str, Any], side: str) -> str:
    if side not in one:
        return "not recorded"
    return "not set" if one[side] is None else json.dumps(one[side], ensure_ascii=False)
