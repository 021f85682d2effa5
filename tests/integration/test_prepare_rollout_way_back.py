"""`prepare_rollout`: a canary needs something that can be gone back to, or a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.__main__ import main
from sluice.domain.rollout import Action, Kind
from tests.builders import BUCKET, TARGET
from tests.integration.conftest import ROLE, TABLE

if TYPE_CHECKING:
    from tests.integration.captured import Captured
    from tests.integration.rollouts import Wire

WEIGHTS = "model.tar.gz of churn-v1 in the vault"
WORD = ["--why", "the weights are lost for good", "--by", "ann", "--table", TABLE]


def lose(captured: Captured, version: int) -> str:
    """The weights of a version are gone from the vault; their key."""
    key = f"releases/churn/v{version}-{captured.release(version).digest[:12]}/model.tar.gz"
    captured.world.aws("s3").delete_object(Bucket=BUCKET, Key=key)
    return key


def test_what_is_missing_is_named_and_how_to_go_on(captured: Captured) -> None:
    rollout = captured.start()
    key = lose(captured, 1)

    made = captured.prepare(rollout)

    assert made.action is Action.ROLL_BACK
    assert made.reason == (
        f"NO_WAY_BACK: {WEIGHTS}: expected {key}, found nothing. Mend that and approve churn-v2 "
        "again; or, to go on without a way back, `sluice override endpoint/churn --release "
        'churn-v2 --why "…"` first'
    )


def test_stable_cannot_be_decrypted(captured: Captured, wire: Wire) -> None:
    rollout = captured.start()
    said = "arn:aws:kms:us-east-1:123456789012:key/k is disabled."
    wire.refuse("GetObject", "KMS.DisabledException", said)

    made = captured.prepare(rollout)

    assert made.reason == (
        f"KEY_UNUSABLE: churn-v2 cannot be decrypted: KMS.DisabledException: {said}"
    )


@pytest.mark.parametrize("kind", [Kind.CANARY, Kind.ROLL_BACK])
def test_a_key_that_is_busy_is_no_verdict(captured: Captured, wire: Wire, kind: Kind) -> None:
    """Else one throttled call would pass over a good release in the middle of an incident."""
    rollout = captured.start(kind)
    wire.refuse("GetObject", "KMS.ThrottlingException", "Rate exceeded")

    assert captured.prepare(rollout).action is Action.UPDATE


def test_the_role_that_stable_ran_as_is_gone(captured: Captured) -> None:
    rollout = captured.start()
    captured.world.aws("iam").delete_role(RoleName=ROLE.rpartition("/")[2])

    assert captured.prepare(rollout).reason.startswith(
        f"NO_WAY_BACK: {ROLE}, which churn-v1 runs as, does not exist any more"
    )


def test_what_a_person_has_rejected_is_no_way_back_that_is_missed(captured: Captured) -> None:
    """Else a halted target could never be mended."""
    rollout = captured.start()
    lose(captured, 1)
    captured.world.decide(captured.stable.package_arn, "Rejected")

    assert captured.prepare(rollout).action is Action.UPDATE


def test_a_rollback_is_not_asked_for_a_way_back(captured: Captured) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    lose(captured, 1)

    assert captured.prepare(rollout).action is Action.UPDATE


@pytest.fixture
def overridden(captured: Captured) -> Captured:
    """Stable's weights are lost, and a person has said that version 2 may begin all the same."""
    captured.start()
    lose(captured, 1)
    assert main(["override", "churn", "--release", "churn-v2", *WORD]) == 0
    return captured


def test_a_person_s_word_lets_the_rollout_go_on_and_the_history_says_whose(
    overridden: Captured,
) -> None:
    world = overridden.world
    rollout = world.state.rollout
    assert rollout

    assert overridden.prepare(rollout).action is Action.UPDATE
    assert overridden.prepare(rollout).action is Action.UPDATE, "the reply was lost"

    said = [one for one in world.targets.history(TARGET) if one.event.startswith("Override")]
    assert [one.event for one in said] == ["OverrideGiven", "OverrideUsed"]
    assert "on the word of ann: the weights are lost for good" in said[1].reason
    assert f"{WEIGHTS}: expected" in said[1].reason
    assert world.state.override
    assert world.state.override.rollout == rollout.id


def test_a_word_is_for_one_rollout(overridden: Captured) -> None:
    world = overridden.world
    rollout = world.state.rollout
    assert rollout
    assert overridden.prepare(rollout).action is Action.UPDATE

    later = rollout.model_copy(update={"id": "churn-g1-e3", "epoch": 3})
    held = {"rollout": later, "holder": later.id, "epoch": 3}
    world.given(world.state.model_copy(update=held))

    assert overridden.prepare(later).reason.startswith("NO_WAY_BACK: ")


def test_a_word_that_was_not_needed_is_used_up(captured: Captured) -> None:
    rollout = captured.start()
    assert main(["override", "churn", "--release", "churn-v2", *WORD]) == 0

    assert captured.prepare(rollout).action is Action.UPDATE
    lose(captured, 1)
    later = rollout.model_copy(update={"id": "churn-g1-e3", "epoch": 3})
    held = {"rollout": later, "holder": later.id, "epoch": 3}
    captured.world.given(captured.world.state.model_copy(update=held))

    assert captured.prepare(later).reason.startswith("NO_WAY_BACK: ")
    assert "OverrideNotNeeded" in captured.world.history()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["fraud", "--release", "churn-v2"], "churn-v2 is no release for endpoint/fraud"),
        (["churn", "--release", "churn-v1"], "churn-v1 serves endpoint/churn already"),
    ],
)
def test_a_word_about_something_else_is_refused(
    captured: Captured, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    captured.start()

    assert main(["override", *asked, *WORD]) == 1

    assert said in capsys.readouterr().err
    assert captured.world.state.override is None


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("churn-v9", "the ledger knows no release 'churn-v9'"),
        ("churn", "'churn' names no release: write its group and number, churn-v4"),
    ],
)
def test_a_word_about_no_release_says_what_to_write(
    captured: Captured, capsys: pytest.CaptureFixture[str], release: str, said: str
) -> None:
    captured.start()

    assert main(["override", "churn", "--release", release, *WORD]) == 2

    assert said in capsys.readouterr().err
