"""What a complete version folder amounts to: one manifest, whatever order its objects came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.bedrock_manifest import BedrockManifest
from sluice.domain.inbox import BEDROCK_CONFIG, CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import CapturedObject, Manifest
from sluice.domain.release import ReleaseName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.noted import Noted


def compose(found: Mapping[str, Noted]) -> AnyManifest:
    """The manifest of a folder's objects, given by name in the order it lists them.

    That of a Bedrock configuration has no number yet: `numbered` gives it one.
    """
    return _bedrock(found) if BEDROCK_CONFIG in found else _model(found)


def numbered(manifest: AnyManifest, *, newest: int) -> AnyManifest:
    """The manifest under a number of its own: the one after `newest`, unless it has one."""
    name = manifest.release
    if name.version:
        return manifest
    following = ReleaseName(group=name.group, version=newest + 1)
    return manifest.model_copy(update={"release": following})


def labelled_by(found: Mapping[str, Noted]) -> Noted | None:
    """The object whose metadata labels the weights: an uncompressed model's are its config's."""
    return found.get(MODEL) or found.get(CONFIG)


def _model(found: Mapping[str, Noted]) -> Manifest:
    config = found[CONFIG]
    labelled = labelled_by(found) or config
    release, metadata = config.place.release, labelled.facts.metadata
    if config.config is None or release is None:
        raise ValueError("a config that was not refused must have been read")
    return Manifest(
        release=release,
        bucket=config.upload.bucket,
        target=config.config.endpoint_name or release.group,
        commit=metadata["git-sha"].strip(),
        training_dataset_version=metadata["training-dataset-version"].strip(),
        image=config.image,
        config=config.config,
        evaluation=found[EVALUATION].metrics,
        metadata=metadata,
        objects=tuple(map(_captured, found.values())),
    )


def _bedrock(found: Mapping[str, Noted]) -> BedrockManifest:
    noted = found[BEDROCK_CONFIG]
    pinned = noted.pinned
    if pinned is None:
        raise ValueError("a config that was not refused must have been pinned")
    return BedrockManifest(
        release=ReleaseName(group=pinned.application, version=0),
        bucket=noted.upload.bucket,
        target=pinned.application,
        commit=noted.place.commit,
        model=pinned.model,
        knowledge=pinned.knowledge,
        partner=pinned.partner,
        code=pinned.code,
        config=pinned.config,
        evaluation=found[EVALUATION].metrics,
        objects=tuple(map(_captured, found.values())),
    )


def _captured(noted: Noted) -> CapturedObject:
    facts = noted.facts
    return CapturedObject(
        name=noted.place.name,
        source_key=noted.upload.key,
        version_id=noted.upload.version_id,
        size=facts.size,
        etag=facts.etag,
        checksums=facts.checksums,
        checksum_type=facts.checksum_type,
        sha256=noted.sha256,
        request_id=noted.upload.request_id,
    )
