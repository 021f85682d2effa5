"""The bill of materials of a release: its manifest in the words of CycloneDX 1.6.

Everything in it comes from the manifest, the digest of that, and the time at which the release was
registered: the same release has the same bill, byte for byte, whoever asks and whenever.
https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.bill_parts import (
    captured,
    commit_reference,
    component,
    container,
    foundation_model,
    function,
    knowledge,
    properties,
    sha256,
)
from sluice.domain.manifest import MANIFEST, Manifest, manifest_uri
from sluice.domain.values import iso

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.bedrock_manifest import AnyManifest, BedrockManifest

SPECIFICATION = "1.6"
_NAMESPACE = uuid.UUID("0f6f4f0c-3b53-5c0a-8f3e-5d0d64f4b7c2")
_NO_BASE = frozenset({"", "none"})
_TRAINING_DATA = "training-data"

Part = dict[str, Any]


def bill(manifest: AnyManifest, digest: str, *, registered_at: datetime) -> Part:
    """The bill of materials of the release whose manifest has this digest."""
    subject, parts = _model(manifest) if isinstance(manifest, Manifest) else _application(manifest)
    whole = component(
        "file", MANIFEST, ref=MANIFEST, hashes=[sha256(digest)], description=_OF_MANIFEST
    )
    parts = [*parts, *captured(manifest), whole]
    subject["properties"] = properties(_facts(manifest, digest))
    subject |= commit_reference(manifest)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": iso(registered_at),
            "tools": {"components": [{"type": "application", "name": "sluice"}]},
            "component": subject,
        },
        "components": parts,
        "dependencies": _dependencies(subject["bom-ref"], parts),
    }


def spelled(document: Part) -> str:
    """The document in its one spelling, as it is written to a file."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_OF_MANIFEST = "What this bill was made from; its SHA-256 is the release digest."


def _model(manifest: Manifest) -> tuple[Part, list[Part]]:
    """A model, and what it runs in."""
    base = manifest.metadata.get("base-model", "")
    subject = component(
        "machine-learning-model",
        manifest.release.group,
        ref=str(manifest.release),
        version=str(manifest.release.version),
    )
    if base.lower() not in _NO_BASE:
        ancestor = {"type": "machine-learning-model", "name": base}
        subject["pedigree"] = {"ancestors": [ancestor]}
    subject["modelCard"] = {
        "modelParameters": {
            "datasets": [{"ref": _TRAINING_DATA}],
            "inputs": [{"format": one} for one in manifest.config.content_types],
            "outputs": [{"format": one} for one in manifest.config.response_types],
        },
        "quantitativeAnalysis": _analysis(manifest, of=""),
    }
    data = component(
        "data",
        _TRAINING_DATA,
        ref=_TRAINING_DATA,
        version=manifest.training_dataset_version,
        data=[{"type": "dataset", "name": _TRAINING_DATA}],
    )
    return subject, [data, container(manifest.image)]


def _application(manifest: BedrockManifest) -> tuple[Part, list[Part]]:
    """An application, and what it answers with.

    Only models have a card: the application's scores stand on its model's, as those of the slice
    that the release is.
    """
    release = manifest.release
    subject = component(
        "application", release.group, ref=str(release), version=str(release.version)
    )
    model = foundation_model(manifest)
    model["modelCard"] = {"quantitativeAnalysis": _analysis(manifest, of=str(release))}
    parts = [model]
    if manifest.code:
        parts.append(function(manifest.code))
    if manifest.knowledge:
        parts.append(knowledge(manifest.knowledge))
    return subject, parts


def _analysis(manifest: AnyManifest, *, of: str) -> Part:
    of_slice = {"slice": of} if of else {}
    metrics = [
        {"type": name, "value": repr(value), **of_slice}
        for name, value in sorted(manifest.evaluation.items())
    ]
    return {"performanceMetrics": metrics}


def _facts(manifest: AnyManifest, digest: str) -> list[tuple[str, str]]:
    """What the release is and where it goes, as pairs; CycloneDX has no words for these."""
    uri = manifest_uri(manifest.bucket, manifest.release, digest)
    facts = [
        ("release", str(manifest.release)),
        ("release-digest", digest),
        ("manifest", uri),
        ("target", names.target_of(manifest.target, manifest.system)),
        ("git-commit", manifest.commit),
        ("version-folder", manifest.folder),
        *_captured_by(manifest),
    ]
    if isinstance(manifest, Manifest):
        return facts + _of_model(manifest)
    partner, config = manifest.partner, manifest.config
    return [
        *facts,
        ("prompt-template", config.prompt_template_file),
        ("system-prompt", config.system_prompt_file or ""),
        ("agent-alias-id", config.agent_alias_id or ""),
        ("moves-with", str(partner.release) if partner else ""),
        ("moves-with-digest", partner.digest if partner else ""),
    ]


def _captured_by(manifest: AnyManifest) -> list[tuple[str, str]]:
    """The stack that captured the version; nothing of a manifest from before that was kept."""
    by = manifest.infrastructure
    if by is None:
        return []
    return [
        ("infrastructure-stack", by.stack_id or by.stack),
        ("infrastructure-template-sha256", by.template_sha256),
        ("infrastructure-commit", by.commit),
    ]


def _of_model(manifest: Manifest) -> list[tuple[str, str]]:
    config = manifest.config
    return [
        ("training-date", manifest.metadata.get("training-date", "")),
        ("instance-type", config.instance_type or "serverless"),
        ("execution-role", config.execution_role_arn or ""),
        # Names alone: values may hold what no bill should carry about.
        *(("environment-name", one) for one in sorted(config.environment)),
    ]


def _dependencies(subject: str, parts: list[Part]) -> list[Part]:
    """The release needs each part; no part is said to need another."""
    refs = [one["bom-ref"] for one in parts]
    return [{"ref": subject, "dependsOn": refs}, *({"ref": one} for one in refs)]
