"""What a version of an application's function is told of the release that it serves.

One environment variable, `names.VERSION_VARIABLE`, is the contract with whatever function answers
for an application: where its manifest lies, and which bytes that must be.
"""

from __future__ import annotations

import re

from sluice.domain.values import Value

_SERVING = re.compile(r"s3://(?P<bucket>[^/#]+)/(?P<key>[^#]+)#(?P<digest>[0-9a-f]{64})")


class Serving(Value):
    """The release that a version of a function serves."""

    bucket: str
    key: str
    """Of the manifest; the texts it names lie in the same folder of the vault."""
    digest: str
    """SHA-256 of the manifest's bytes, 64 hex digits."""

    @property
    def version(self) -> str:
        """The release's name, `support-v3`, by the vault's folder that the manifest lies in."""
        *_, group, folder, _ = ("", "", *self.key.split("/"))
        return f"{group}-{folder.partition('-')[0]}"

    def beside(self, name: str) -> str:
        """The key of another object of the release."""
        return f"{self.key.rpartition('/')[0]}/{name}"


def serving(manifest_uri: str, digest: str) -> str:
    """What the variable says of a release: `parse_serving` reads it back."""
    return f"{manifest_uri}#{digest}"


def parse_serving(text: str) -> Serving:
    """The release that the variable names. Raises ValueError for anything `serving` did not say."""
    found = _SERVING.fullmatch(text)
    if found is None:
        message = f"{text!r} is not s3://bucket/key of a manifest, #, and its SHA-256 in 64 digits"
        raise ValueError(message)
    return Serving(**found.groupdict())
