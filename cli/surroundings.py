"""What the layer reads of an account, through the caller's own credentials."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from botocore.exceptions import FlexibleChecksumError

from cli.errors import UnusableError
from sluice.adapters.artifacts import Artifacts
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.foundation_models import FoundationModels
from sluice.adapters.hosting import Hosting
from sluice.adapters.images import Images
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.probes import Probes
from sluice.adapters.registry import Registry
from sluice.adapters.roles import Roles
from sluice.adapters.signing_keys import SigningKeys
from sluice.adapters.texts import Texts
from sluice.adapters.vault import Vault
from sluice.adapters.versions import Versions
from sluice.attesting import Attesting
from sluice.domain.verifying import Unread
from sluice.examining import Examining
from sluice.readying import Readying

if TYPE_CHECKING:
    from cli.stack import Connection


def attesting(connection: Connection) -> Attesting | Unread:
    """What verifies signatures, or why nobody knows which keys are trusted."""
    try:
        trusted = connection.trusted_keys()
    except UnusableError as error:
        return Unread(str(error))
    keys = SigningKeys(cache(partial(connection.client, "kms")))
    return Attesting(Vault(connection.s3()), keys, trusted)


def examining(connection: Connection, *, read: bool = False) -> Examining:
    """The reads that verification is made of; of the vault's objects the content, too, if `read`.

    Raises UnusableError without a region.
    """
    sagemaker, s3 = connection.client("sagemaker"), connection.client("s3")
    lambdas = cache(partial(connection.client, "lambda"))

    @cache
    def role() -> str | Unread:
        try:
            return connection.serving_role()
        except UnusableError as error:
            return Unread(str(error))

    return Examining(
        releases=Releases(connection.table()),
        endpoint=Endpoint(sagemaker),
        lambdas=lambdas,
        registry=Registry(sagemaker),
        images=Images(connection.client("ecr")),
        vault=Vault(s3),
        texts=Texts(s3),
        hosting=Hosting(sagemaker),
        versions=Versions(lambdas),
        catalogue=FoundationModels(cache(partial(connection.client, "bedrock"))),
        role=role,
        attesting=attesting(connection),
        digest=partial(_digest, Artifacts(s3)) if read else None,
    )


def readying(connection: Connection) -> Readying:
    """The reads that readiness is made of. Raises UnusableError without a region."""
    return Readying(
        examining=examining(connection),
        roles=Roles(cache(partial(connection.client, "iam"))),
        probes=Probes(cache(partial(connection.client, "bedrock-runtime"))),
        listed=connection.execution_roles(),
    )


def _digest(artifacts: Artifacts, bucket: str, key: str, version_id: str) -> str:
    """The SHA-256 of what S3 serves, or that it is not even what S3's own checksum is of."""
    try:
        return artifacts.sha256(bucket, key, version_id)
    except FlexibleChecksumError:
        return "of other bytes than its checksum"
