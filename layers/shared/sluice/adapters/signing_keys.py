"""KMS: signatures by asymmetric keys that never leave it.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html and API_Verify.html.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_kms import KMSClient

_ALGORITHM: Final = "ECDSA_SHA_256"
_LONGEST = 6144
"""Bytes of a signature that Verify takes, of one at least; anything else is no request of its."""
_ANOTHERS = frozenset({"KMSInvalidSignatureException"})


class SigningKeys:
    """Keys of the kind ECC_NIST_P256, each named by its ARN.

    What is signed is longer than the 4,096 bytes that KMS takes: it gets the digest. `client` makes
    the client, when it is first needed. Denials, throttling and keys that are disabled stay what
    they are: nothing is known then, and asking again later may help.
    """

    def __init__(self, client: Callable[[], KMSClient]) -> None:
        self._client = client

    def sign(self, key_arn: str, message: bytes) -> bytes:
        """A signature over `message`; another one each time, as ECDSA has it."""
        signed = self._client().sign(
            KeyId=key_arn,
            Message=_digest(message),
            MessageType="DIGEST",
            SigningAlgorithm=_ALGORITHM,
        )
        return signed["Signature"]

    def signed(self, key_arn: str, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature over `message`."""
        if not 0 < len(signature) <= _LONGEST:
            return False
        try:
            answer = self._client().verify(
                KeyId=key_arn,
                Message=_digest(message),
                MessageType="DIGEST",
                Signature=signature,
                SigningAlgorithm=_ALGORITHM,
            )
        except ClientError as error:
            # "If the signature verification fails, the Verify operation fails with a
            # KMSInvalidSignatureException exception."
            if error.response["Error"]["Code"] in _ANOTHERS:
                return False
            raise
        return answer["SignatureValid"] is True


def _digest(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()
