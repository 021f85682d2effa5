"""Where a reproduction is built: another account or Region, or the release's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from cli.errors import UnusableError
from cli.holdings import Holdings
from sluice.domain.manifest import placed

if TYPE_CHECKING:
    from argparse import Namespace

    from cli.stack import Connection
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.verifying import Check

_S3 = "s3://"


@dataclass(frozen=True, slots=True)
class There:
    """What the command line says of it."""

    options: Namespace
    here: Connection

    def client(self, service: str) -> Any:
        """A client of that account and Region."""
        options = self.options
        if not options.profile and not options.to_region:
            return self.here.client(service)
        session = boto3.Session(
            profile_name=options.profile or None,
            region_name=options.to_region or options.region or None,
        )
        return session.client(service)  # type: ignore[call-overload]

    def folder(self, own: str) -> str:
        """The folder that has the release's objects there. Raises UnusableError."""
        folder = self.options.vault or own
        if not folder.startswith(_S3) or not folder.endswith("/"):
            message = f"--vault {folder}: write s3://BUCKET/FOLDER/ with its last slash"
            raise UnusableError(message)
        return str(folder)

    def copied(self, manifest: AnyManifest, digest: str) -> list[Check]:
        """The objects in a copy of the release's folder; nothing where none is named."""
        if not self.options.vault:
            return []
        bucket, folder = placed(self.folder(""))
        return Holdings(self.client("s3"), bucket, folder).checks(manifest, digest)[0]
