"""What Git knows of the files that are pushed: the commit, and their bytes in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cli.errors import UnusableError

_LINK = "120000"


class NotCommittedError(Exception):
    """The file is not in the commit as it lies in the work tree; the message says how so."""


class AbsentError(NotCommittedError):
    """The commit has no such file."""


class WorkTree:
    """The Git work tree around a folder, at the commit that is checked out."""

    def __init__(self, folder: Path) -> None:
        """Raises UnusableError where there is no work tree, or no commit in it."""
        self._folder = folder.resolve()
        top = self._ask("rev-parse", "--show-toplevel").decode().rstrip("\n")
        self.top = Path(top).resolve()
        self.commit = self._ask("rev-parse", "--verify", "HEAD^{commit}").decode().strip()

    def committed(self, path: Path) -> bytes:
        """The file's bytes in the commit. Raises AbsentError, NotCommittedError.

        The bytes are Git's own, whatever the checkout makes of line ends; that the work tree's
        file is the same, Git says.
        """
        name = self.name(path)
        listed = self._ask("ls-tree", "-z", "--full-tree", "HEAD", "--", name).decode()
        mode, kind, blob = [*listed.partition("\t")[0].split(), "", "", ""][:3]
        if kind != "blob":
            raise AbsentError(f"{name} is not in commit {self.commit[:12]}")
        if mode == _LINK:
            raise NotCommittedError(f"{name} is a symbolic link: push the file itself")
        if self._ask("hash-object", "--", name).decode().strip() != blob:
            raise NotCommittedError(f"{name} has changes that are not committed")
        return self._ask("cat-file", "blob", blob)

    def changed(self) -> list[str]:
        """The files that Git tracks and that are not as the commit has them."""
        told = self._ask("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        return [entry[3:] for entry in told.decode(errors="replace").split("\0") if entry]

    def name(self, path: Path) -> str:
        """How Git calls a file. Raises AbsentError for one outside the work tree."""
        try:
            return path.relative_to(self.top).as_posix()
        except ValueError as error:
            raise AbsentError(f"{path} is not in the work tree {self.top}") from error

    def _ask(self, *arguments: str) -> bytes:
        where = getattr(self, "top", self._folder)
        try:
            asked = subprocess.run(  # noqa: S603 - our own argument lists, no shell
                ["git", "--literal-pathspecs", *arguments],  # noqa: S607 - the person's own git
                cwd=where,
                env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
                capture_output=True,
                check=False,
            )
        except OSError as error:
            message = f"git cannot be run in {where}: {error}; install it, or put it on the PATH"
            raise UnusableError(message) from error
        if asked.returncode:
            said = asked.stderr.decode(errors="replace").strip()
            message = f"what is pushed is named after its Git commit, and there is none: {said}"
            raise UnusableError(message)
        return asked.stdout
