"""Who pushed and who approved, noted beside everything else: nothing waits for it or rests on it.

The record of an upload may come before its folder is claimed, or after. It is written first, to
expire, and the release looked at then; a claim stands first, and the records are looked at then.
So of the two at least one sees both, and what a version is made of is known for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.inbox import Upload, locate
from sluice.domain.refusal import Refusal

if TYPE_CHECKING:
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.trails import Trails
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.trail import Trail


@dataclass(frozen=True, slots=True)
class Tracing:
    """What CloudTrail tells, taken to the ledger."""

    trails: Trails
    releases: Releases
    own_roles: tuple[str, ...]
    """ARNs of the stack's roles that reject packages: why they did, the ledger has already."""

    def note(self, trail: Trail) -> bool:
        """Note a call that concerns what we keep; whether it does."""
        return self._note_decision(trail) if trail.package_arn else self._note_upload(trail)

    def keep(self, manifest: AnyManifest) -> None:
        """Let what is known of a claimed version's uploads stand for good."""
        for trail in self.trails.expiring(manifest.folder):
            if _backs(trail, manifest):
                self.trails.keep_upload(trail, manifest.folder)

    def _note_decision(self, trail: Trail) -> bool:
        ours = trail.actor.role in self.own_roles
        if ours or not self.releases.has_group(trail.group):
            return False
        self.trails.note_decision(trail)
        return True

    def _note_upload(self, trail: Trail) -> bool:
        told_by = trail.version_id or trail.request_id
        place = locate(Upload(bucket=trail.bucket, key=trail.key, version_id=told_by, at=trail.at))
        if isinstance(place, Refusal):
            return False
        self.trails.note_upload(trail, place)
        release = self.releases.of_folder(place)
        if release:
            text = self.releases.captured(release.name).manifest
            if _backs(trail, parse_any_manifest(text, digest=release.digest)):
                self.trails.keep_upload(trail, place.folder)
        return True


def _backs(trail: Trail, manifest: AnyManifest) -> bool:
    return any(trail.wrote(one) for one in manifest.objects)
