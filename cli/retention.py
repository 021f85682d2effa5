"""`sluice retention`: what could be freed of the vault, and why each other release is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cli.errors import DONE, NO, UnusableError
from cli.facts import Facts
from cli.retiring import UNDONE, Retiring
from cli.sides import registered
from cli.stack import Connection
from cli.stock import Stock
from cli.telling import say
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.manifest import Manifest
from sluice.domain.release import Capture
from sluice.domain.retention import Terms, expires_from
from sluice.domain.values import iso

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from cli.stock import Look, Stored
    from sluice.domain.retention import Fate

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def retention(options: Namespace) -> int:
    """0: told, or done; 1: something has changed, or is not done. Raises what a command may."""
    if sum(map(bool, (options.group, options.all, options.undo))) != 1:
        message = "say which: --group GROUP, --all, or --undo RELEASE"
        raise UnusableError(message)
    connection, now = Connection(options), datetime.now(UTC)
    stock, by = Stock(connection), options.by
    if options.apply or options.undo:
        by = by or connection.caller()
    retiring = Retiring(connection, stock, by, options.why, now)
    if options.undo:
        say(retiring.undo(registered(Facts(connection), options.undo)))
        return DONE
    terms = Terms(newest=options.keep, younger=timedelta(days=options.older_than))
    grace = timedelta(days=options.grace)
    look = stock.look(options.group, terms=terms, now=now)
    answer = _answer(stock, look, grace)
    if options.images:
        answer["images"] = _images(Facts(connection), look)
    if options.apply:
        answer["applied"] = retiring.apply(look, grace=grace)
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in _lines(answer):
            say(line)
    return NO if any(one["became"] in UNDONE for one in answer.get("applied", ())) else DONE


def _answer(stock: Stock, look: Look, grace: timedelta) -> dict[str, Any]:
    captured = [one for one in look.fates if one.release.capture is Capture.REGISTERED]
    stored = stock.stored([one.release for one in captured])
    told = [_told(one, stored.get(one.release.name), grace) for one in look.fates]
    answer: dict[str, Any] = {
        kind: [one for one in told if one["kind"] == kind] for kind in ("free", "retired", "kept")
    }
    answer["bytes"] = {
        **{kind: sum(one["bytes"] for one in answer[kind]) for kind in ("free", "retired", "kept")},
        "inbox": sum(one["inbox"]["bytes"] for one in told),
    }
    return answer


def _told(fate: Fate, stored: Stored | None, grace: timedelta) -> dict[str, Any]:
    release, retired = fate.release, fate.release.retired
    begins = expires_from(release, grace)
    vault, inbox = (stored.vault, stored.inbox) if stored else ([], [])
    told: dict[str, Any] = {
        "release": str(release.name),
        "kind": "retired" if retired else "free" if fate.free else "kept",
        "bytes": sum(one.size for one in vault),
        "objects": len(vault),
        "reasons": list(fate.reasons),
        "inbox": {
            "folder": stored.folder if stored and inbox else None,
            "bytes": sum(one.size for one in inbox),
        },
    }
    if retired and begins:
        told["retired"] = retired.model_dump(mode="json")
        told["expires_from"] = iso(begins)
    return told


def _images(facts: Facts, look: Look) -> list[dict[str, Any]]:
    """The images that releases need which are neither freed nor about to be, and of which ones.

    Raises UnusableError where a manifest cannot be read: then nobody knows.
    """
    needed = dict[str, list[str]]()
    for one in look.fates:
        release = one.release
        expiring = release.retired is not None and release.retired.expiring_since is not None
        if release.capture is not Capture.REGISTERED or (expiring and one.free):
            continue
        text = facts.text(release.name, release.manifest_uri, release.digest)
        manifest = parse_any_manifest(text, digest=release.digest)
        if isinstance(manifest, Manifest):
            needed.setdefault(manifest.image, []).append(str(release.name))
    return [{"image": image, "releases": names} for image, names in sorted(needed.items())]


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    total = sum(answer["bytes"][kind] for kind in ("free", "retired", "kept"))
    count = sum(len(answer[kind]) for kind in ("free", "retired", "kept"))
    yield (
        f"could be freed: {len(answer['free'])} of {count} releases, "
        f"{sized(answer['bytes']['free'])} of {sized(total)} in the vault"
    )
    yield from (f"  {_line(one)}" for one in answer["free"])
    yield f"retired: {len(answer['retired'])}, {sized(answer['bytes']['retired'])}"
    yield from (f"  {_line(one)}: {_since(one)}" for one in answer["retired"])
    yield f"kept: {len(answer['kept'])}, {sized(answer['bytes']['kept'])}"
    yield from (f"  {_line(one)}: {'; '.join(one['reasons'])}" for one in answer["kept"])
    yield from _inbox_lines(answer)
    for one in answer.get("images", ()):
        yield f"image {one['image']}: needed by {', '.join(one['releases'])}"
    for one in answer.get("applied", ()):
        reason = f": {one['reason']}" if one["reason"] else ""
        yield f"{one['release']} {one['became']}{reason}"
    if not answer.get("applied"):
        advice = "nothing is due" if "applied" in answer else "--apply retires what could be freed"
        yield f"nothing was changed; {advice}"


def _inbox_lines(answer: dict[str, Any]) -> Iterator[str]:
    """The folders that engineers pushed to and that the vault has copies of."""
    told = [one for kind in ("free", "retired", "kept") for one in answer[kind]]
    folders = [one["inbox"] for one in told if one["inbox"]["folder"]]
    if folders:
        yield (
            f"inbox, of which the vault has copies: {sized(answer['bytes']['inbox'])}; whoever may "
            "delete there may delete these"
        )
    yield from (f"  {one['folder']}/ {sized(one['bytes'])}" for one in folders)


def _line(one: dict[str, Any]) -> str:
    count = one["objects"]
    return (
        f"{one['release']} {sized(one['bytes'])}, {count} {'object' if count == 1 else 'objects'}"
    )


def _since(one: dict[str, Any]) -> str:
    retired = one["retired"]
    needed = f"; by now it would be kept: {'; '.join(one['reasons'])}" if one["reasons"] else ""
    if retired["expiring_since"]:
        goes = f"tagged to expire at {retired['expiring_since']}"
    else:
        goes = f"may be tagged to expire from {one['expires_from']}"
    return f"at {retired['at']} by {retired['by']}, {goes}{needed}"


def sized(count: float) -> str:
    """Bytes as people say them: `1.5 GB`."""
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.0f} {unit}" if unit == _UNITS[0] else f"{count:.1f} {unit}"
        count /= _STEP
    return f"{count:.1f} {_UNITS[-1]}"
