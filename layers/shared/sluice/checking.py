"""Is what was approved what would run, could it be gone back to? Everything read again, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.hosting import model_checks
from sluice.domain.manifest import parse_manifest
from sluice.domain.preparation import Truth, fleet_objection, objection, target_objection
from sluice.domain.rollout import Kind
from sluice.domain.startpoint import (
    comparable,
    edited_objection,
    hosted_checks,
    standing_checks,
)

if TYPE_CHECKING:
    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.hosting import Hosting
    from sluice.adapters.images import Images
    from sluice.adapters.registry import Registry
    from sluice.adapters.roles import Roles
    from sluice.domain.manifest import Manifest
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView
    from sluice.recalling import Capture, Captures, Recalling


@dataclass(frozen=True, slots=True)
class Checking:
    """What `PrepareRollout` compares; nothing here changes anything in AWS."""

    endpoint: Endpoint
    hosting: Hosting
    registry: Registry
    recalling: Recalling
    images: Images
    roles: Roles
    serving_role_arn: str
    execution_roles: tuple[str, ...]
    """What a model may run as beside the serving role."""

    def read(self, rollout: Rollout) -> Captures[Manifest]:
        """The captures of the rollout's releases. Raises ManifestError unless the digests fit."""
        return self.recalling.captures(rollout, parse_manifest)

    def objection(
        self, rollout: Rollout, captures: Captures[Manifest], view: EndpointView | None
    ) -> str:
        """Why the release cannot be deployed there, or nothing."""
        return (
            self._target_objection(rollout, view)
            or self._release_objection(rollout.release, captures.release)
            or self._fleet_objection(captures)
        )

    def lacks(self, release: Deployed, capture: Capture[Manifest] | None) -> str:
        """What keeps a release from being deployed again, or nothing. Raises ManifestError."""
        capture = capture or self.recalling.recall(release, parse_manifest)
        manifest = capture.manifest
        complaint = self.recalling.lost(capture)
        if not complaint and not self.images.present(manifest.image):
            complaint = f"{manifest.image} of {release.release} is not in its repository any more"
        return complaint or self._role_complaint(manifest)

    def edited(
        self,
        state: TargetState | None,
        rollout: Rollout,
        captures: Captures[Manifest],
        view: EndpointView | None,
    ) -> str:
        """What somebody changed by hand where the rollout begins, and what to do; or nothing."""
        stable, capture = rollout.stable, captures.stable
        if not (state and stable and capture and view and comparable(stable, view)):
            return ""
        manifest = capture.manifest
        checks = list(standing_checks(state, stable, view))
        for name in dict.fromkeys((view.config, stable.endpoint_config)):
            hosted = self.hosting.config(name) or {}
            checks += hosted_checks(state, stable, manifest, hosted)
        model, role = self.hosting.model(stable.model), self.role(manifest)
        checks += model_checks(stable, manifest, stable.digest, role=role, model=model)
        return edited_objection(state.target, stable, checks)

    def role(self, manifest: Manifest) -> str:
        """What the model is to run as."""
        return manifest.config.execution_role_arn or self.serving_role_arn

    def _target_objection(self, rollout: Rollout, view: EndpointView | None) -> str:
        if view is None or rollout.kind is Kind.ROLL_BACK:
            return target_objection(rollout, view)
        found = self.endpoint.features(rollout.target_name, view.config)
        return target_objection(rollout, view, found)

    def _fleet_objection(self, captures: Captures[Manifest]) -> str:
        if captures.stable is None:
            return ""
        return fleet_objection(captures.release.manifest, captures.stable.manifest)

    def _release_objection(self, release: Deployed, capture: Capture[Manifest]) -> str:
        manifest = capture.manifest
        truth = Truth(
            package=self.registry.packaged(release.package_arn),
            vault_complaint=self.recalling.complaint(capture),
            unsigned=self.recalling.unsigned(capture),
            image_present=self.images.present(manifest.image),
            role_allowed=self._allowed(manifest),
        )
        return objection(release, manifest, truth)

    def _allowed(self, manifest: Manifest) -> bool:
        return self.role(manifest) in {self.serving_role_arn, *self.execution_roles}

    def _role_complaint(self, manifest: Manifest) -> str:
        """Why no model of the release could be made to run as anything, or nothing."""
        role = self.role(manifest)
        if not self._allowed(manifest):
            return f"{role}, which {manifest.release} runs as, is not in execution_roles any more"
        there = self.roles.exists(role)
        return "" if there else f"{role}, which {manifest.release} runs as, does not exist any more"
