"""What registration signs others verify; what somebody forged is named and goes nowhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from localcloud.constants import ACCOUNT, REGION
from tests.e2e.line import Line
from tests.e2e.stack import FORGER, Stack

ROOT = Path(__file__).parent.parent.parent


def sluice(stack: Stack, *asked: str) -> subprocess.CompletedProcess[str]:
    """The operator's command, as the account's own."""
    environment = {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.run(
        [sys.executable, "-m", "cli", *asked],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def folder_of(line: Line, version: int) -> str:
    (container,) = line.package(version)["InferenceSpecification"]["Containers"]
    key: str = container["ModelDataUrl"].removeprefix(f"s3://{line.stack.bucket}/")
    return key.rpartition("/")[0]


def vaulted(line: Line, version: int, name: str) -> bytes:
    key = f"{folder_of(line, version)}/{name}"
    found = line.stack.client("s3").get_object(Bucket=line.stack.bucket, Key=key)
    body: bytes = found["Body"].read()
    return body


def test_a_registration_is_verified_by_others_with_the_public_key_alone(
    churn: Line, tmp_path: Path
) -> None:
    churn.push(1)
    exported = sluice(churn.stack, "export", f"{churn.name}-v1", "--output", str(tmp_path))
    assert exported.returncode == 0, exported.stderr
    pem = (tmp_path / "public-key.pem").read_bytes()

    envelope = Envelope.from_dict(json.loads(vaulted(churn, 1, "manifest.dsse.json")))
    (keyid,) = envelope.signatures
    public: Any = load_pem_public_key(pem)
    assert set(envelope.verify([SSlibKey.from_crypto(public, keyid=keyid)], 1)) == {keyid}
    said = json.loads(envelope.payload)
    assert said["predicate"] == json.loads(vaulted(churn, 1, "manifest.json"))

    (tmp_path / "signed").write_bytes(envelope.pae())
    (tmp_path / "signature").write_bytes(bytes.fromhex(envelope.signatures[keyid].signature))
    asked = ["openssl", "dgst", "-sha256", "-verify", "public-key.pem", "-signature", "signature"]
    openssl = subprocess.run(
        [*asked, "signed"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert openssl.stdout == "Verified OK\n"


def test_only_registration_signs(stack: Stack) -> None:
    key, iam = stack.resources["SigningKey"], stack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam.create_role(RoleName=FORGER, AssumeRolePolicyDocument=document)
    everything = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    iam.put_role_policy(RoleName=FORGER, PolicyName="all", PolicyDocument=document)
    forger = client_as(stack, "kms", assumed(stack, FORGER))

    with pytest.raises(ClientError, match="AccessDenied"):
        forger.sign(
            KeyId=key,
            Message=b"0" * 32,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
    assert forger.get_public_key(KeyId=key)["KeySpec"] == "ECC_NIST_P256"


def test_a_forged_envelope_is_named_and_the_rollout_refused(churn: Line) -> None:
    churn.push(1)
    churn.push(2)
    churn.approve(1)
    churn.until_serving({1: 100})
    forged = json.loads(vaulted(churn, 1, "manifest.dsse.json"))
    other = json.loads(vaulted(churn, 2, "manifest.dsse.json"))
    forged["signatures"] = other["signatures"]
    put_into_vault(churn, 1, json.dumps(forged).encode())
    put_into_vault(churn, 2, json.dumps({**other, "signatures": []}).encode())

    verified = sluice(churn.stack, "verify", churn.name, "--json")
    (target,) = json.loads(verified.stdout)["targets"]
    named = {one["what"]: one["found"] for one in target["findings"]}
    assert verified.returncode == 1
    assert named[f"signature of {churn.name}-v1"].startswith("SIGNATURE_INVALID: ")

    churn.approve(2)
    refused = churn.until_event("Aborted", 2)
    assert "SIGNATURE_UNTRUSTED: signed by nobody" in refused["reason"]
    assert churn.weights() == {1: 100}


def put_into_vault(line: Line, version: int, envelope: bytes) -> None:
    """As who holds registration's role, and no key; what stood there stays as an older version."""
    session = assumed(line.stack, line.stack.resources["RegisterPackageRole"])
    s3 = client_as(line.stack, "s3", session)
    key = f"{folder_of(line, version)}/manifest.dsse.json"
    s3.put_object(Bucket=line.stack.bucket, Key=key, Body=envelope)


def assumed(stack: Stack, role: str) -> dict[str, str]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    found = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName=FORGER)
    credentials: dict[str, str] = found["Credentials"]
    return credentials


def client_as(stack: Stack, service: Any, session: dict[str, str]) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=stack.endpoint_url,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )
