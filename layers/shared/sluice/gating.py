"""Hold a complete folder's evaluation against the policy, beside what serves its target now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.domain import names
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.gates import Live
from sluice.domain.gating import Standing, judge_gates
from sluice.domain.inbox import EVALUATION
from sluice.domain.manifest import ManifestError
from sluice.domain.scores import scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.evaluation_policy import EvaluationPolicy
    from sluice.domain.noted import Noted


@dataclass(frozen=True, slots=True)
class Gating:
    """The policy, and the ledger as far as it says what a version is compared with."""

    policy: EvaluationPolicy
    releases: Releases
    targets: Targets

    def judge(
        self, manifest: AnyManifest, based_on: Sequence[Noted], *, at: datetime
    ) -> AnyManifest:
        """The manifest with what the policy says of it; its claim fixes that for ever.

        Who claims at the same time may see something else serve: the first claim counts.
        """
        evaluated = next((one for one in based_on if one.place.name == EVALUATION), None)
        found = scores(
            manifest.evaluation,
            manifest.metadata,
            evaluated_at=evaluated.evaluated_at if evaluated else "",
        )
        group = manifest.release.group
        compares = self.policy.section_of(group)[1].compares
        live = (
            self.standing(names.target_of(manifest.target, manifest.system)) if compares else None
        )
        gates = judge_gates(self.policy, group, found, live=live, at=at)
        return manifest.model_copy(update={"gates": gates})

    def standing(self, target: str) -> Standing | None:
        """What serves the target, with its scores; None while nothing does."""
        state = self.targets.read(target)
        if state is None or state.live is None:
            return None
        live = Live(release=state.live.release, digest=state.live.digest)
        try:
            text = self.releases.captured(live.release).manifest
            theirs = parse_any_manifest(text, digest=live.digest)
        except (KeyError, RecordUnreadableError, ManifestError):
            return Standing(live, None)
        return Standing(live, scores(theirs.evaluation, theirs.metadata))
