"""What is signed at registration, and what becomes of an envelope that stands there already."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import BUCKET, WEIGHTS, a_config
from tests.integration.faults import Crash
from tests.integration.signing import STRANGE_KEY, assert_signed, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
SCRIPT = b"def input_fn(body):\n    return body\n"


def envelope_of(inbox: Inbox) -> tuple[str, bytes]:
    ((key, body),) = [one for one in inbox.vault().items() if one[0].endswith(".dsse.json")]
    return key, body


def crashed_after(inbox: Inbox, faults: Faults, operation: str) -> list[Any]:
    """A delivery that ended when AWS had done this; nothing is registered."""
    pushed = inbox.push_folder()
    inbox.deliver(*pushed[:2])
    with pytest.raises(Crash), faults.crash_when(operation, succeeds=True):
        inbox.deliver(pushed[2])
    assert inbox.packages() == []
    return pushed


def test_subjects_are_the_bytes_that_were_pushed_weights_and_scripts_included(inbox: Inbox) -> None:
    config = a_config(inference_scripts=[{"file": "code/pre.py", "version": "1"}])
    events = [inbox.push("code/pre.py", SCRIPT), inbox.push(MODEL)]
    assert inbox.deliver(*events, inbox.push(CONFIG, config), inbox.push(EVALUATION)) == []

    said = json.loads(base64.b64decode(json.loads(envelope_of(inbox)[1])["payload"]))
    digests = {one["name"]: one["digest"] for one in said["subject"]}
    vault = {key.split("/", 3)[3]: body for key, body in inbox.vault().items()}
    vault.pop("manifest.dsse.json")
    assert digests == {
        name: {"sha256": hashlib.sha256(body).hexdigest()} for name, body in vault.items()
    }
    assert {MODEL, "code/pre.py", "manifest.json"} <= digests.keys()


def test_what_is_too_large_to_be_read_is_known_by_s3_s_checksum(
    inbox: Inbox, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.inspecting.STREAM_LIMIT", len(WEIGHTS) - 1)
    events = [inbox.push(CONFIG), inbox.push(EVALUATION)]
    put = inbox.put
    monkeypatch.setattr(
        inbox, "put", lambda key, data, **extra: put(key, data, ChecksumAlgorithm="CRC32", **extra)
    )
    model = inbox.push(MODEL)

    assert inbox.deliver(*events, model) == []

    said = json.loads(base64.b64decode(json.loads(envelope_of(inbox)[1])["payload"]))
    (digest,) = (one["digest"] for one in said["subject"] if one["name"] == MODEL)
    (captured,) = (one for one in said["predicate"]["objects"] if one["name"] == MODEL)
    assert captured["sha256"] == ""
    assert "sha256" not in digest
    crc32 = base64.b64encode(zlib.crc32(WEIGHTS).to_bytes(4)).decode()
    assert digest == captured["checksums"] == {"CRC32": crc32}


def test_a_sha256_that_s3_has_is_not_read_for(inbox: Inbox, faults: Faults) -> None:
    """Moto tells no checksum's type, which S3 does."""
    known = base64.b64encode(hashlib.sha256(b"notes").digest()).decode()
    asked = list[str]()

    def tell(operation: str, call: Any) -> Any:
        asked.append(operation)
        answer = call()
        if operation == "HeadObject":
            answer[0][1].update(ChecksumSHA256=known, ChecksumType="FULL_OBJECT")
        return answer

    with faults.recorded() as read:
        inbox.deliver(inbox.push("notes.txt", b"notes"))
    with faults.at_every_call(tell):
        inbox.deliver(inbox.push("other.txt", b"notes"))

    assert (read.count("GetObject"), asked.count("GetObject")) == (1, 0)
    noted = {one["sk"]: one["noted"] for one in inbox.ledger() if "noted" in one}
    digests = {name: json.loads(one)["sha256"] for name, one in noted.items()}
    assert digests["notes.txt"] == digests["other.txt"] == hashlib.sha256(b"notes").hexdigest()


@pytest.mark.parametrize("operation", ["Sign", "PutObject"])
def test_a_signature_that_nobody_heard_of_is_made_again_or_adopted(
    inbox: Inbox, faults: Faults, operation: str
) -> None:
    pushed = crashed_after(inbox, faults, operation)
    before = inbox.vault()

    assert inbox.deliver(*pushed) == []

    assert_signed(inbox.vault())
    assert before.items() <= inbox.vault().items()
    assert len(inbox.packages()) == 1


def test_whoever_comes_second_adopts_the_envelope_that_stands_there(
    inbox: Inbox, faults: Faults
) -> None:
    pushed = crashed_after(inbox, faults, "CreateModelPackageGroup")
    key, first = envelope_of(inbox)

    with faults.recorded() as calls:
        assert inbox.deliver(*pushed) == []

    assert (calls.count("Sign"), calls.count("Verify")) == (0, 1)
    assert envelope_of(inbox) == (key, first)


def test_an_envelope_that_came_between_the_look_and_the_write_is_adopted(
    inbox: Inbox, faults: Faults, aws: Callable[[str], Any]
) -> None:
    pushed = crashed_after(inbox, faults, "Sign")
    rival = list[bytes]()

    def come_first(operation: str, call: Any) -> Any:
        if operation == "Sign" and not rival:
            answer = call()
            with faults.at_every_call(lambda _operation, inner: inner()):
                rival.append(b"")
                assert inbox.deliver(*pushed) == []
            rival[:] = [envelope_of(inbox)[1]]
            return answer
        return call()

    with faults.at_every_call(come_first):
        assert inbox.deliver(*pushed) == []

    assert envelope_of(inbox)[1] == rival[0]
    assert len(inbox.packages()) == 1


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        pytest.param(lambda _payload: b"signed, believe me", "SIGNATURE_UNREADABLE", id="nothing"),
        pytest.param(
            lambda payload: signature_of(STRANGE_KEY, payload), "SIGNATURE_UNTRUSTED", id="strange"
        ),
    ],
)
def test_an_envelope_that_is_no_proof_of_it_is_a_conflict(
    inbox: Inbox, faults: Faults, aws: Callable[[str], Any], forge: Any, reason: str
) -> None:
    pushed = crashed_after(inbox, faults, "CreateModelPackageGroup")
    key, standing = envelope_of(inbox)
    payload = base64.b64decode(json.loads(standing)["payload"])
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=forge(payload))

    assert inbox.deliver(*pushed) == []

    assert set(inbox.records().values()) == {"Failed VaultConflict"}
    assert reason in inbox.details()[MODEL]
    assert inbox.packages() == []


def test_there_is_no_package_before_the_envelope_stands(inbox: Inbox, faults: Faults) -> None:
    with faults.recorded() as calls:
        inbox.deliver(*inbox.push_folder())

    last_write = len(calls) - 1 - calls[::-1].index("PutObject")
    assert calls.index("Sign") < last_write < calls.index("CreateModelPackage")
