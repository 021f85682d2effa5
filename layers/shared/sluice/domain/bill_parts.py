"""Parts of a bill of materials: each captured object, image, model and function as a component."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from sluice.domain.image import pinned_image
from sluice.domain.inbox import BEDROCK_CONFIG, CONFIG, EVALUATION
from sluice.domain.manifest import Manifest
from sluice.domain.values import iso
from sluice.domain.vault import FULL_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sluice.domain.bedrock import FunctionCode, KnowledgeSource
    from sluice.domain.bedrock_manifest import AnyManifest, BedrockManifest
    from sluice.domain.manifest import CapturedObject

GIT_URL = "git-url"
"""The metadata that says where a model's commit can be fetched from."""
_URL = re.compile(r"(https|ssh|git)://[^\s\"<>\\^`{|}]+")
_PREFIX = "sluice:"
_SHA256_BYTES = 32
_DATA = {CONFIG: "configuration", BEDROCK_CONFIG: "configuration", EVALUATION: "dataset"}

Part = dict[str, Any]


def component(kind: str, name: str, *, ref: str, **more: Any) -> Part:
    """A component; what is empty of it is left out."""
    said = {"type": kind, "bom-ref": ref, "name": name, **more}
    return {field: value for field, value in said.items() if value}


def properties(pairs: Iterable[tuple[str, str]]) -> list[Part]:
    """The pairs as properties of ours, without those that say nothing."""
    return [{"name": f"{_PREFIX}{name}", "value": value} for name, value in pairs if value]


def sha256(content: str) -> Part:
    """A SHA-256 in hex digits."""
    return {"alg": "SHA-256", "content": content}


def commit_reference(manifest: AnyManifest) -> Part:
    """Where the commit can be fetched from, if the pusher said so: a commit alone is no URL."""
    url = manifest.metadata.get(GIT_URL, "")
    if not _URL.fullmatch(url):
        return {}
    reference = {"type": "vcs", "url": url, "comment": f"commit {manifest.commit}"}
    return {"externalReferences": [reference]}


def captured(manifest: AnyManifest) -> list[Part]:
    """Every object of the version: texts and settings as data, what is run or loaded as files."""
    return [_object(manifest, one) for one in manifest.objects]


def _object(manifest: AnyManifest, one: CapturedObject) -> Part:
    versions, kind = dict[str, str](), _DATA.get(one.name, "")
    if isinstance(manifest, Manifest):
        versions = {script.file: script.version for script in manifest.config.inference_scripts}
    elif not kind:
        kind = "definition"  # prompts, and what an agent is told
    checksums = (
        (f"checksum-{name}", f"{value} ({one.checksum_type})")
        for name, value in sorted(one.checksums.items())
    )
    known = [("size", str(one.size)), ("source", one.source_key), ("s3-version", one.version_id)]
    return component(
        "data" if kind else "file",
        one.name,
        ref=f"file:{one.name}",
        version=versions.get(one.name, ""),
        hashes=_hashes(one),
        data=[{"type": kind, "name": one.name}] if kind else [],
        properties=properties([*known, ("etag", one.etag), *checksums]),
    )


def _hashes(one: CapturedObject) -> list[Part]:
    """Its SHA-256 where that is known; CycloneDX has no name for S3's other checksums."""
    if one.sha256:
        return [sha256(one.sha256)]
    if one.checksum_type == FULL_OBJECT and "SHA256" in one.checksums:
        return _decoded(one.checksums["SHA256"])
    return []


def container(uri: str) -> Part:
    """A container image by its digest, with its package URL.

    https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md
    """
    image = pinned_image(uri)
    name = image.repository.rpartition("/")[2]
    where = f"{image.registry}/{image.repository}"
    return component(
        "container",
        name,
        ref=f"container:{image.digest}",
        version=image.digest,
        purl=f"pkg:oci/{name}@{image.digest}?repository_url={where}",
        hashes=[sha256(image.digest.removeprefix("sha256:"))],
        properties=properties([("image", uri)]),
    )


def foundation_model(manifest: BedrockManifest) -> Part:
    """The model that Bedrock answers with: its provider's, known by its ARNs."""
    model, config = manifest.model, manifest.config
    asked = config.inference_config.model_dump(exclude_none=True)
    legacy, ends = model.legacy_at, model.end_of_life_at
    return component(
        "machine-learning-model",
        model.id,
        ref=f"model:{model.id}",
        properties=properties(
            [
                ("model-id", config.model_id),
                *(("model-arn", one) for one in model.arns),
                ("inference-profile", model.profile),
                ("model-status", model.status),
                ("model-legacy", iso(legacy) if legacy else ""),
                ("model-end-of-life", iso(ends) if ends else ""),
                *((f"inference-{name}", repr(value)) for name, value in sorted(asked.items())),
            ]
        ),
    )


def function(code: FunctionCode) -> Part:
    """The function that the release was approved to run in, by Lambda's digest of its code."""
    return component(
        "application",
        code.function,
        ref=f"function:{code.function}",
        hashes=_decoded(code.sha256),
        properties=properties(
            [("code-sha256", code.sha256), *(("layer", one) for one in code.layers)]
        ),
    )


def knowledge(source: KnowledgeSource) -> Part:
    """What answers are based on: recorded, and not restorable, so without a hash."""
    at = source.ingested_at
    pairs = [
        ("arn", source.knowledge_base_arn),
        ("data-source-id", source.data_source_id),
        ("ingestion-job-id", source.ingestion_job_id),
        ("ingested-at", iso(at) if at else ""),
        ("restorable", "false"),
    ]
    return component(
        "data",
        source.knowledge_base_id,
        ref=f"knowledge-base:{source.knowledge_base_id}",
        data=[{"type": "dataset", "name": source.knowledge_base_id}],
        properties=properties(pairs),
    )


def _decoded(encoded: str) -> list[Part]:
    """A SHA-256 that S3 or Lambda spells in base64; nothing of what is not one."""
    try:
        digest = base64.b64decode(encoded, validate=True)
    except ValueError:
        return []
    return [sha256(digest.hex())] if len(digest) == _SHA256_BYTES else []
