"""`sluice audit`: whether histories are those that were written, in the ledger or in a bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cli.errors import DONE, NO, UnusableError, unknown
from cli.stack import Connection, target_named
from cli.telling import say
from sluice.adapters.ledger.histories import GrowingError, Histories
from sluice.adapters.ledger.targets import Targets
from sluice.domain import strict_json
from sluice.domain.auditing import audit
from sluice.domain.recorded import Bundle
from sluice.domain.values import SCHEMA_VERSION, iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.adapters.ledger.table import Table
    from sluice.domain.recorded import Flaw, Recorded


def check(options: Namespace) -> int:
    """0 when every history asked for is sound, 1 when one is not. Raises UnusableError."""
    recorded = _unpacked(options) if options.from_bundle else _read(options)
    if options.bundle:
        _write(Path(options.bundle), recorded)
    found = [(one, audit(one)) for one in recorded]
    if options.json:
        print(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        for one, flaws in found:
            _tell(one, flaws)
    return NO if any(flaws for _, flaws in found) else DONE


def _read(options: Namespace) -> tuple[Recorded, ...]:
    """The histories of the targets that are asked for, from the ledger."""
    if bool(options.target) == options.all:
        message = "say which: either a TARGET, or --all, or --from-bundle FILE"
        raise UnusableError(message)
    table = Connection(options).table()
    targets = Targets(table).known() if options.all else (target_named(options.target),)
    if not targets:
        message = "the ledger knows no target: nothing was ever approved"
        raise UnusableError(message)
    return tuple(history_of(table, one) for one in targets)


def history_of(table: Table, target: str) -> Recorded:
    """What the ledger has recorded of the target. Raises UnusableError where that is nothing."""
    try:
        recorded = Histories(table).read(target)
    except GrowingError as error:
        raise UnusableError(str(error)) from error
    if recorded is None:
        raise unknown(target)
    return recorded


def _unpacked(options: Namespace) -> tuple[Recorded, ...]:
    """The histories in a bundle: of the one target that is named, or all of them."""
    path = Path(options.from_bundle)
    try:
        bundle = Bundle.model_validate(strict_json.parse(path.read_bytes()))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UnusableError(message) from error
    except (strict_json.MalformedJsonError, ValidationError) as error:
        message = f"{path} is no bundle of `sluice audit --bundle`: {error}"
        raise UnusableError(message) from error
    if bundle.schema_version > SCHEMA_VERSION:
        message = f"{path} was written by a newer Sluice: audit it with that one"
        raise UnusableError(message)
    wanted = target_named(options.target) if options.target else ""
    found = tuple(one for one in bundle.recorded if wanted in {"", one.target})
    if not found:
        message = f"{path} holds nothing of {wanted or 'any target'}"
        raise UnusableError(message)
    return found


def _write(path: Path, recorded: tuple[Recorded, ...]) -> None:
    """Write the bundle to a new file: what was kept as evidence is not written over."""
    bundle = Bundle(made_at=datetime.now(UTC), recorded=recorded)
    document = bundle.model_dump() | {"made_at": iso(bundle.made_at)}
    text = json.dumps(document, indent=1, ensure_ascii=False, default=repr)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        message = f"{path} is not written: {error.strerror}; name a new file"
        raise UnusableError(message) from error


def _tell(recorded: Recorded, flaws: tuple[Flaw, ...]) -> None:
    said = f"{len(flaws)} {'flaw' if len(flaws) == 1 else 'flaws'}" if flaws else "sound"
    head = _head(recorded)
    say(f"{recorded.target}: {said}; {head['entries']} entries, head {head['hash'] or 'none'}")
    for flaw in flaws:
        say(f"  {flaw}")


def _document(found: list[tuple[Recorded, tuple[Flaw, ...]]]) -> dict[str, Any]:
    return {
        "sound": not any(flaws for _, flaws in found),
        "targets": [
            {
                "target": one.target,
                **_head(one),
                "flaws": [flaw.model_dump(mode="json") for flaw in flaws],
            }
            for one, flaws in found
        ],
    }


def _head(recorded: Recorded) -> dict[str, Any]:
    """How long the history is, and the hash that it ends with: to be noted down elsewhere."""
    newest = recorded.history[-1] if recorded.history else {}
    return {"entries": len(recorded.history), "hash": str(newest.get("hash", ""))}
