"""`sluice diff`: what differs between two releases, by meaning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.contrasting import told
from cli.errors import DONE, NO, UnusableError
from cli.facts import Facts
from cli.people import approval_of
from cli.sides import Side, Sides, UntoldError
from cli.stack import Connection
from cli.telling import say
from sluice.domain.comparing import ABSENT, compare
from sluice.domain.likeness import Likeness, likeness
from sluice.domain.wording import text_diff, texts_of

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.comparing import Comparison, Difference

_TWO = 2


def diff(options: Namespace) -> int:
    """0 when both are the same, 1 when they differ. Raises UnusableError."""
    wanted = 1 if options.live else _TWO
    if len(options.releases) != wanted:
        message = "give two releases, churn-v3 churn-v4, or --live TARGET and one"
        raise UnusableError(message)
    connection = Connection(options)
    facts = Facts(connection)
    sides = Sides(connection, facts)
    *first, second = options.releases
    before = sides.live(options.live) if options.live else sides.named(first[0])
    after = sides.named(second)
    texts, read = _texts(sides, before, after)
    found = compare(before.manifest, after.manifest, read=read)
    answer = {
        "before": _side(before, facts),
        "after": _side(after, facts),
        "same": found.is_same,
        "differences": [_difference(one) for one in found.differences],
        "objects": _objects(found),
        "texts": texts,
    }
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in told(answer):
            say(line)
    return DONE if found.is_same else NO


def _side(side: Side, facts: Facts) -> dict[str, Any]:
    """What a release is called, and who pushed and who approved it."""
    named = {"release": side.label, "digest": side.digest, "manifest_uri": side.uri}
    release = facts.releases.get(side.release)
    seen = approval_of(release) if release else None
    approved = facts.people.approved(release, seen) if release and seen else None
    return {**named, "pushed": facts.people.pushed(side.manifest), "approver": approved}


def _difference(one: Difference) -> dict[str, Any]:
    """A difference as the answer holds it: a side that records nothing is left out."""
    sides = {"before": one.before, "after": one.after}
    held = {name: value for name, value in sides.items() if value is not ABSENT}
    delta = {"delta": float(one.delta)} if one.delta is not None else {}
    return {"section": one.section, "path": list(one.path), **held, **delta}


def _objects(found: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "likeness": one.likeness.value,
            "size_before": one.before,
            "size_after": one.after,
            "differences": [_difference(inner) for inner in one.differences],
        }
        for one in found.objects
    ]


def _texts(
    sides: Sides, before: Side, after: Side
) -> tuple[list[dict[str, Any]], dict[str, Likeness]]:
    """The texts that are not known to be the same, and what reading them showed of their files."""
    one, two = texts_of(before.manifest), texts_of(after.manifest)
    texts, read = list[dict[str, Any]](), dict[str, Likeness]()
    for role in {**one, **two}:
        files = (one.get(role, ""), two.get(role, ""))
        if _known_same(before.object(files[0]), after.object(files[1])):
            continue
        found: dict[str, Any] = {
            "role": role,
            "before": files[0] or None,
            "after": files[1] or None,
        }
        try:
            found["diff"] = _diff(sides, before, after, files)
        except UntoldError as error:
            found["unknown"] = str(error)
        else:
            if files[0] == files[1]:
                read[files[0]] = Likeness.CHANGED if found["diff"] else Likeness.SAME
        texts.append(found)
    return texts, read


def _known_same(before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    return bool(before and after) and likeness(before, after) is Likeness.SAME


def _diff(sides: Sides, before: Side, after: Side, files: tuple[str, str]) -> list[str]:
    """The unified diff of two texts; one that a side does not have is empty there."""
    one, two = files
    contents = (
        sides.text(before, one) if one else "",
        sides.text(after, two) if two else "",
    )
    names = (
        f"{before.label}/{one}" if one else "/dev/null",
        f"{after.label}/{two}" if two else "/dev/null",
    )
    return list(text_diff(*contents, names=names))
