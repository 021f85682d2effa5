"""An application's release, built again as a function with its alias."""

from __future__ import annotations

import base64
import hashlib
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli import blueprints
from cli.errors import RefusedError, UnusableError
from cli.rebuilding import Wanted
from sluice.domain import names
from sluice.domain.application_blueprint import (
    CODE_BUCKET,
    CODE_KEY,
    FUNCTION_NAME,
    application_template,
    version_objection,
)
from sluice.domain.blueprint import BUCKET, PREFIX, ROLE, identity, vault_folder
from sluice.domain.handing_over import application_readme, lost_function
from sluice.domain.manifest import MANIFEST, placed
from sluice.domain.sameness import version_checks
from sluice.domain.serving import serving
from sluice.domain.verifying import Check

if TYPE_CHECKING:
    from cli.originals import Original
    from cli.there import There
    from sluice.domain.bedrock_manifest import BedrockManifest

CODE = "code.zip"
_SECONDS = 60
_ABSENT = "ResourceNotFoundException"


@dataclass(frozen=True)
class ApplicationAgain:
    """A function, one version of it, and the alias `live`."""

    original: Original
    manifest: BedrockManifest
    there: There

    def objection(self) -> str:
        """What no template can say; that its code was never captured."""
        if self.manifest.code is None:
            return "it was registered before the code of its function was captured"
        if self.there.options.name == self.manifest.code.function:
            return f"{self.manifest.code.function} is the application's own function"
        return version_objection(self.version) if self.version else ""

    def checks(self) -> list[Check]:
        """The version of the function that serves the release: only it knows the rest."""
        version = self.version
        if version is None:
            raise RefusedError(lost_function(self.manifest))
        code = self.manifest.code
        of = f"version {version['Version']} of {version['FunctionName']}"
        layers = [one["Arn"] for one in version.get("Layers") or []]
        return [
            Check(f"code of {of}", code.sha256 if code else "", version["CodeSha256"]),
            Check(f"layers of {of}", list(code.layers) if code else [], layers),
        ]

    def files(self, caveats: list[str]) -> dict[str, bytes]:
        """Template, manifest, the function's code, and how to deploy them."""
        readme = application_readme(
            self.manifest, self.original.digest, package_arn=self.original.package.arn
        )
        del caveats  # of an application's texts all are proved: each has its SHA-256
        more = {CODE: self._code}
        return blueprints.contents(self._template(), self.original.text, readme, **more)

    def wanted(self, name: str) -> Wanted:
        """The stack; its code is put where `--code` says. Raises UnusableError."""
        place = self.there.options.code
        bucket, key = placed(place)
        if not place.startswith("s3://") or not key:
            message = "an application's code goes into a bucket first: say --code s3://BUCKET/KEY"
            raise UnusableError(message)
        self.there.client("s3").put_object(Bucket=bucket, Key=key, Body=self._code)
        vault, prefix = placed(self._folder)
        return Wanted(
            name=name,
            template=self._template(),
            parameters={
                FUNCTION_NAME: name,
                ROLE: self._role,
                CODE_BUCKET: bucket,
                CODE_KEY: key,
                BUCKET: vault,
                PREFIX: prefix,
            },
            identity=identity(self.manifest, self.original.digest),
        )

    def sameness(self, name: str) -> tuple[list[Check], list[str]]:
        """All that Lambda describes of the version behind the alias."""
        found = self._described(self.there.client("lambda"), name, names.LIVE)
        if found is None:
            return [Check(f"alias {names.LIVE} of {name}", str(self.manifest.release), None)], []
        told = serving(f"{self._folder}{MANIFEST}", self.original.digest)
        notes = [] if self.version else [lost_function(self.manifest)]
        before = {**self.version, "Role": self._role} if self.version else None
        return list(version_checks(self.manifest, told, before, found)), notes

    @cached_property
    def version(self) -> dict[str, Any] | None:
        """The newest version that serves the release with the code approved; None where gone."""
        client, code = self.there.here.client("lambda"), self.manifest.code
        said = serving(self.original.uri, self.original.digest)
        if code is None:
            return None
        pages = client.get_paginator("list_versions_by_function").paginate(
            FunctionName=code.function
        )
        try:
            listed = [one for page in pages for one in page["Versions"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == _ABSENT:
                return None
            raise
        for one in reversed(listed):
            if one["CodeSha256"] == code.sha256 and one["Version"] != names.LATEST:
                variables = (one.get("Environment") or {}).get("Variables", {})
                if variables.get(names.VERSION_VARIABLE) == said:
                    return self._described(client, code.function, one["Version"])
        return None

    @cached_property
    def _code(self) -> bytes:
        """The deployment package, with the digest that was approved."""
        version, code = self.version, self.manifest.code
        if version is None or code is None:
            raise RefusedError(lost_function(self.manifest))
        found = self.there.here.client("lambda").get_function(
            FunctionName=code.function, Qualifier=version["Version"]
        )
        with urllib.request.urlopen(found["Code"]["Location"], timeout=_SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if digest != code.sha256:
            raise RefusedError(f"the code of {code.function} has {digest}, not {code.sha256}")
        return content

    @property
    def _role(self) -> str:
        role = self.there.options.role or (self.version or {}).get("Role", "")
        if not role:
            message = "what the function runs as is known to nobody any more: say --role"
            raise UnusableError(message)
        return str(role)

    @property
    def _folder(self) -> str:
        own = f"s3://{self.manifest.bucket}/{vault_folder(self.manifest, self.original.digest)}"
        return self.there.folder(own)

    def _template(self) -> str:
        template = application_template(self.manifest, self.original.digest, self.version or {})
        return blueprints.spelled(template)

    @staticmethod
    def _described(client: Any, function: str, qualifier: str) -> dict[str, Any] | None:
        try:
            return dict(
                client.get_function_configuration(FunctionName=function, Qualifier=qualifier)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == _ABSENT:
                return None
            raise
