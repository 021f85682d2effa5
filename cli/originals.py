"""A release as registry and vault know it: nothing here needs the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.errors import RefusedError, UnusableError
from cli.holdings import Holdings
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.registry import Registry
from sluice.adapters.signing_keys import SigningKeys
from sluice.adapters.texts import Texts
from sluice.adapters.vault import Vault
from sluice.attesting import Attested, Attesting
from sluice.domain.attestation import ENVELOPE_LIMIT
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.blueprint import vault_folder
from sluice.domain.manifest import ManifestError, manifest_uri
from sluice.domain.package import MANIFEST_URI, RELEASE_DIGEST, release_named
from sluice.domain.packaged import package_checks
from sluice.domain.release import named
from sluice.domain.rollout import Deployed
from sluice.domain.serving import parse_serving, serving
from sluice.domain.verifying import Check, Packaged, Unread
from sluice.examining import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.stack import Connection
    from sluice.adapters.registry import Package
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.release import ReleaseName
    from sluice.domain.serving import Serving

_ARN = ":model-package/"
_ABSENT = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class Original:
    """A release, its package, and its manifest as it lies in the vault."""

    package: Package
    digest: str
    uri: str
    text: str
    manifest: AnyManifest

    @property
    def release(self) -> ReleaseName:
        """Its name."""
        return self.manifest.release


class Originals:
    """Reads of registry and vault; of the ledger where there is one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._registry = Registry(connection.client("sagemaker"))
        self._s3 = connection.s3()

    def named(self, text: str) -> Original:
        """The release that `text` names: `churn-v4`, or the ARN of its package.

        Raises UnusableError where there is none, RefusedError where its manifest is another.
        """
        package = self._by_arn(text) if _ARN in text else self._by_name(text)
        digest, uri = (package.metadata.get(name, "") for name in (RELEASE_DIGEST, MANIFEST_URI))
        try:
            place = parse_serving(serving(uri, digest))
        except ValueError as error:
            message = f"package {package.arn} does not say where its manifest lies: {error}"
            raise UnusableError(message) from error
        manifest_text = self._manifest(place, uri)
        try:
            manifest = parse_any_manifest(manifest_text, digest=digest)
        except (ManifestError, ValueError) as error:
            raise RefusedError(f"{uri}: {error}") from error
        if manifest_uri(manifest.bucket, manifest.release, digest) != uri:
            raise RefusedError(f"{uri} is the manifest of {manifest.release}, and not its place")
        return Original(package, digest, uri, manifest_text, manifest)

    def checks(self, original: Original) -> tuple[list[Check], list[str]]:
        """Package and vault beside the manifest; what nothing could prove."""
        manifest = original.manifest
        folder = vault_folder(manifest, original.digest)
        holdings = Holdings(self._s3, manifest.bucket, folder)
        kept, caveats = holdings.checks(manifest, original.digest)
        packaged, deployed = _packaged(original.package), _deployed(original)
        said = package_checks(deployed, manifest, original.digest, packaged, leaving=True)
        return [*said, *kept, self._signature(original)], caveats

    def envelope(self, original: Original) -> bytes | None:
        """What was signed of the release, as it lies in the vault; None where there is none."""
        bucket, key = original.manifest.bucket, _attested(original).key
        return Vault(self._s3).content(bucket, key, limit=ENVELOPE_LIMIT)

    def _signature(self, original: Original) -> Check:
        """Whether a trusted key has signed what the manifest says."""
        what, signed = f"signature of {original.release}", "a trusted key's, of this manifest"
        try:
            keys = self._connection.trusted_keys()
        except UnusableError as error:
            return Check(what, signed, Unread(str(error)))
        signing_keys = SigningKeys(lambda: self._connection.client("kms"))
        attesting = Attesting(Vault(self._s3), signing_keys, keys)
        complaint = attempt(lambda: attesting.complaint(_attested(original)))
        return Check(what, signed, complaint or signed)

    def ledger(self, original: Original) -> list[Check] | str:
        """What the ledger says of the release, or why it says nothing: it may be lost."""
        try:
            table = self._connection.table()
        except UnusableError as error:
            return f"the ledger was not asked: {error}"
        found = attempt(lambda: Releases(table).get(original.release))
        if isinstance(found, Unread):
            return f"the ledger was not asked: {found.reason}"
        if found is None:
            return f"the ledger knows nothing of {original.release}"
        of = f"{original.release} in its record of the ledger"
        return [
            Check(f"digest of {of}", original.digest, found.digest),
            Check(f"manifest of {of}", original.uri, found.manifest_uri),
            Check(f"package of {of}", original.package.arn, found.package_arn),
        ]

    def encrypted_with(self, original: Original) -> str:
        """The ARN of the key that the vault's objects are encrypted with, or nothing."""
        place = parse_serving(serving(original.uri, original.digest))
        found: Any = self._s3.head_object(Bucket=place.bucket, Key=place.key)
        return str(found.get("SSEKMSKeyId", ""))

    def _manifest(self, place: Serving, uri: str) -> str:
        try:
            return Texts(self._s3).read(place.bucket, place.key).decode(errors="replace")
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise RefusedError(f"{uri} is gone: nothing else says what it is") from error
            message = f"{uri} cannot be read: {error}"
            raise UnusableError(message) from error

    def _by_arn(self, arn: str) -> Package:
        package = self._registry.find(arn)
        if package is None:
            message = f"the registry has no package {arn}"
            raise UnusableError(message)
        return package

    def _by_name(self, text: str) -> Package:
        """The package that says it is the release; all of the group are asked, for a second one."""
        try:
            name = named(text)
        except ValueError as error:
            message = f"{text!r} names no release: write its group and number, churn-v4"
            raise UnusableError(message) from error
        all_of = (self._registry.describe(one.arn) for one in self._registry.packages(name.group))
        found = [one for one in all_of if release_named(name.group, one.metadata) == name]
        if not found:
            message = f"the registry has no package of {text}; an ARN of a package will do, too"
            raise UnusableError(message)
        if len({one.metadata.get(RELEASE_DIGEST) for one in found}) > 1:
            arns = ", ".join(one.arn for one in found)
            message = f"several packages say they are {text}, of other digests: name one of {arns}"
            raise UnusableError(message)
        return found[0]


def _deployed(original: Original) -> Deployed:
    """The release as what is compared with its package: it stands nowhere."""
    nowhere: Mapping[str, str] = {"variant": "", "model": "", "endpoint_config": ""}
    return Deployed(
        release=original.release,
        digest=original.digest,
        manifest_uri=original.uri,
        package_arn=original.package.arn,
        package_version=original.package.version,
        epoch=0,
        **nowhere,
    )


def _attested(original: Original) -> Attested:
    return Attested(original.release, original.digest, original.text, original.manifest)


def _packaged(package: Package) -> Packaged:
    return Packaged(package.approval, package.metadata, package.specification)
