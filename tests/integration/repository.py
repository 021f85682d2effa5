"""A Git repository as an engineer has it, with the configuration of an application in it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from tests.builders import EVALUATION_RESULTS
from tests.integration.configs import PUBLISHED

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = "Passages:\n{{context}}\n\nQuestion: {{question}}\n"
SYSTEM = "Answer from the passages alone.\n"
APPLICATION = "assistant"
_NOBODYS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{
        f"GIT_{who}_{what}": f"ana{sign}"
        for who, what, sign in (
            ("AUTHOR", "NAME", ""),
            ("AUTHOR", "EMAIL", "@example.com"),
            ("COMMITTER", "NAME", ""),
            ("COMMITTER", "EMAIL", "@example.com"),
        )
    },
}


class Repository:
    """A work tree; every file is written below it and committed when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def config(self) -> Path:
        """The configuration, as the seed of such repositories has it."""
        return self.folder / "config" / "bedrock-config.json"

    def git(self, *arguments: str) -> str:
        """What Git answers."""
        asked = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **_NOBODYS},
            capture_output=True,
            text=True,
            check=True,
        )
        return asked.stdout.strip()

    def write(self, name: str, content: Any) -> Path:
        """A file of the work tree: bytes, text, or anything else as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def commit(self, why: str = "change") -> str:
        """Commit everything; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", why)
        return self.git("rev-parse", "HEAD")

    def configure(self, **changes: Any) -> str:
        """Write an application's whole configuration and commit it; the commit."""
        config = {
            **PUBLISHED,
            "application": APPLICATION,
            "system_prompt_file": "prompts/system-prompt.txt",
            **changes,
        }
        self.write("config/bedrock-config.json", {k: v for k, v in config.items() if v is not ...})
        self.write("prompts/rag-prompt-template.txt", TEMPLATE)
        self.write("prompts/system-prompt.txt", SYSTEM)
        self.write("evaluation-results.json", EVALUATION_RESULTS)
        return self.commit()
