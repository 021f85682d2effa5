"""What an exported folder says of itself: how it is verified without Sluice and without AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.attestation import PREDICATE_TYPE, STATEMENT_TYPE

if TYPE_CHECKING:
    from sluice.attesting import Attested

_TEXT = """\
{release}, as Sluice captured and signed it

manifest.json       what the version is; its SHA-256 is the release digest
                    {digest}
manifest.dsse.json  a DSSE envelope with an in-toto statement about it ({statement},
                    {predicate}), signed by {keyid}
public-key.pem      that key's public half, as KMS told it when this was exported
artifacts/          the version's files, where they were exported, too

The key that lies here proves nothing: whoever forges a folder puts his own into it. Take the public
key from its owner by another way, and use that one below as KEY.pem. Its owner writes it with

    aws kms get-public-key --key-id {keyid} \\
      --query PublicKey --output text | base64 -d | openssl pkey -pubin -inform DER -out KEY.pem

With Sluice, offline:

    sluice verify --bundle . --key KEY.pem

With openssl alone (and python3 or the like to take the envelope apart; "DSSEv1 …" is what is
signed, see https://github.com/secure-systems-lab/dsse):

    python3 - <<'END'
    import base64, json
    e = json.load(open("manifest.dsse.json"))
    p, t = base64.b64decode(e["payload"]), e["payloadType"].encode()
    open("signed.bin", "wb").write(b"DSSEv1 %d %b %d %b" % (len(t), t, len(p), p))
    open("signature.der", "wb").write(base64.b64decode(e["signatures"][0]["sig"]))
    open("statement.json", "wb").write(p)
    END
    openssl dgst -sha256 -verify KEY.pem -signature signature.der signed.bin

With securesystemslib (pip install "securesystemslib[crypto]"):

    import json
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey
    e = Envelope.from_dict(json.load(open("manifest.dsse.json")))
    key = load_pem_public_key(open("KEY.pem", "rb").read())
    e.verify([SSlibKey.from_crypto(key, keyid=next(iter(e.signatures)))], 1)

Then hold the files against the statement's subjects:

    find . -name manifest.json -o -path "./artifacts/*" -type f | xargs sha256sum

A subject without a sha256 was too large to be read when it was captured. It has the checksum that
S3 knows it by, under S3's name for it (CRC64NVME and others, in Base64).
"""


def readme(attested: Attested, keyid: str) -> str:
    """The text for one release."""
    return _TEXT.format(
        release=attested.release,
        digest=attested.digest,
        keyid=keyid,
        statement=STATEMENT_TYPE,
        predicate=PREDICATE_TYPE,
    )
