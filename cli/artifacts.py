"""The objects of a release as files: fetched from the vault, and held against their digests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cli.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import CapturedObject
    from sluice.domain.vault import VaultCopy

_CHUNK = 1024 * 1024


def fetch(s3: S3Client, manifest: AnyManifest, copies: Collection[VaultCopy], *, to: Path) -> int:
    """Fetch each copy that does not lie there with its SHA-256; how many were fetched.

    What has none, because it was too large to be read, is fetched again each time. Raises
    UnusableError for other bytes, or copies of other objects, than those that were captured.
    """
    captured = {one.name: one for one in manifest.objects}
    strange = captured.keys() ^ {one.name for one in copies}
    if strange:
        said = f"of {', '.join(sorted(strange))} there is a copy in the ledger, or an object in the"
        raise UnusableError(f"{said} manifest, and not both: the ledger was changed")
    missing = [one for one in copies if not _lies(to, captured[one.name])]
    for copy in missing:
        _fetch(s3, manifest.bucket, copy, captured[copy.name].sha256, to=placed(to, copy.name))
    return len(missing)


def placed(folder: Path, name: str) -> Path:
    """Where an object lies in a folder. Raises UnusableError for one that would lie outside."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path == folder.resolve():
        message = f"{name!r} is no name of a file in {folder}"
        raise UnusableError(message)
    return path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lies(folder: Path, one: CapturedObject) -> bool:
    path = placed(folder, one.name)
    return bool(one.sha256) and path.is_file() and sha256_of(path) == one.sha256


def _fetch(s3: S3Client, bucket: str, copy: VaultCopy, sha256: str, *, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    partial, digest = to.with_name(f"{to.name}.partial"), hashlib.sha256()
    body = s3.get_object(Bucket=bucket, Key=copy.key, IfMatch=f'"{copy.etag}"')["Body"]
    with partial.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if sha256 and digest.hexdigest() != sha256:
        partial.unlink()
        message = f"{copy.key} has other bytes than those that were captured"
        raise UnusableError(message)
    partial.replace(to)
