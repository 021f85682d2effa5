"""The one model package of a release: created once, whoever does it and however often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from sluice.domain.package import RELEASE_DIGEST
from sluice.domain.release import ApprovalStatus

if TYPE_CHECKING:
    from sluice.adapters.registry import Package, Registry
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.release import Release

_LOOK_BACK = timedelta(days=1)
"""How far a package's creation may lie before its claim, as two clocks tell it."""


@dataclass(frozen=True, slots=True)
class Packaging:
    """Releases in the registry, as registration makes them."""

    registry: Registry

    def package(self, release: Release, manifest: AnyManifest, *, fresh: bool) -> Package:
        """The one package of the release: found, or created; any other is rejected.

        A lost reply or a crash leaves a package nobody knows of. The client token makes SageMaker
        return it again; how long it remembers the token is not documented.
        """
        found = [] if fresh else self._packages(release)
        if not found:
            arn = self.registry.register(manifest, release.digest)
            found = self._packages(release)
            if arn not in {package.arn for package in found}:  # the list lags behind
                found.append(self.registry.describe(arn))
        kept, *strays = sorted(found, key=lambda package: package.version)
        for stray in strays:
            if stray.approval is not ApprovalStatus.REJECTED or release.missed:
                self.registry.reject(stray.arn, f"duplicate of {kept.arn}")
        return kept

    def yield_to(self, winner: Release | None, *, ours: Release) -> None:
        """Somebody else registered the release first: another package of ours is a duplicate."""
        if winner and winner.package_arn != ours.package_arn:
            self.registry.reject(ours.package_arn, f"duplicate of {winner.package_arn}")

    def _packages(self, release: Release) -> list[Package]:
        """Every package that names the release's digest, among those created since its claim."""
        oldest = release.claimed_at - _LOOK_BACK
        recent = takewhile(
            lambda one: one.created >= oldest, self.registry.packages(release.name.group)
        )
        described = (self.registry.describe(one.arn) for one in recent)
        return [one for one in described if one.metadata.get(RELEASE_DIGEST) == release.digest]
