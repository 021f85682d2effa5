"""`prepare_rollout`: what no trusted key has signed is deployed nowhere, and is no way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.domain.attestation import signed_by, statement
from sluice.domain.envelope import parse_envelope
from sluice.domain.manifest import MANIFEST, digest_of, manifest_uri, vault_key
from sluice.domain.rollout import Action, Kind
from tests.builders import BUCKET, a_quota
from tests.integration.captured import Captured
from tests.integration.signing import (
    FORMER_KEY,
    SIGNING_KEY,
    STRANGE_KEY,
    Envelopes,
    signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.domain.release import Release
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.published import Application
    from tests.integration.rollouts import Wire, World

PREPARED = ("CreateModel", "CreateEndpointConfig", "PutMetricAlarm")


@pytest.fixture
def captured(world: World, inbox: Inbox, wire: Wire) -> Captured:
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])
    return Captured(world, inbox)


def gone(envelopes: Envelopes, of: Release) -> None:
    envelopes.delete(of)


def flipped(envelopes: Envelopes, of: Release) -> None:
    envelope = json.loads(envelopes.of(of))
    (sig,) = envelope["signatures"]
    sig["sig"] = sig["sig"][:-8] + ("A" if sig["sig"][-8] != "A" else "B") + sig["sig"][-7:]
    envelopes.put(of, json.dumps(envelope).encode())


def of_another_payload(envelopes: Envelopes, of: Release) -> None:
    envelope = parse_envelope(envelopes.of(of))
    forged = envelope.payload.replace(b"ml.m5.large", b"ml.m5.xlarge")
    assert forged != envelope.payload
    envelopes.put(of, envelope._replace(payload=forged).spelled())


def by_a_strange_key(envelopes: Envelopes, of: Release) -> None:
    envelopes.sign(of, STRANGE_KEY)


def under_a_trusted_name(envelopes: Envelopes, of: Release) -> None:
    payload = parse_envelope(envelopes.of(of)).payload
    sig = signature(STRANGE_KEY, payload)
    envelopes.put(of, signed_by(SIGNING_KEY, sig, payload=payload).spelled())


def by_no_bytes(envelopes: Envelopes, of: Release) -> None:
    payload = parse_envelope(envelopes.of(of)).payload
    envelopes.put(of, signed_by(SIGNING_KEY, b"", payload=payload).spelled())


def by_too_many_bytes(envelopes: Envelopes, of: Release) -> None:
    payload = parse_envelope(envelopes.of(of)).payload
    envelopes.put(of, signed_by(SIGNING_KEY, b"0" * 6145, payload=payload).spelled())


def of_another_manifest(envelopes: Envelopes, of: Release) -> None:
    """Signed by the right key, about something else: what only that key's holder can do."""
    payload = parse_envelope(envelopes.of(of)).payload
    forged = payload.replace(b"ml.m5.large", b"ml.m5.xlarge")
    envelopes.sign(of, SIGNING_KEY, payload=forged)


def of_other_subjects(envelopes: Envelopes, of: Release) -> None:
    said = json.loads(parse_envelope(envelopes.of(of)).payload)
    said["subject"].pop()
    envelopes.sign(of, SIGNING_KEY, payload=json.dumps(said).encode())


def in_no_envelope(envelopes: Envelopes, of: Release) -> None:
    envelopes.put(of, b"signed, believe me")


def too_large(envelopes: Envelopes, of: Release) -> None:
    envelopes.put(of, b" " * (4 * 1024 * 1024) + envelopes.of(of))


TAMPERED = [
    pytest.param(gone, "SIGNATURE_MISSING", id="gone"),
    pytest.param(flipped, "SIGNATURE_INVALID", id="flipped"),
    pytest.param(of_another_payload, "SIGNATURE_INVALID", id="another payload"),
    pytest.param(by_a_strange_key, "SIGNATURE_UNTRUSTED", id="a strange key"),
    pytest.param(under_a_trusted_name, "SIGNATURE_INVALID", id="under a trusted name"),
    pytest.param(by_no_bytes, "SIGNATURE_INVALID", id="no bytes"),
    pytest.param(by_too_many_bytes, "SIGNATURE_INVALID", id="too many bytes"),
    pytest.param(of_another_manifest, "SIGNED_OTHERWISE", id="another manifest"),
    pytest.param(of_other_subjects, "SIGNED_OTHERWISE", id="other subjects"),
    pytest.param(in_no_envelope, "SIGNATURE_UNREADABLE", id="no envelope"),
    pytest.param(too_large, "SIGNATURE_UNREADABLE", id="too large"),
]


@pytest.mark.parametrize(("tamper", "reason"), TAMPERED)
def test_a_release_is_deployed_under_its_own_signature_or_not_at_all(
    captured: Captured, envelopes: Envelopes, wire: Wire, tamper: Any, reason: str
) -> None:
    rollout = captured.start()
    tamper(envelopes, captured.release(2))
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert made.reason.partition(":")[0] == reason
    assert wire.calls(*PREPARED) == []


def test_a_strange_key_is_named_and_so_is_what_to_do_without_a_signature(
    captured: Captured, envelopes: Envelopes
) -> None:
    rollout = captured.start()
    by_a_strange_key(envelopes, captured.release(2))
    assert STRANGE_KEY in captured.prepare(rollout).reason

    gone(envelopes, captured.release(2))
    assert "push it again as a new version" in captured.prepare(rollout).reason


def test_what_is_no_more_signed_is_no_way_back(captured: Captured, envelopes: Envelopes) -> None:
    flipped(envelopes, captured.release(1))

    made = captured.prepare(captured.start())

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith("NO_WAY_BACK: SIGNATURE_INVALID: ")


def test_a_rollback_goes_to_nothing_unsigned(captured: Captured, envelopes: Envelopes) -> None:
    gone(envelopes, captured.release(2))

    made = captured.prepare(captured.start(Kind.ROLL_BACK))

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith("SIGNATURE_MISSING: ")


def test_a_rollback_leaves_what_is_unsigned(captured: Captured, envelopes: Envelopes) -> None:
    gone(envelopes, captured.release(1))

    assert captured.prepare(captured.start(Kind.ROLL_BACK)).action is Action.UPDATE


def test_a_former_key_is_trusted_still(captured: Captured, envelopes: Envelopes) -> None:
    envelopes.sign(captured.release(2), FORMER_KEY)

    assert captured.prepare(captured.start()).action is Action.UPDATE


def test_another_release_s_signature_is_none_for_this_one(
    captured: Captured, envelopes: Envelopes
) -> None:
    envelopes.put(captured.release(2), envelopes.of(captured.release(1)))

    assert captured.prepare(captured.start()).reason.startswith("SIGNED_OTHERWISE: ")


def test_who_forges_ledger_and_vault_alike_lacks_the_key(
    captured: Captured, function: Callable[[str], Any], aws: Callable[[str], Any]
) -> None:
    """All that bears witness of a manifest says another one, and says it with one voice."""
    rollout, table = captured.start(), captured.world.table
    capture, record = (table.get("RELEASE#churn", f"{one}#000002") for one in ("CAPTURE", "V"))
    assert capture
    assert record
    text = capture["manifest"].replace("ml.m5.large", "ml.m5.xlarge")
    name, digest = captured.release(2).name, digest_of(text)
    said = {"digest": digest, "manifest_uri": manifest_uri(BUCKET, name, digest)}
    for forged in ({**capture, "manifest": text}, {**record, **said}):
        table.write(table.put(forged))
    aws("s3").put_object(Bucket=BUCKET, Key=vault_key(name, digest, MANIFEST), Body=text)
    checking = function("prepare_rollout").fleets.checking

    release = rollout.release.model_copy(update=said)
    captures = checking.read(rollout.model_copy(update={"release": release}))

    assert captures.release.text == text
    complaint = checking.recalling.unsigned(captures.release)
    assert complaint.startswith("SIGNATURE_MISSING: the vault has no releases/churn/v2-")


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "AccessDeniedException",
        "DisabledException",
        "KMSInvalidStateException",
        "NotFoundException",
    ],
)
def test_a_key_that_cannot_be_asked_is_no_verdict(
    captured: Captured, faults: Faults, code: str
) -> None:
    rollout = captured.start()

    with faults.refusing("Verify", code), pytest.raises(ClientError, match=code):
        captured.prepare(rollout)

    assert captured.prepare(rollout).action is Action.UPDATE


def test_each_release_is_verified_once(captured: Captured, wire: Wire) -> None:
    rollout = captured.start()
    wire.asked.clear()

    captured.prepare(rollout)

    assert [one["KeyId"] for one in wire.calls("Verify")] == [SIGNING_KEY, SIGNING_KEY]
    assert wire.calls("Sign") == []


def test_the_statement_that_is_signed_is_made_of_the_manifest_in_the_ledger(
    captured: Captured, envelopes: Envelopes
) -> None:
    release = captured.release(2)
    item = captured.world.table.get("RELEASE#churn", "CAPTURE#000002")
    assert item
    text = item["manifest"]
    objects = captured.manifest(2).objects

    signed = parse_envelope(envelopes.of(release)).payload

    assert signed == statement(text, digest=release.digest, objects=objects)


# Applications.


@pytest.mark.parametrize(("tamper", "reason"), [TAMPERED[0], TAMPERED[1], TAMPERED[3]])
def test_an_application_is_led_to_nothing_unsigned(
    support: Application, envelopes: Envelopes, tamper: Any, reason: str
) -> None:
    tamper(envelopes, support.release(2))

    made = support.prepare(support.start())

    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert made.reason.partition(":")[0] == reason
    assert support.lambdas.calls("PublishVersion") == 0


def test_an_application_s_way_back_is_signed(support: Application, envelopes: Envelopes) -> None:
    flipped(envelopes, support.release(1))

    assert support.prepare(support.start()).reason.startswith("NO_WAY_BACK: SIGNATURE_INVALID: ")
