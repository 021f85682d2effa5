"""`sluice replay`: judge stored evidence again, and compare the answers byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cli.errors import DONE, NO, UnusableError
from cli.stack import Connection, target_named
from sluice.adapters.ledger.evidence import Evidences
from sluice.domain.judge import JudgeDocumentError
from sluice.domain.judging import Evidence, canonical

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator


def replay(options: Namespace) -> int:
    """0 when every verdict comes out as it was, 1 when one does not. Raises UnusableError."""
    results = [_replayed(name, text, options) for name, text in _stored(options)]
    if not results:
        message = f"no verdict is stored of {options.evidence}: see `sluice replay --help`"
        raise UnusableError(message)
    return DONE if all(results) else NO


def _stored(options: Namespace) -> Iterator[tuple[str, str]]:
    path = Path(options.evidence)
    if path.is_file():
        yield path.name, path.read_text(encoding="utf-8")
    elif path.suffix == ".json":
        message = f"{path} is no file: give one, or the name of a target"
        raise UnusableError(message)
    else:
        table = Connection(options).table()
        yield from Evidences(table).of(target_named(options.evidence), options.rollout)


def _replayed(name: str, text: str, options: Namespace) -> bool:
    try:
        stored = Evidence.model_validate_json(text)
        again = stored.replayed()
    except (ValidationError, JudgeDocumentError) as error:
        message = f"{name} is no evidence: {error}"
        raise UnusableError(message) from error
    if options.save:
        folder = Path(options.save)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name.replace('/', '_').removesuffix('.json')}.json").write_text(
            text, encoding="utf-8"
        )
    before, now = canonical(stored.answer), canonical(again.answer)
    same = before == now
    print(f"{name}: {'the same' if same else 'DIFFERENT'}: {stored.answer['reason']}")
    if not same:
        print(f"{name}: now: {again.answer['reason']}")
    return same
