"""Everything about a target, read again and held against what was approved: checks and findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.hosting import (
    Hosted,
    behind_checks,
    catalogue_check,
    expected,
    fleet_check,
    function_checks,
    leaving,
    model_checks,
    traffic_checks,
)
from sluice.domain.manifest import Manifest
from sluice.domain.packaged import package_checks
from sluice.domain.release import System
from sluice.domain.verifying import (
    Check,
    Unread,
    findings,
    ledger_checks,
    record_check,
    signature_check,
    state_checks,
)
from sluice.domain.watching import EndpointView
from sluice.examining import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from datetime import datetime

    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.verifying import Finding
    from sluice.examining import Examined, Examining


@dataclass(frozen=True, slots=True)
class Verifying:
    """Whether what serves a target is what was approved."""

    examining: Examining

    def findings(self, state: TargetState, *, at: datetime) -> tuple[Finding, ...]:
        """What is not as it was approved, and what could not be read."""
        return findings(self.checks(state, at=at))

    def checks(self, state: TargetState, *, at: datetime) -> Iterator[Check]:
        """Traffic, what is behind it, and every release that stands on the target."""
        view = self.examining.view(state)
        yield from traffic_checks(state, view)
        hosted: dict[str, Hosted] | None = None
        if isinstance(view, EndpointView) and _is_endpoint(state):
            seen = attempt(lambda: self.examining.hosting.config(view.config))
            hosted = seen if isinstance(seen, dict) else None
            what = f"endpoint configuration {view.config}"
            found = view.config if hosted is not None else seen
            yield Check(what, view.config, found, opens=True)
            yield from behind_checks(state, hosted or {})
        standing = tuple(_standing(state, view, hosted))
        for one in standing:
            yield from self._release(state, one, hosted or {}, at=at)
        yield from self._good(state, {one.release for one in standing})
        known = {*(one.release for one in standing), *(one.release for one in state.last_good)}
        for name, wrong in self.examining.edited(state.owner).items():
            if name not in known:
                yield record_check(name, wrong)

    def _release(
        self, state: TargetState, one: Deployed, hosted: dict[str, Hosted], *, at: datetime
    ) -> Iterator[Check]:
        capture = self.examining.capture(one)
        manifest, digest = capture.manifest, capture.digest
        yield from ledger_checks(one, capture.kept, manifest)
        if manifest is None:
            return
        yield signature_check(manifest, self.examining.unsigned(one, capture))
        yield from self.examining.vaulted(manifest, capture)
        package = self.examining.package(one.package_arn)
        yield from package_checks(one, manifest, digest, package, leaving=leaving(state, one))
        if isinstance(manifest, Manifest):
            yield from self._model(one, capture, hosted.get(one.variant))
        else:
            version = attempt(lambda: self.examining.versions.version(one.model, one.variant))
            yield from function_checks(one, manifest, digest, version)
            model = attempt(lambda: self.examining.catalogue.named(manifest.config.model_id))
            yield catalogue_check(manifest, model, at=at)

    def _good(self, state: TargetState, verified: Set[ReleaseName]) -> Iterator[Check]:
        """What STATE says of the releases that may be gone back to."""
        for one in state.last_good:
            if one == state.live:
                continue
            capture, where = self.examining.capture(one), "STATE's last_good"
            checks = state_checks if one.release in verified else ledger_checks
            yield from checks(one, capture.kept, capture.manifest, where=where)
            if capture.manifest and one.release not in verified:
                yield signature_check(capture.manifest, self.examining.unsigned(one, capture))

    def _model(self, one: Deployed, capture: Examined, hosted: Hosted | None) -> Iterator[Check]:
        """Of the model that the variant runs, whichever that is."""
        manifest = capture.manifest
        if not isinstance(manifest, Manifest):
            return
        if hosted:
            yield fleet_check(one, manifest, hosted)
        runs = one.model_copy(update={"model": hosted.model if hosted else one.model})
        role = manifest.config.execution_role_arn or self.examining.role()
        model = attempt(lambda: self.examining.hosting.model(runs.model))
        yield from model_checks(runs, manifest, capture.digest, role=role, model=model)
        image = f"image of {one.release} in its repository"
        yield Check(image, manifest.image, self.examining.image(manifest.image))


def _standing(
    state: TargetState, view: EndpointView | Unread | None, hosted: dict[str, Hosted] | None
) -> Iterator[Deployed]:
    """What is live, and of a rollout in flight what has come to stand on the target."""
    variants = view.variants if isinstance(view, EndpointView) else {}
    for one in expected(state):
        runs = one.variant in variants
        if runs and hosted is not None and state.rollout:
            runs = one.variant in hosted and hosted[one.variant].model == one.model
        if runs or (one == state.live and not (state.rollout and variants)):
            yield one


def _is_endpoint(state: TargetState) -> bool:
    return names.system_of(state.target) is System.SAGEMAKER
