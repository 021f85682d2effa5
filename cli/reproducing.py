"""`sluice reproduce`: a release built again from vault and registry, and proved to be the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

from cli import blueprints
from cli.comparing import Comparing
from cli.errors import DONE, NO, TOO_LATE, RefusedError, UnusableError
from cli.originals import Originals
from cli.rebuilding import Rebuilding, TooLateError, Wanted
from cli.stack import Connection
from cli.telling import say
from sluice.domain.blueprint import (
    BUCKET,
    IMAGE,
    NAME,
    PREFIX,
    ROLE,
    endpoint_template,
    identity,
    name_objection,
    objection,
    reproduced_name,
)
from sluice.domain.handing_over import endpoint_readme
from sluice.domain.manifest import Manifest
from sluice.domain.release import ApprovalStatus
from sluice.domain.sameness import Places, own_places
from sluice.domain.verifying import Severity, findings

if TYPE_CHECKING:
    from argparse import Namespace

    from cli.originals import Original
    from sluice.domain.verifying import Check, Finding

_S3 = "s3://"


def reproduce(options: Namespace) -> int:
    """0: written, deployed, the same; 1: it is not, or is refused; 3: not in time, or unread.

    Raises UnusableError and RefusedError.
    """
    return Reproducing(options).carry_out()


class Reproducing:
    """One release, and what is asked of it."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._connection = Connection(options)
        self._originals = Originals(self._connection)
        self._answer: dict[str, Any] = {}

    def carry_out(self) -> int:
        """Check, write, deploy, compare: as far as it is asked, and as it goes well."""
        options = self._options
        original = self._originals.named(options.release)
        manifest = original.manifest
        if not isinstance(manifest, Manifest):
            message = f"{original.release} is a version of an application"
            raise UnusableError(message)
        name = options.name or reproduced_name(original.release)
        wrong = name_objection(name, target=manifest.target) or objection(manifest)
        if wrong:
            raise RefusedError(wrong)
        self._answer = {"release": str(original.release), "digest": original.digest, "name": name}
        if not options.check:
            checks, caveats = self._originals.checks(original)
            kept = self._originals.ledger(original)
            notes, more = ([kept], []) if isinstance(kept, str) else ([], kept)
            code = self._found("as captured", [*checks, *more], [*caveats, *notes])
            if code != DONE:
                return self._end(code)
            self._write(original, manifest, caveats)
            if not options.deploy:
                return self._end(DONE)
        places = self._places(original, manifest)
        if options.deploy and (late := self._deploy(original, manifest, name, places)):
            return self._end(late)
        here, there = self._connection.client("sagemaker"), self._there("sagemaker")
        checks, notes = Comparing(here, there).checks(original, manifest, name, places)
        return self._end(self._found("the same", checks, notes))

    def _write(self, original: Original, manifest: Manifest, caveats: list[str]) -> None:
        readme = endpoint_readme(
            manifest,
            original.digest,
            package_arn=original.package.arn,
            key_arn=self._originals.encrypted_with(original),
            caveats=caveats,
        )
        files = blueprints.contents(self._template(original, manifest), original.text, readme)
        folder = self._options.output or str(original.release)
        told = blueprints.write(folder, files)
        self._answer |= {"folder": folder, "files": sorted(files)}
        self._say(told)

    def _template(self, original: Original, manifest: Manifest) -> str:
        return blueprints.spelled(endpoint_template(manifest, original.digest))

    def _deploy(
        self, original: Original, manifest: Manifest, name: str, places: Places
    ) -> int | None:
        """The exit code where it is not done in time. Raises RefusedError."""
        if original.package.approval is not ApprovalStatus.APPROVED:
            said = f"its package is {original.package.approval}"
            raise RefusedError(f"{original.release} is not deployed: {said}")
        bucket, _, prefix = places.folder.removeprefix(_S3).partition("/")
        wanted = Wanted(
            name=name,
            template=self._template(original, manifest),
            parameters={
                NAME: name,
                ROLE: places.role,
                BUCKET: bucket,
                PREFIX: prefix,
                IMAGE: places.image,
            },
            identity=identity(manifest, original.digest),
        )
        options = self._options
        rebuilding = Rebuilding(
            self._there("cloudformation"), minutes=options.timeout, every=options.every
        )
        try:
            done = rebuilding.deploy(wanted)
        except TooLateError as error:
            self._say(str(error))
            self._answer["stack"] = "InProgress"
            return TOO_LATE
        self._answer["stack"] = done
        self._say(f"stack {name}: {done}")
        return None

    def _places(self, original: Original, manifest: Manifest) -> Places:
        """Where the reproduction has everything from. Raises UnusableError, RefusedError."""
        options = self._options
        role = options.role or manifest.config.execution_role_arn or self._connection.serving_role()
        own = own_places(manifest, original.digest, role=role)
        folder, image = options.vault or own.folder, options.image or own.image
        if not folder.startswith(_S3) or not folder.endswith("/"):
            message = f"--vault {folder}: write s3://BUCKET/FOLDER/ with its last slash"
            raise UnusableError(message)
        if image.rpartition("@")[2] != own.image.rpartition("@")[2]:
            raise RefusedError(f"--image {image}: the release's is {own.image}")
        return Places(role, folder, image)

    def _there(self, service: str) -> Any:
        """A client of the account and Region that the reproduction is in."""
        options = self._options
        if not options.profile and not options.to_region:
            return self._connection.client(service)
        session = boto3.Session(
            profile_name=options.profile or None,
            region_name=options.to_region or options.region or None,
        )
        return session.client(service)  # type: ignore[call-overload]

    def _found(self, well: str, checks: list[Check], notes: list[str]) -> int:
        """Say what is not as it should be; the exit code that this comes to."""
        found = findings(checks)
        self._answer.setdefault("findings", []).extend(one.model_dump(mode="json") for one in found)
        self._answer.setdefault("notes", []).extend(notes)
        self._answer[well.replace(" ", "_")] = not found
        head = f"{self._answer['release']}: {len(found) or 'nothing'} amiss"
        self._say(f"{head}, of {len(checks)} things compared; {well}: {'no' if found else 'yes'}")
        for note in notes:
            self._say(f"  {note}")
        for one in found:
            self._say(f"  {one.severity}: {one.what}: expected {one.expected}, found {one.found}")
        return _code(found)

    def _say(self, line: str) -> None:
        if not self._options.json:
            say(line)

    def _end(self, code: int) -> int:
        if self._options.json:
            print(json.dumps(self._answer, indent=2, ensure_ascii=False))
        return code


def _code(found: tuple[Finding, ...]) -> int:
    if any(one.severity is not Severity.UNREADABLE for one in found):
        return NO
    return TOO_LATE if found else DONE
