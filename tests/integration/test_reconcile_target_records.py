"""`reconcile_target`: a release's record that somebody edited keeps that release, and no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.domain.rollout import Phase
from sluice.domain.target import Mark
from tests.builders import AT, STABLE, TARGET, a_package_arn, a_signal, a_state, a_wanted, deployed
from tests.integration.reconciling import ENDED, OLD, TICK, changed, reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.rollouts import World

OLDER = deployed(1, epoch=1)
DUE = {"target": TARGET, "at": "2026-05-03T14:00:00.000Z"}
WRONG = (
    "RELEASE#churn / V#00000{} in the ledger cannot be read: "
    "capture: Input should be 'Claimed' or 'Registered', found 'Unheard'"
)


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    """An endpoint that serves version 3, beside all that the schedule has seen approved."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    world.given_versions(1, 2, 3)
    reconcile(world, TICK)
    world.given(a_state(last_good=(STABLE, OLD, OLDER)))
    world.announced()


def edit(world: World, version: int) -> None:
    item = world.table.get("RELEASE#churn", f"V#{version:06d}")
    world.table.write(world.table.put({**(item or {}), "capture": "Unheard"}))


def test_a_rollback_passes_over_a_release_that_nobody_can_read_about(world: World) -> None:
    edit(world, 2)
    world.decide(a_package_arn(3), "Rejected")

    assert reconcile(world, changed(3)) == ["started churn-g1-e5"]

    given = world.input_of("churn-g1-e5")
    assert (given["kind"], given["release"]["variant"]) == ("RollBack", "v1-e5")


def test_the_schedule_rolls_back_all_the_same_and_says_what_is_wrong(world: World) -> None:
    edit(world, 2)
    world.decide(a_package_arn(3), "Rejected")

    with pytest.raises(ExceptionGroup) as raised:
        reconcile(world, TICK)

    assert world.input_of("churn-g1-e5")["release"]["variant"] == "v1-e5"
    assert raised.group_contains(RecordUnreadableError, match=re.escape(WRONG.format(2)))


def test_with_no_other_way_back_people_are_told_which_item_it_is(
    world: World, told: Callable[[], list[str]]
) -> None:
    edit(world, 2)
    world.given(a_state(last_good=(STABLE, OLD), rollback_owed=a_signal(3)))

    reconcile(world, DUE)
    reconcile(world, DUE)

    assert (world.state.phase, world.executions()) == (Phase.HALTED, {"churn-g1-e1": "RUNNING"})
    (message,) = told()
    assert f"is still approved; {WRONG.format(2)}." in message


def test_what_serves_goes_on_serving_and_can_be_rejected(world: World) -> None:
    edit(world, 3)

    assert reconcile(world, DUE) == ["no approval is waiting"]

    world.decide(a_package_arn(3), "Rejected")
    assert reconcile(world, DUE) == ["started churn-g1-e5"]
    assert world.input_of("churn-g1-e5")["release"]["variant"] == "v2-e5"


def test_it_is_not_deployed_and_whoever_approved_it_is_told_once(
    world: World, told: Callable[[], list[str]]
) -> None:
    edit(world, 2)
    world.given(a_state(wanted=a_wanted(2)))
    reason = f"LEDGER_CHANGED: {WRONG.format(2)}. Restore that item from a backup, and approve it"

    (answer,) = reconcile(world, ENDED)
    reconcile(world, DUE)

    assert answer.startswith(f"consumed: {reason}")
    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    assert [kind for kind, _ in world.announced()] == ["ApprovalDropped"]
    (message,) = told()
    assert message.startswith(f"churn-v2 is not rolled out on {TARGET}: {reason}")
    assert world.history()[-1] == "Aborted"


def test_another_approval_is_found_by_the_schedule_and_rolled_out(world: World) -> None:
    edit(world, 1)
    world.given_versions(4)

    with pytest.raises(ExceptionGroup):
        reconcile(world, TICK)

    assert world.input_of("churn-g1-e5")["release"]["variant"] == "v4-e5"


def test_a_mark_on_it_does_not_keep_its_target_waiting(world: World) -> None:
    edit(world, 2)
    world.given(
        a_state(
            bad={"churn-v2": Mark(reason="errors", at=AT)}, rollback_owed=a_signal(3)
        ).model_copy(update={"last_good": (STABLE, OLD, OLDER)})
    )

    with pytest.raises(ExceptionGroup):
        reconcile(world, TICK)

    assert world.input_of("churn-g1-e5")["release"]["variant"] == "v1-e5"
