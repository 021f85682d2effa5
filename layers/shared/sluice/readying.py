"""Whether a target could go back: everything that a rollback needs of a release, read again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sluice.domain.hosting import catalogue_check, function_checks
from sluice.domain.manifest import Manifest
from sluice.domain.packaged import package_checks
from sluice.domain.readiness import (
    Readiness,
    key_check,
    landings,
    probe_check,
    role_checks,
    status_check,
)
from sluice.domain.release import ApprovalStatus
from sluice.domain.serving import parse_serving, serving
from sluice.domain.verifying import (
    Check,
    Packaged,
    findings,
    ledger_checks,
    signature_check,
)
from sluice.examining import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sluice.adapters.probes import Probes
    from sluice.adapters.roles import Roles
    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.verifying import Unread
    from sluice.examining import Examining

type Package = Packaged | Unread | None
type Landings = tuple[tuple[Deployed, Package], ...]


@dataclass(frozen=True, slots=True)
class Readying:
    """Which releases a target could go back to. Nothing is changed; a probe costs a few tokens."""

    examining: Examining
    roles: Roles
    probes: Probes
    listed: frozenset[str] | None = None
    """What models may run as beside the serving role; None where nobody knows."""

    def look(self, landings: Landings, *, at: datetime) -> tuple[Readiness, ...]:
        """What stands in the way of going back to each of them."""
        looked = ((one.release, tuple(self._checks(one, by, at=at))) for one, by in landings)
        return tuple(
            Readiness(release=name, findings=findings(checks), checks=checks)
            for name, checks in looked
        )

    def landings(self, state: TargetState) -> Landings:
        """Every release that the target may have to go back to, best first, with its package.

        One that is unread may be approved: it is told as such.
        """
        home = state.rollout.home if state.rollout else None
        known = (home, state.live, *state.last_good)
        arns = {one.release: one.package_arn for one in known if one}
        packages = {name: self.examining.package(arn) for name, arn in arns.items()}
        approved = {name for name, one in packages.items() if _may_be_approved(one)}
        return tuple((one, packages[one.release]) for one in landings(state, approved))

    def _checks(self, one: Deployed, package: Package, *, at: datetime) -> Iterator[Check]:
        key = self._key(one)
        yield key
        capture = self.examining.capture(one)
        manifest, kept = capture.manifest, capture.kept
        locked = key.expected != key.found
        unread = replace(kept, vaulted=capture.digest) if locked else kept
        yield from ledger_checks(one, unread, manifest)
        if manifest is None:
            return
        yield from package_checks(one, manifest, capture.digest, package)
        if not locked:
            yield signature_check(manifest, self.examining.unsigned(one, capture))
            yield from self.examining.vaulted(manifest, capture)
        if isinstance(manifest, Manifest):
            yield from self._model(manifest)
        else:
            yield from self._application(one, manifest, capture.digest, at=at)

    def _key(self, one: Deployed) -> Check:
        place = parse_serving(serving(one.manifest_uri, one.digest))
        vault = self.examining.vault
        return key_check(one.release, attempt(lambda: vault.key_complaint(place.bucket, place.key)))

    def _model(self, manifest: Manifest) -> Iterator[Check]:
        """What its model is made from again."""
        image = f"image of {manifest.release} in its repository"
        yield Check(image, manifest.image, self.examining.image(manifest.image))
        serving_role = self.examining.role()
        role = manifest.config.execution_role_arn or serving_role
        if not isinstance(role, str):
            yield Check(f"role of {manifest.release}", "the stack's serving role", role)
            return
        own = {serving_role} if isinstance(serving_role, str) else set[str]()
        listed = None if self.listed is None else self.listed | own
        exists = attempt(lambda: self.roles.exists(role))
        yield from role_checks(manifest.release, role, listed=listed, exists=exists)

    def _application(
        self, one: Deployed, manifest: BedrockManifest, digest: str, *, at: datetime
    ) -> Iterator[Check]:
        """The version that the alias would lead to, and the model that it asks."""
        examining, model_id = self.examining, manifest.config.model_id
        version = attempt(lambda: examining.versions.version(one.model, one.variant))
        yield from function_checks(one, manifest, digest, version)
        named = attempt(lambda: examining.catalogue.named(model_id))
        known = catalogue_check(manifest, named, at=at)
        yield known
        if known.expected != known.found or not isinstance(named, tuple) or named[0] is None:
            return
        yield status_check(manifest.release, named[0])
        probed = self.probes.ask(manifest.model, manifest.config.inference_config)
        yield probe_check(manifest.release, model_id, probed)


def _may_be_approved(package: Package) -> bool:
    """Whether a rollback could land there as far as is known: one that is unread is told."""
    if isinstance(package, Packaged):
        return package.approval is ApprovalStatus.APPROVED
    return package is not None
