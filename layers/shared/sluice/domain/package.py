"""What a model package says about its release, within what SageMaker lets it say.

Customer metadata: at most 50 pairs, names of 128 characters, values of 256, of letters, digits,
separators and `_.:/=+-@` only. Ours come first, so that a pusher's can neither displace nor forge
them; the full values stand in the manifest.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from typing import TYPE_CHECKING, Any

from sluice.domain.making import container
from sluice.domain.manifest import VAULT, manifest_uri
from sluice.domain.release import ReleaseName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.gates import Gates
    from sluice.domain.manifest import Manifest

RELEASE_DIGEST = "release-digest"
MANIFEST_URI = "manifest"
VERSION_FOLDER = "version-folder"
INFRASTRUCTURE_COMMIT = "infrastructure-commit"
EVALUATION_POLICY = "evaluation-policy"

_OURS = {RELEASE_DIGEST, MANIFEST_URI, VERSION_FOLDER, INFRASTRUCTURE_COMMIT, EVALUATION_POLICY}
"""Left out where a pusher says them: they say something of ours even where we do not say them."""

MAX_PAIRS = 50
MAX_NAME = 128
MAX_VALUE = 256
MAX_DESCRIPTION = 1024
MAX_MISSED = 10
"""Missed gates that get a pair of their own; the description and the manifest name them all."""
_NUMBERED = (
    (VERSION_FOLDER, re.compile(r"-v(?P<version>[0-9]{1,6})$")),
    # A folder that is named after a commit tells no number; where the vault keeps it does.
    (MANIFEST_URI, re.compile(rf"/{VAULT}[^/]+/v(?P<version>[0-9]{{1,6}})-[^/]+/[^/]+$")),
)
_WEIGHTS = ("ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources")
_ETAGS = {"ETag", "ManifestEtag"}
_ARCHIVE = {"S3DataType": "S3Object", "CompressionType": "Gzip"}
_PUNCTUATION = "_.:/=+-@"
_NAMESPACE = uuid.UUID("6f0f3a0e-6a53-5d0c-9b7e-3c1c54a2c9a1")


def client_token(manifest: AnyManifest, digest: str) -> str:
    """The same token for every attempt to register this release, of 36 characters at most."""
    return str(uuid.uuid5(_NAMESPACE, f"{manifest.folder}\n{digest}"))


def customer_metadata(manifest: AnyManifest, digest: str) -> dict[str, str]:
    """The package's customer metadata: ours, then what was measured, then what was pushed."""
    said: dict[str, str] = {}
    for name, value in _pairs(manifest, digest):
        fitting = fit(name, MAX_NAME), fit(value, MAX_VALUE)
        if all(fitting) and len(said) < MAX_PAIRS:
            said.setdefault(*fitting)
    return said


def description(manifest: AnyManifest) -> str:
    """What people read first in the registry; what the policy misses stands there with numbers."""
    said = f"{manifest.release}, commit {manifest.commit}"
    missed = manifest.gates.missed if manifest.gates else ()
    if missed:
        lines = "; ".join(one.detail for one in missed)
        said = f"{said}. Below the evaluation policy: {lines}"
    return said if len(said) <= MAX_DESCRIPTION else f"{said[: MAX_DESCRIPTION - 1]}…"


def weights_of(container: Mapping[str, Any]) -> dict[str, Any]:
    """Where a container's weights come from, as `model_data` says it, and all else that is said.

    Without what SageMaker adds: ETags, which it does not hold anything against, and the same place
    a second time. Who names a URL is told a source as well (DescribeModel); nobody may say both.
    """
    found = {name: container[name] for name in _WEIGHTS if container.get(name)}
    source = found.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        said = {name: one for name, one in source.items() if one and name not in _ETAGS}
        found["ModelDataSource"] = {**found["ModelDataSource"], "S3DataSource": said}
        if said == {**_ARCHIVE, "S3Uri": found.get("ModelDataUrl")}:
            del found["ModelDataSource"]
    return found


def specification(manifest: Manifest, digest: str) -> dict[str, Any]:
    """What the package says SageMaker is to run: its InferenceSpecification.

    It says what instances it runs on; of serverless fleets it has no word.
    """
    config = manifest.config
    runs = container(manifest, digest)
    environment = runs.pop("Environment")
    instances = [config.instance_type] if config.instance_type else []
    return {
        "Containers": [{**runs, **({"Environment": environment} if environment else {})}],
        **({"SupportedRealtimeInferenceInstanceTypes": instances} if instances else {}),
        "SupportedContentTypes": list(config.content_types),
        "SupportedResponseMIMETypes": list(config.response_types),
    }


def release_named(group: str, metadata: Mapping[str, str]) -> ReleaseName | None:
    """The release a package of `group` says it is, or None: a hint, the ledger decides."""
    said = (number.search(metadata.get(name, "")) for name, number in _NUMBERED)
    found = next(filter(None, said), None)
    return ReleaseName(group=group, version=int(found["version"])) if found else None


def fit(text: str, limit: int) -> str:
    """`text` with `_` for each character SageMaker refuses, no blanks around it, cut to `limit`."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(character if _allowed(character) else "_" for character in composed)
    return kept.strip()[:limit].rstrip()


def _pairs(manifest: AnyManifest, digest: str) -> Iterator[tuple[str, str]]:
    yield RELEASE_DIGEST, digest
    yield MANIFEST_URI, manifest_uri(manifest.bucket, manifest.release, digest)
    yield VERSION_FOLDER, manifest.folder
    captured_by = manifest.infrastructure
    yield INFRASTRUCTURE_COMMIT, captured_by.commit if captured_by else ""
    yield from _missed(manifest.gates)
    for name in ("git-sha", "training-date", "base-model", "training-dataset-version"):
        yield name, manifest.metadata.get(name, "")
    for name, value in sorted(manifest.evaluation.items()):
        yield f"eval-{name}", repr(value)
    said = sorted(manifest.metadata.items())
    yield from ((name, value) for name, value in said if fit(name, MAX_NAME) not in _OURS)


def _missed(gates: Gates | None) -> Iterator[tuple[str, str]]:
    if gates is None or not gates.missed:
        return
    yield EVALUATION_POLICY, gates.policy
    for one in gates.missed[:MAX_MISSED]:
        found = "absent" if one.found is None else one.found
        live = (
            f" live {one.live} of {gates.live.release}"
            if gates.live and one.live is not None
            else ""
        )
        yield f"missed {one.name}", f"found {found} wanted {one.wanted}{live}"


def _allowed(character: str) -> bool:
    category = unicodedata.category(character)
    # Line and paragraph separators are separators to SageMaker, and line breaks to a log.
    return category[0] in "LN" or category == "Zs" or character in _PUNCTUATION
