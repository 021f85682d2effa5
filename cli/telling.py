"""Text for a terminal: what others wrote is shown, and does nothing there."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """The text with every control and formatting character written out; tabs and ends of lines too.

    Prompts, reasons and names come from others: none may move a cursor, or turn a line around.
    """
    return "".join(map(_shown, text))


def shown(text: str) -> str:
    """The same of a text of several lines: their ends alone stay what they are."""
    return "\n".join(map(plain, text.split("\n")))


def say(line: str) -> None:
    """Print one line of a command's answer."""
    print(plain(line))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"}:
        return character
    return character.encode("unicode_escape").decode()
