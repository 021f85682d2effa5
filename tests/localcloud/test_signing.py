"""KMS: who may sign and verify with an asymmetric key, and what it answers when it cannot.

AWS: kms/latest/APIReference/API_Sign.html
AWS: kms/latest/APIReference/API_Verify.html
AWS: kms/latest/developerguide/key-policies.html
AWS: kms/latest/developerguide/policy-conditions.html
AWS: kms/latest/developerguide/key-state.html
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from localcloud.constants import ACCOUNT
from tests.localcloud.functions import create_role

if TYPE_CHECKING:
    from tests.localcloud.conftest import Clients

MESSAGE = b"what is signed is longer than KMS takes" * 200
DIGEST: dict[str, Any] = {
    "Message": hashlib.sha256(MESSAGE).digest(),
    "MessageType": "DIGEST",
    "SigningAlgorithm": "ECDSA_SHA_256",
}
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


class Key:
    """A key for signatures, and roles that may use it."""

    def __init__(self, client: Clients, name: str) -> None:
        self._client, self._name = client, name
        self.kms = client("kms")
        made = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.arn = made["KeyMetadata"]["Arn"]

    def allow(self, *statements: dict[str, Any]) -> None:
        """Let the key's own policy say who may use it; the account goes on administering it."""
        may = ["kms:Put*", "kms:Get*", "kms:Describe*", "kms:Enable*", "kms:Disable*"]
        administer = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": may}
        document = [{**one, "Resource": "*"} for one in (administer, *statements)]
        policy = json.dumps({"Version": "2012-10-17", "Statement": document})
        self.kms.put_key_policy(KeyId=self.arn, PolicyName="default", Policy=policy)

    def role(self, suffix: str, *actions: str, **condition: Any) -> str:
        """A role that may do this with the key, as far as its own policy goes."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": self.arn, **condition}
        arn: str = create_role(self._client, f"{self._name}-{suffix}", [statement])
        return arn

    def as_role(self, arn: str) -> Any:
        return self._client.as_role("kms", arn)


@pytest.fixture
def key(client: Clients, unique: str) -> Key:
    return Key(client, unique)


def refused(call: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**asked)
    code: str = error.value.response["Error"]["Code"]
    return code


def test_what_it_signs_anybody_verifies_with_the_public_key(key: Key) -> None:
    signed = key.kms.sign(KeyId=key.arn, **DIGEST)
    public = key.kms.get_public_key(KeyId=key.arn)

    assert (public["KeySpec"], public["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    loaded = load_der_public_key(public["PublicKey"])
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    loaded.verify(signed["Signature"], MESSAGE, ec.ECDSA(SHA256()))
    verified = key.kms.verify(KeyId=key.arn, Signature=signed["Signature"], **DIGEST)
    assert (verified["SignatureValid"], verified["KeyId"]) == (True, key.arn)


def test_no_two_signatures_are_the_same(key: Key) -> None:
    one, other = (key.kms.sign(KeyId=key.arn, **DIGEST)["Signature"] for _ in range(2))

    assert one != other


def test_another_signature_is_an_error_and_no_answer(key: Key, client: Clients) -> None:
    other = Key(client, "other")
    signature = other.kms.sign(KeyId=other.arn, **DIGEST)["Signature"]
    own = key.kms.sign(KeyId=key.arn, **DIGEST)["Signature"]
    moved = {**DIGEST, "Message": hashlib.sha256(b"other").digest()}

    invalid = "KMSInvalidSignatureException"
    assert refused(key.kms.verify, KeyId=key.arn, Signature=signature, **DIGEST) == invalid
    assert refused(key.kms.verify, KeyId=key.arn, Signature=own, **moved) == invalid
    assert refused(key.kms.verify, KeyId=key.arn, Signature=b"none", **DIGEST) == invalid


def test_a_digest_has_the_length_of_its_algorithm(key: Key) -> None:
    short = {**DIGEST, "Message": b"short"}

    assert refused(key.kms.sign, KeyId=key.arn, **short) == "ValidationException"


def test_a_key_that_is_disabled_or_about_to_go_does_nothing(key: Key) -> None:
    signature = key.kms.sign(KeyId=key.arn, **DIGEST)["Signature"]

    key.kms.disable_key(KeyId=key.arn)
    assert refused(key.kms.sign, KeyId=key.arn, **DIGEST) == "DisabledException"
    asked = {"KeyId": key.arn, "Signature": signature, **DIGEST}
    assert refused(key.kms.verify, **asked) == "DisabledException"
    key.kms.enable_key(KeyId=key.arn)
    assert key.kms.verify(**asked)["SignatureValid"]

    key.kms.schedule_key_deletion(KeyId=key.arn, PendingWindowInDays=7)
    assert refused(key.kms.sign, KeyId=key.arn, **DIGEST) == "KMSInvalidStateException"
    assert refused(key.kms.verify, **asked) == "KMSInvalidStateException"


def test_a_role_s_own_policy_is_not_enough_without_the_key_s(key: Key) -> None:
    role = key.role("signer", "kms:Sign", "kms:Verify")
    verify = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:Verify"}
    key.allow(verify)
    signer = key.as_role(role)

    assert refused(signer.sign, KeyId=key.arn, **DIGEST) == "AccessDeniedException"

    only = {"ArnEquals": {"aws:PrincipalArn": role}}
    sign = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:Sign", "Condition": only}
    key.allow(verify, sign)
    signature = signer.sign(KeyId=key.arn, **DIGEST)["Signature"]
    assert signer.verify(KeyId=key.arn, Signature=signature, **DIGEST)["SignatureValid"]


def test_what_the_key_allows_one_role_another_may_not_whatever_its_own_policy_says(
    key: Key,
) -> None:
    one, other = key.role("one", "kms:Sign"), key.role("other", "kms:Sign", "kms:Verify")
    only = {"ArnEquals": {"aws:PrincipalArn": one}}
    principal = {"Effect": "Allow", "Principal": {"AWS": ROOT}}
    key.allow({**principal, "Action": "kms:Sign", "Condition": only})

    signature = key.as_role(one).sign(KeyId=key.arn, **DIGEST)["Signature"]
    stranger = key.as_role(other)
    assert refused(stranger.sign, KeyId=key.arn, **DIGEST) == "AccessDeniedException"
    asked = {"KeyId": key.arn, "Signature": signature, **DIGEST}
    assert refused(stranger.verify, **asked) == "AccessDeniedException"


@pytest.mark.parametrize("missing", ["kms:MessageType", "kms:SigningAlgorithm"])
def test_a_policy_says_what_may_be_signed_and_how(key: Key, missing: str) -> None:
    wanted = {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}
    other = {**wanted, missing: "another"}
    for suffix, condition in (("good", wanted), ("bad", other)):
        role = key.role(suffix, "kms:Sign", Condition={"StringEquals": condition})
        signer = key.as_role(role)
        if condition is wanted:
            assert signer.sign(KeyId=key.arn, **DIGEST)["Signature"]
            raw = {**DIGEST, "MessageType": "RAW"}
            assert refused(signer.sign, KeyId=key.arn, **raw) == "AccessDeniedException"
        else:
            assert refused(signer.sign, KeyId=key.arn, **DIGEST) == "AccessDeniedException"
