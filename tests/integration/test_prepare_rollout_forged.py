"""`prepare_rollout`: a ledger and a history that somebody wrote into are told, and not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.manifest import ManifestError
from sluice.domain.rollout import Action, Kind
from tests.builders import TARGET, a_quota
from tests.integration.captured import Captured

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World


@pytest.fixture(autouse=True)
def _enough_instances(wire: Wire) -> None:
    """A hundred of the usual type are allowed; moto knows no quota of SageMaker."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])


@pytest.fixture
def captured(world: World, inbox: Inbox) -> Captured:
    return Captured(world, inbox)


# The ledger.


def edit_item(captured: Captured, pk: str, sk: str, **changes: Any) -> None:
    item = captured.world.table.get(pk, sk)
    assert item
    captured.world.table.write(captured.world.table.put({**item, **changes}))


RECORD = ("RELEASE#churn", "V#000001")


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        pytest.param(
            {"digest": "e" * 64}, f"digest of churn-v1 in its record: expected @, found {'e' * 64}"
        ),
        pytest.param({"package_arn": "arn:x"}, "package of churn-v1 in STATE: expected arn:x"),
        pytest.param({"manifest_uri": "s3://b/k"}, "place of churn-v1 in its record: expected s3"),
        pytest.param(
            {"target": "other"}, "target of churn-v1 in its record: expected churn, found o"
        ),
        pytest.param(
            {"missed": ["f1"]}, "missed gates of churn-v1 in its record: expected nothing"
        ),
        pytest.param({"capture": "Nonsense"}, "record of churn-v1 in the ledger: expected @"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_a_record_that_was_edited_is_told(
    captured: Captured, wire: Wire, changes: dict[str, Any], difference: str
) -> None:
    rollout = captured.start()
    edit_item(captured, *RECORD, **changes)
    wire.asked.clear()

    made = captured.prepare(rollout)

    told = difference.replace("@", captured.stable.digest)
    assert made.reason.startswith(f"LEDGER_CHANGED: {told}")
    assert made.action is Action.ROLL_BACK
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []


def test_a_release_is_made_for_no_target_but_its_own(
    captured: Captured, function: Callable[[str], Any]
) -> None:
    """Whoever put the record right again after the approval has left no other trace."""
    rollout = captured.start()
    checking = function("prepare_rollout").fleets.checking
    elsewhere = rollout.model_copy(update={"target": "endpoint/payments"})

    assert checking.read(rollout)
    with pytest.raises(ManifestError, match=r"target of churn-v2: expected endpoint/churn, found"):
        checking.read(elsewhere)


def test_a_manifest_that_is_gone_from_the_ledger_is_told(captured: Captured) -> None:
    rollout = captured.start()
    table = captured.world.table
    table.write(table.delete("RELEASE#churn", "CAPTURE#000001"))

    assert captured.prepare(rollout).reason.startswith(
        f"LEDGER_CHANGED: manifest of churn-v1 in the ledger: expected {captured.stable.digest}, "
        "found nothing. "
    )


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        pytest.param({"digest": "e" * 64}, "digest of churn-v2 in STATE: expected "),
        pytest.param({"package_arn": "arn:x"}, "package of churn-v2 in STATE: expected arn:aws"),
        pytest.param({"manifest_uri": "s3://b/k"}, "place of churn-v2 in STATE: expected s3://sl"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_a_rollback_lands_on_no_good_release_that_was_edited(
    captured: Captured, changes: dict[str, Any], difference: str
) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    release = rollout.release.model_copy(update=changes)
    forged = rollout.model_copy(update={"release": release})

    made = captured.prepare(forged)

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith(f"LEDGER_CHANGED: {difference}")


def test_a_rollback_needs_one_true_manifest(captured: Captured) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    edit_item(captured, "RELEASE#churn", "CAPTURE#000002", manifest="{}")

    assert captured.prepare(rollout).action is Action.UPDATE


def test_a_rollback_needs_what_the_ledger_alone_says_of_the_copies(captured: Captured) -> None:
    """Manifest and signature know what was pushed; which version of the vault that is, neither."""
    rollout = captured.start(Kind.ROLL_BACK)
    table = captured.world.table
    table.write(table.delete("RELEASE#churn", "CAPTURE#000002"))

    made = captured.prepare(rollout)

    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert made.reason.startswith("ARTIFACT_CHANGED: ")
    assert "copy of model.tar.gz of churn-v2 in the ledger: expected " in made.reason


def test_a_record_that_cannot_be_read_keeps_a_canary_and_no_rollback(captured: Captured) -> None:
    canary = captured.start()
    edit_item(captured, "RELEASE#churn", "V#000002", capture="Nonsense")
    refused = captured.prepare(canary)
    edit_item(captured, "RELEASE#churn", "V#000002", capture="Registered")
    rollback = captured.start(Kind.ROLL_BACK)
    edit_item(captured, "RELEASE#churn", "V#000002", capture="Nonsense")

    made = captured.prepare(rollback)

    assert refused.reason.startswith("LEDGER_CHANGED: record of churn-v2 in the ledger: expected ")
    assert made.action is Action.UPDATE


# The history.


def delete_entry(captured: Captured, number: int) -> dict[str, Any]:
    table, key = captured.world.table, (f"TARGET#{TARGET}", f"HISTORY#{number:08d}")
    item = table.get(*key)
    assert item
    table.write(table.delete(*key))
    return item


def tell(captured: Captured) -> None:
    """Two entries more."""
    state = captured.world.state
    event = captured.started.events[0]
    captured.world.given(state, event, event)


def test_a_canary_is_not_built_upon_a_history_that_lacks_an_entry(
    captured: Captured, wire: Wire
) -> None:
    rollout = captured.start()
    tell(captured)
    item = delete_entry(captured, 2)
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert (made.action, made.blames, made.edited) == (Action.ROLL_BACK, False, False)
    assert made.reason == (
        "HISTORY_BROKEN: entry 2: entry 2 is missing (between entry 1 and entry 3). Restore it "
        "from a bundle of sluice audit or a backup, and approve the version again"
    )
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []
    captured.world.table.write(captured.world.table.put(item))
    assert captured.prepare(rollout).action is Action.UPDATE


def test_a_rewritten_entry_and_a_state_that_names_another_are_told(captured: Captured) -> None:
    rollout = captured.start()
    tell(captured)
    edit_item(captured, f"TARGET#{TARGET}", "HISTORY#00000002", reason="nothing happened")
    edit_item(captured, f"TARGET#{TARGET}", "STATE", history_hash="e" * 64)

    reason = captured.prepare(rollout).reason

    assert reason.startswith("HISTORY_BROKEN: entry 2: its content has the hash ")
    assert f"entry 3: STATE holds '{'e' * 64}' as the newest entry's hash" in reason


def test_a_rollback_goes_on_with_a_broken_history_and_says_so(captured: Captured) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    tell(captured)
    delete_entry(captured, 1)

    made = captured.prepare(rollout)

    assert made.action is Action.UPDATE
    assert made.reason.startswith(
        f"{rollout.reason}; all the same, HISTORY_BROKEN: entry 1: entry 1 is missing"
    )
