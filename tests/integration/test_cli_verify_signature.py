"""`sluice verify`: a release that no trusted key has signed is one finding, and names it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from tests.builders import a_state
from tests.integration.captured import Captured
from tests.integration.conftest import TABLE
from tests.integration.rollouts import ROLE
from tests.integration.signing import STRANGE_KEY

if TYPE_CHECKING:
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World
    from tests.integration.signing import Envelopes

pytestmark = pytest.mark.usefixtures("trusting")

ASKED = ["--all", "--json", "--table", TABLE, "--serving-role", ROLE]
SIGNED = "by a trusted key"


@pytest.fixture
def captured(world: World, inbox: Inbox) -> Captured:
    """Version 1 serves; version 2 may be gone back to."""
    captured = Captured(world, inbox)
    good = (captured.stable, captured.deployed(2, epoch=2))
    world.given(a_state(live=captured.stable, last_good=good))
    return captured


def found(capsys: pytest.CaptureFixture[str], *more: str, code: int) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["verify", *ASKED, *more]) == code
    (target,) = json.loads(capsys.readouterr().out)["targets"]
    findings: list[dict[str, Any]] = target["findings"]
    return findings


def test_a_release_that_is_signed_is_as_approved(
    captured: Captured, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captured
    assert found(capsys, code=0) == []


@pytest.mark.parametrize("version", [1, 2], ids=["what serves", "what may be gone back to"])
def test_a_signature_that_is_gone_or_another_s_is_one_finding(
    captured: Captured, envelopes: Envelopes, version: int, capsys: pytest.CaptureFixture[str]
) -> None:
    what = f"signature of churn-v{version}"
    envelopes.sign(captured.release(version), STRANGE_KEY)
    (finding,) = found(capsys, code=1)
    assert (finding["what"], finding["expected"], finding["severity"]) == (what, SIGNED, "drift")
    assert finding["found"].startswith(f"SIGNATURE_UNTRUSTED: signed by {STRANGE_KEY}")

    envelopes.delete(captured.release(version))
    (finding,) = found(capsys, code=1)
    assert (finding["what"], finding["found"], finding["severity"]) == (what, "nothing", "gone")


def test_a_key_that_cannot_be_asked_leaves_it_unread(
    captured: Captured, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captured
    with faults.refusing("Verify", "DisabledException"):
        findings = found(capsys, code=3)

    assert {one["severity"] for one in findings} == {"unreadable"}
    assert [one["what"] for one in findings] == ["signature of churn-v1", "signature of churn-v2"]


def test_where_nobody_knows_which_keys_are_trusted_nothing_is_taken_for_signed(
    captured: Captured, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert captured
    monkeypatch.delenv("SLUICE_TRUSTED_KEYS")

    findings = found(capsys, code=3)

    assert {one["severity"] for one in findings} == {"unreadable"}
    assert "--trusted-keys or SLUICE_TRUSTED_KEYS" in findings[0]["found"]
