"""The model release that a config names: found when that arrives, bound when it is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.bedrock_manifest import BedrockManifest
from sluice.domain.partner import Named, judge_partner, pair_of
from sluice.domain.refusal import Refusal
from sluice.domain.release import named

if TYPE_CHECKING:
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.bedrock import BedrockConfig, PartnerModel
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.release import Pair, ReleaseName


class PartnerRefusedError(Exception):
    """The model release cannot be the config's partner any more; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Partnering:
    """The ledger, as far as a config and its model meet there."""

    releases: Releases
    targets: Targets

    def find(self, config: BedrockConfig, *, application: str) -> PartnerModel | Refusal | None:
        """The partner that the config names, or why it cannot have it; None if it names none."""
        if config.moves_with is None:
            return None
        return judge_partner(self._look(named(config.moves_with)), application=application)

    def bind(self, manifest: AnyManifest) -> tuple[Pair | None, list[Item]]:
        """The pair of a config that is to be claimed, and what its claim writes and holds fixed.

        Judged again from what stands now; whatever changes until the claim makes that one fail.
        Raises PartnerRefusedError.
        """
        if not isinstance(manifest, BedrockManifest) or manifest.partner is None:
            return None, []
        found = self._look(manifest.partner.release)
        judged = judge_partner(found, application=manifest.target)
        if isinstance(judged, Refusal):
            raise PartnerRefusedError(judged)
        pair = pair_of(judged, config=manifest.release, moves=not found.moving)
        fixed = [self.targets.unchanged(pair.model_target, found.state)]
        if pair.moves and found.release:
            fixed.append(self.releases.pairing(found.release, pair))
            if found.config:
                fixed.append(self.releases.still(found.config))
        return pair, fixed

    def _look(self, name: ReleaseName) -> Named:
        release = self.releases.get(name)
        if release is None:
            return Named(name, None)
        state = self.targets.read(names.target_of(release.target, release.system))
        config = self.releases.get(release.pair.config) if release.pair else None
        return Named(name, release, state, config)
