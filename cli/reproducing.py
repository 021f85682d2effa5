"""`sluice reproduce`: a release built again from vault and registry, and proved to be the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from cli import blueprints
from cli.applications import ApplicationAgain
from cli.endpoints import EndpointAgain
from cli.errors import DONE, TOO_LATE, RefusedError
from cli.findings import exit_code, line
from cli.originals import Originals
from cli.rebuilding import Rebuilding, TooLateError
from cli.stack import Connection
from cli.telling import say
from cli.there import There
from sluice.domain.attestation import ENVELOPE
from sluice.domain.blueprint import name_objection, reproduced_name
from sluice.domain.manifest import Manifest
from sluice.domain.release import ApprovalStatus
from sluice.domain.verifying import findings

if TYPE_CHECKING:
    from argparse import Namespace

    from cli.originals import Original
    from cli.rebuilding import Wanted
    from sluice.domain.verifying import Check


def reproduce(options: Namespace) -> int:
    """0: written, deployed, the same; 1: it is not, or is refused; 3: not in time, or unread.

    Raises UnusableError and RefusedError.
    """
    return Reproducing(options).carry_out()


class Again(Protocol):
    """What one kind of release is built again as."""

    def objection(self) -> str:
        """Why it cannot be, or nothing."""

    def checks(self) -> list[Check]:
        """What must be there beside vault and package."""

    def files(self, caveats: list[str]) -> dict[str, bytes]:
        """The blueprint. Raises UnusableError and RefusedError."""

    def wanted(self, name: str) -> Wanted:
        """The stack; whatever it takes its code from is put there."""

    def sameness(self, name: str) -> tuple[list[Check], list[str]]:
        """The reproduction beside manifest and original; what else is to be said."""


class Reproducing:
    """One release, and what is asked of it."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._connection = Connection(options)
        self._there = There(options, self._connection)
        self._originals = Originals(self._connection)
        self._answer: dict[str, Any] = {}

    def carry_out(self) -> int:
        """Check, write, deploy, compare: as far as it is asked, and as it goes well."""
        options = self._options
        original = self._originals.named(options.release)
        again = self._again(original)
        name = options.name or reproduced_name(original.release)
        wrong = name_objection(name, target=original.manifest.target) or again.objection()
        if wrong:
            raise RefusedError(wrong)
        self._answer = {"release": str(original.release), "digest": original.digest, "name": name}
        if not options.check:
            code = self._written(original, again)
            if code != DONE or not options.deploy:
                return self._end(code)
        if options.deploy and (late := self._deploy(original, again.wanted(name))):
            return self._end(late)
        checks, notes = again.sameness(name)
        checks += self._there.copied(original.manifest, original.digest)
        return self._end(self._found("the same", checks, notes))

    def _again(self, original: Original) -> Again:
        if isinstance(original.manifest, Manifest):
            key = self._originals.encrypted_with(original)
            return EndpointAgain(original, original.manifest, self._there, key_arn=key)
        return ApplicationAgain(original, original.manifest, self._there)

    def _written(self, original: Original, again: Again) -> int:
        checks, caveats = self._originals.checks(original)
        kept = self._originals.ledger(original)
        notes, more = ([kept], []) if isinstance(kept, str) else ([], kept)
        copied = self._there.copied(original.manifest, original.digest)
        all_of = [*checks, *again.checks(), *copied, *more]
        if code := self._found("as captured", all_of, [*caveats, *notes]):
            return code
        files = again.files(caveats)
        if envelope := self._originals.envelope(original):
            files[ENVELOPE] = envelope
        folder = self._options.output or str(original.release)
        told = blueprints.write(folder, files)
        self._answer |= {"folder": folder, "files": sorted(files)}
        self._say(told)
        return DONE

    def _deploy(self, original: Original, wanted: Wanted) -> int:
        """DONE, or that it is not done in time. Raises RefusedError."""
        if original.package.approval is not ApprovalStatus.APPROVED:
            said = f"its package is {original.package.approval}"
            raise RefusedError(f"{original.release} is not deployed: {said}")
        options = self._options
        rebuilding = Rebuilding(
            self._there.client("cloudformation"), minutes=options.timeout, every=options.every
        )
        try:
            done = rebuilding.deploy(wanted)
        except TooLateError as error:
            self._say(str(error))
            self._answer["stack"] = "in progress"
            return TOO_LATE
        self._answer["stack"] = done
        self._say(f"stack {wanted.name}: {done}")
        return DONE

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
            self._say(line(one))
        return exit_code(found)

    def _say(self, line: str) -> None:
        if not self._options.json:
            say(line)

    def _end(self, code: int) -> int:
        if self._options.json:
            print(json.dumps(self._answer, indent=2, ensure_ascii=False))
        return code
