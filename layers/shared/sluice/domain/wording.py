"""The texts that a release is made of, and how two of them differ, line by line."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROMPT, SYSTEM_PROMPT, AGENT = "prompt template", "system prompt", "agent config"
BODY = "smoke test's body"
_NO_NEWLINE = "\\ No newline at end of file"


def texts_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The files of the release that are texts, by what they are to it."""
    config = manifest.get("config") or {}
    named = {
        PROMPT: config.get("prompt_template_file"),
        SYSTEM_PROMPT: config.get("system_prompt_file"),
        AGENT: config.get("agent_config_file"),
        **{f"script {one['file']}": one["file"] for one in config.get("inference_scripts") or ()},
        BODY: (config.get("smoke_test") or {}).get("body_file"),
    }
    return {role: file for role, file in named.items() if file}


def text_diff(before: str, after: str, *, names: tuple[str, str]) -> tuple[str, ...]:
    """The unified diff of two texts, without ends of lines; nothing if they are the same.

    Lines end at line feeds alone: whatever else a text holds belongs to its lines.
    """
    lines = unified_diff(_lines(before), _lines(after), *names)
    return tuple(part for line in lines for part in _parts(line))


def _lines(text: str) -> list[str]:
    *whole, last = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([last] if last else [])]


def _parts(line: str) -> Iterator[str]:
    if line.endswith("\n"):
        yield line[:-1]
    else:
        yield line
        yield _NO_NEWLINE
