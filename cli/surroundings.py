"""What the layer reads of an account, through the caller's own credentials."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from cli.errors import UnusableError
from sluice.adapters.endpoint import Endpoint
from sluice.adapters.foundation_models import FoundationModels
from sluice.adapters.hosting import Hosting
from sluice.adapters.images import Images
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.registry import Registry
from sluice.adapters.texts import Texts
from sluice.adapters.vault import Vault
from sluice.adapters.versions import Versions
from sluice.domain.verifying import Unread
from sluice.examining import Examining

if TYPE_CHECKING:
    from cli.stack import Connection


def examining(connection: Connection) -> Examining:
    """The reads that verification is made of. Raises UnusableError without a region."""
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
    )
