"""What there is of a target in AWS, read for a comparison with what was approved.

Every read that fails stands in the comparison as such; nothing is changed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.alias import Alias
from sluice.adapters.ledger.records import Captured, RecordUnreadableError
from sluice.attesting import Attested
from sluice.domain import names
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.manifest import digest_of, loaded_prefix
from sluice.domain.release import System
from sluice.domain.serving import parse_serving, serving
from sluice.domain.verifying import Kept, Packaged, Unread, beside_check, vault_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_lambda import LambdaClient

    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.foundation_models import FoundationModels
    from sluice.adapters.hosting import Hosting
    from sluice.adapters.images import Images
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.registry import Registry
    from sluice.adapters.texts import Texts
    from sluice.adapters.vault import Vault
    from sluice.adapters.versions import Versions
    from sluice.attesting import Attesting
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.vault import Standing, VaultCopy
    from sluice.domain.verifying import Check
    from sluice.domain.watching import EndpointView

_FAILURES = (BotoCoreError, ClientError, ValueError)
_ABSENT = {"NoSuchKey", "404"}


def attempt[T](read: Callable[[], T]) -> T | Unread:
    """What `read` answers, or why it does not."""
    try:
        return read()
    except RecordUnreadableError as error:
        return Unread(str(error), edited=True)
    except _FAILURES as error:
        return Unread(" ".join(str(error).split()))


@dataclass(frozen=True, slots=True)
class Examined:
    """What a release was captured as, as far as it can be read."""

    kept: Kept
    digest: str
    manifest: AnyManifest | None
    text: str
    """The manifest as it was read; nothing where it was not."""
    copies: tuple[VaultCopy, ...]


@dataclass(frozen=True, slots=True)
class Examining:
    """Reads of one account, through the adapters that the rollouts use."""

    releases: Releases
    endpoint: Endpoint
    lambdas: Callable[[], LambdaClient]
    """Makes the client for aliases: which function answers for one, its target's state says."""
    registry: Registry
    images: Images
    vault: Vault
    texts: Texts
    hosting: Hosting
    versions: Versions
    catalogue: FoundationModels
    role: Callable[[], str | Unread]
    """What models run as whose config names no role."""
    attesting: Attesting | Unread
    """Unread where nobody knows which keys are trusted."""
    digest: Callable[[str, str, str], str] | None = None
    """Reads an object's content, by bucket, key and version, for its SHA-256; None: nobody does."""

    def view(self, state: TargetState) -> EndpointView | Unread | None:
        """What the target stands on."""
        name = names.name_of(state.target)
        if names.system_of(state.target) is System.SAGEMAKER:
            return attempt(lambda: self.endpoint.describe(name))
        rollout = state.rollout
        known = state.live or (rollout.release if rollout else None)
        functions = {name: known.model} if known and known.model else {}
        return attempt(lambda: Alias(self.lambdas, functions).describe(name))

    def edited(self, group: str) -> dict[ReleaseName, Unread]:
        """What is wrong with each record of the group that cannot be read.

        Nothing where the ledger does not answer: whatever else is read of it says so.
        """
        broken = list[RecordUnreadableError]()
        attempt(lambda: deque(self.releases.of_group(group, unreadable=broken.append), maxlen=0))
        return {one.release: Unread(str(one), edited=True) for one in broken if one.release}

    def capture(self, live: Deployed) -> Examined:
        """What ledger and vault hold of a release, and the manifest that most of it agrees upon."""
        record = attempt(lambda: self.releases.get(live.release))
        captured = attempt(lambda: self._captured(live))
        vaulted = attempt(lambda: self._vaulted(live))
        text = captured.manifest if isinstance(captured, Captured) else captured
        kept = Kept(record, _digest(text), _digest(vaulted))
        digest = kept.digest(live)
        whole = [one for one in (text, vaulted) if isinstance(one, str) and _digest(one) == digest]
        manifest = _parsed(whole[0], digest) if whole else None
        if isinstance(manifest, Unread):
            kept, manifest = replace(kept, manifest=manifest), None
        copies = captured.copies if isinstance(captured, Captured) else ()
        return Examined(kept, digest, manifest, whole[0] if whole else "", copies)

    def unsigned(self, live: Deployed, examined: Examined) -> str | Unread:
        """Why no trusted key has signed what a release was captured as, or nothing."""
        manifest, attesting = examined.manifest, self.attesting
        if manifest is None or isinstance(attesting, Unread):
            return attesting if isinstance(attesting, Unread) else Unread("its manifest is unknown")
        attested = Attested(live.release, examined.digest, examined.text, manifest)
        return attempt(lambda: _unsigned(attested, attesting))

    def vaulted(self, manifest: AnyManifest, examined: Examined) -> Iterator[Check]:
        """What the vault holds of a release; nothing where nobody knows what its copies are."""
        if isinstance(examined.kept.manifest, Unread):
            return
        bucket, copies = manifest.bucket, examined.copies
        yield from vault_checks(manifest, copies, self._standings(bucket, copies))
        prefix = loaded_prefix(manifest, examined.digest)
        if prefix:
            listed = attempt(lambda: self.vault.listed(bucket, prefix))
            yield beside_check(manifest, copies, prefix, listed)

    def _standings(
        self, bucket: str, copies: tuple[VaultCopy, ...]
    ) -> Mapping[str, Standing | Unread | None]:
        """What stands in the vault for each of the copies, by its name."""
        found: dict[str, Standing | Unread | None] = {}
        for copy in copies:
            found[copy.name] = attempt(partial(self._standing, bucket, copy.key))
        return found

    def package(self, arn: str) -> Packaged | Unread | None:
        """The package in the registry."""
        found = attempt(lambda: self.registry.find(arn))
        if found is None or isinstance(found, Unread):
            return found
        return Packaged(found.approval, found.metadata, found.specification)

    def image(self, uri: str) -> str | Unread | None:
        """The image, where it is there to be pulled."""
        present = attempt(lambda: self.images.present(uri))
        return present if isinstance(present, Unread) else (uri if present else None)

    def _standing(self, bucket: str, key: str) -> Standing | None:
        found = self.vault.standing(bucket, key)
        if found is None or self.digest is None:
            return found
        return found.model_copy(update={"sha256": self.digest(bucket, key, found.version_id)})

    def _captured(self, live: Deployed) -> Captured | None:
        try:
            return self.releases.captured(live.release)
        except KeyError:
            return None

    def _vaulted(self, live: Deployed) -> str | None:
        place = parse_serving(serving(live.manifest_uri, live.digest))
        try:
            return self.texts.read(place.bucket, place.key).decode()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise


def _unsigned(attested: Attested, attesting: Attesting) -> str:
    return attesting.complaint(attested)


def _parsed(text: str, digest: str) -> AnyManifest | Unread:
    return attempt(lambda: parse_any_manifest(text, digest=digest))


def _digest(text: str | Unread | None) -> str | Unread | None:
    return digest_of(text) if isinstance(text, str) else text
