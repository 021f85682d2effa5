"""Moments as people write them: with a zone, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.errors import UnusableError


def moment(text: str, option: str) -> datetime:
    """The moment that `text` names, in UTC. Raises UnusableError where that is not one moment."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        form = "2026-05-03T14:00Z, or 2026-05-03T16:00+02:00"
        message = f"{option} {text!r} is no time: write it as {form}"
        raise UnusableError(message) from error
    if found.tzinfo is None:
        plain = found.isoformat(timespec="minutes" if not found.second else "auto")
        message = f"{option} {text!r} has no zone: write {plain}Z for UTC, or {plain}+02:00"
        raise UnusableError(message)
    return found.astimezone(UTC)
