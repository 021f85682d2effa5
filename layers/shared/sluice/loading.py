"""The release that a version of the function serves: read once, verified, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.served import parse_served, served, verify
from sluice.domain.serving import parse_serving
from sluice.observability import logger

if TYPE_CHECKING:
    from sluice.adapters.texts import Texts
    from sluice.domain.served import Served


class NoReleaseError(Exception):
    """The version was published to serve no release."""


class Loading:
    """What the variable `SLUICE_VERSION` leads to.

    What is in the vault never changes, and what the variable says is one version's for ever: once
    read, it is never read again.
    """

    def __init__(self, texts: Texts, said: str) -> None:
        self._texts = texts
        self._said = said
        self._kept: Served | None = None

    @property
    def version(self) -> str:
        """`support-v3`, by where its manifest lies; nothing without a release."""
        try:
            return parse_serving(self._said).version
        except ValueError:
            return ""

    def warm(self) -> None:
        """Read ahead of the first request, which is told if that fails, and tries again."""
        if not self._said:
            return
        try:
            self.served()
        except Exception:
            logger.exception("release not loaded", version=self.version)

    def served(self) -> Served:
        """The release.

        Raises NoReleaseError, UnfitReleaseError, ValueError for a variable that names no manifest,
        and what S3 does.
        """
        if self._kept is None:
            self._kept = self._read()
        return self._kept

    def _read(self) -> Served:
        if not self._said:
            message = "no version is released: approve one, and ask again when it is rolled out"
            raise NoReleaseError(message)
        said = parse_serving(self._said)
        manifest = parse_served(self._texts.read(said.bucket, said.key), digest=said.digest)
        texts = {}
        for name, digest in manifest.texts.items():
            texts[name] = self._texts.read(said.bucket, said.beside(name))
            verify(texts[name], digest, name=name)
        return served(manifest, texts)
