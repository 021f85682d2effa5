"""Whether what was approved of an application would answer, and whether Bedrock answers it now.

Everything is read again, once; nothing here changes anything in AWS. A probe costs a few tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.bedrock_manifest import parse_bedrock_manifest
from sluice.domain.differing import package_objection
from sluice.domain.hosting import function_checks
from sluice.domain.publication import alias_objection, code_objection
from sluice.domain.rollout import Kind
from sluice.domain.startpoint import comparable, edited_objection, standing_checks
from sluice.domain.vetting import (
    Probed,
    ended,
    model_objection,
    probe_objection,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.foundation_models import FoundationModels
    from sluice.adapters.probes import Probes
    from sluice.adapters.registry import Registry
    from sluice.adapters.versions import Versions
    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.publication import FunctionView, Wanted
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView
    from sluice.recalling import Capture, Captures, Recalling


@dataclass(frozen=True, slots=True)
class Vetting:
    """What `PrepareRollout` compares of an application."""

    registry: Registry
    recalling: Recalling
    models: FoundationModels
    probes: Probes
    versions: Versions

    def read(self, rollout: Rollout) -> Captures[BedrockManifest]:
        """The captures of the rollout's releases. Raises ManifestError unless the digests fit."""
        return self.recalling.captures(rollout, parse_bedrock_manifest)

    def objection(
        self,
        rollout: Rollout,
        captures: Captures[BedrockManifest],
        view: EndpointView | None,
        *,
        latest: FunctionView | None,
        wanted: Wanted | None,
        now: datetime,
    ) -> str:
        """Why the release cannot be deployed there, or nothing.

        `wanted` is None where nothing is to be published.
        """
        return (
            alias_objection(rollout, view)
            or (code_objection(latest, wanted) if wanted else "")
            or self._release_objection(rollout, captures.release, now=now)
        )

    def probe(self, rollout: Rollout, manifest: BedrockManifest) -> str:
        """What Bedrock has against the release; a rollback does not wait for one that is busy."""
        probed = self._probed(manifest)
        if probed.unanswered and rollout.kind is Kind.ROLL_BACK:
            return ""
        return probe_objection(manifest, probed)

    def lacks(
        self, release: Deployed, capture: Capture[BedrockManifest] | None, *, now: datetime
    ) -> str:
        """What keeps a release from being deployed again, or nothing. Raises ManifestError.

        One whose model has ended answers nobody, and protects nobody from its successor.
        """
        capture = capture or self.recalling.recall(release, parse_bedrock_manifest)
        complaint = self.recalling.lost(capture)
        if complaint:
            return complaint
        reason = probe_objection(capture.manifest, self._probed(capture.manifest))
        model_id = capture.manifest.config.model_id
        return "" if not reason or ended(self.models.named(model_id)[0], at=now) else reason

    def edited(
        self,
        state: TargetState | None,
        rollout: Rollout,
        captures: Captures[BedrockManifest],
        view: EndpointView | None,
    ) -> str:
        """What somebody changed by hand where the rollout begins, and what to do; or nothing."""
        stable, capture = rollout.stable, captures.stable
        if not (state and stable and capture and view and comparable(stable, view)):
            return ""
        version = self.versions.version(stable.model, stable.variant)
        checks = [
            *standing_checks(state, stable, view),
            *function_checks(stable, capture.manifest, stable.digest, version),
        ]
        return edited_objection(state.target, stable, checks)

    def _release_objection(
        self, rollout: Rollout, capture: Capture[BedrockManifest], *, now: datetime
    ) -> str:
        release, manifest = rollout.release, capture.manifest
        package = self.registry.packaged(release.package_arn)
        reason = package_objection(release, manifest, package)
        reason = reason or self.recalling.unsigned(capture)
        complaint = "" if reason else self.recalling.complaint(capture)
        if reason or complaint:
            return reason or f"TEXT_CHANGED: {complaint}"
        if rollout.kind is Kind.ROLL_BACK:  # legacy or not: the probe says whether it answers
            return ""
        model, profile = self.models.named(manifest.config.model_id)
        return model_objection(manifest, model, profile, at=now)

    def _probed(self, manifest: BedrockManifest) -> Probed:
        return self.probes.ask(manifest.model, manifest.config.inference_config)
