"""A model's release, built again as an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import blueprints
from cli.comparing import Comparing
from cli.errors import RefusedError
from cli.rebuilding import Wanted
from sluice.adapters.images import Images
from sluice.domain.blueprint import (
    BUCKET,
    IMAGE,
    NAME,
    PREFIX,
    ROLE,
    endpoint_template,
    identity,
    objection,
)
from sluice.domain.handing_over import endpoint_readme
from sluice.domain.manifest import placed
from sluice.domain.sameness import Places, own_places
from sluice.domain.verifying import Check, Unread
from sluice.examining import attempt

if TYPE_CHECKING:
    from cli.originals import Original
    from cli.there import There
    from sluice.domain.manifest import Manifest


@dataclass(frozen=True, slots=True)
class EndpointAgain:
    """Model, configuration and endpoint."""

    original: Original
    manifest: Manifest
    there: There
    key_arn: str
    """Of the key that the vault is encrypted with, or nothing."""

    def objection(self) -> str:
        """What no template can say."""
        return objection(self.manifest)

    def checks(self) -> list[Check]:
        """The image, in the release's own repository."""
        image = self.manifest.image
        present = attempt(lambda: Images(self.there.here.client("ecr")).present(image))
        found = present if isinstance(present, Unread) else (image if present else None)
        return [Check(f"image of {self.manifest.release} in its repository", image, found)]

    def files(self, caveats: list[str]) -> dict[str, bytes]:
        """Template, manifest, and how to deploy them."""
        readme = endpoint_readme(
            self.manifest,
            self.original.digest,
            package_arn=self.original.package.arn,
            key_arn=self.key_arn,
            caveats=caveats,
        )
        return blueprints.contents(self._template(), self.original.text, readme)

    def wanted(self, name: str) -> Wanted:
        """The stack. Raises UnusableError and RefusedError."""
        places = self._places()
        bucket, prefix = placed(places.folder)
        return Wanted(
            name=name,
            template=self._template(),
            parameters={
                NAME: name,
                ROLE: places.role,
                BUCKET: bucket,
                PREFIX: prefix,
                IMAGE: places.image,
            },
            identity=identity(self.manifest, self.original.digest),
        )

    def sameness(self, name: str) -> tuple[list[Check], list[str]]:
        """All that SageMaker describes."""
        here, there = self.there.here.client("sagemaker"), self.there.client("sagemaker")
        return Comparing(here, there).checks(self.original, self.manifest, name, self._places())

    def _template(self) -> str:
        return blueprints.spelled(endpoint_template(self.manifest, self.original.digest))

    def _places(self) -> Places:
        options = self.there.options
        role = options.role or self.manifest.config.execution_role_arn
        role = role or self.there.here.serving_role()
        own = own_places(self.manifest, self.original.digest, role=role)
        image = options.image or own.image
        if image.rpartition("@")[2] != own.image.rpartition("@")[2]:
            raise RefusedError(f"--image {image}: the release's is {own.image}")
        return Places(role, self.there.folder(own.folder), image)
