"""`reconcile_target`: what people approve and reject; the ledger and the executions out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Phase
from sluice.domain.target import Cause
from tests.builders import (
    AT,
    EXECUTION,
    STABLE,
    TARGET,
    a_package_arn,
    a_release,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
)
from tests.integration.reconciling import ENDED, OLD, changed, reconcile
from tests.integration.reconciling import told as told_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    """An endpoint that serves."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)


# Approvals.


def test_the_first_approval_starts_the_first_deployment(
    world: World, told: Callable[[], list[str]]
) -> None:
    world.given_versions(1)

    assert reconcile(world, changed(1)) == ["started churn-g1-e1"]

    state = world.state
    assert (state.owner, state.epoch, state.holder) == ("churn", 1, "churn-g1-e1")
    assert (state.phase, state.live) == (Phase.STARTING, None)
    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    given = world.input_of("churn-g1-e1")
    assert (given["kind"], given["release"]["variant"]) == ("AllAtOnce", "v1-e1")
    assert world.history() == ["Approved", "RolloutStarted"]
    assert [kind for kind, _ in world.announced()] == ["RolloutStarted"]
    assert world.targets.in_flight() == (TARGET,)


def test_the_event_is_a_hint_the_registry_is_the_truth(world: World) -> None:
    """A forged or late event says Approved; the package is not."""
    world.given_versions(1, status="PendingManualApproval")

    reconcile(world, changed(1))

    assert world.executions() == {}
    assert world.targets.read(TARGET) is None


def test_an_approval_told_five_times_is_one(world: World) -> None:
    world.given_versions(1)

    for _ in range(5):
        reconcile(world, changed(1))

    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    assert (world.state.approval_seq, world.state.epoch) == (1, 1)
    assert world.history() == ["Approved", "RolloutStarted"]


def test_an_approval_told_twice_at_once_is_one(world: World, faults: Faults) -> None:
    for call in range(12):
        version = call + 1
        world.given_versions(version)
        world.given(a_state(live=None, last_good=(), approval_seq=0, epoch=10 * version))
        event = changed(version)

        with faults.meanwhile(call, lambda event=event: reconcile(world, event)):
            reconcile(world, event)

        assert world.history()[-2:] == ["Approved", "RolloutStarted"], f"interrupted at {call}"
        assert (world.state.approval_seq, world.state.epoch) == (1, 10 * version + 1)


def test_the_time_is_the_events(world: World) -> None:
    world.given_versions(1)

    reconcile(world, changed(1))

    assert {entry.at for entry in world.targets.history(TARGET)} == {AT}


def test_an_approval_during_a_rollout_waits_for_its_end(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(a_rollout(), token="t-1", phase=Phase.BAKING))
    world.start(EXECUTION)
    arn = world.given_release(a_release("churn-v5"))

    reconcile(world, changed(5))

    assert world.executions() == {EXECUTION: "RUNNING"}
    assert world.state.wanted
    assert world.state.wanted.package_arn == arn


def test_the_end_of_a_rollout_starts_what_waited(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))

    assert reconcile(world, ENDED) == ["started churn-g1-e5"]

    given = world.input_of("churn-g1-e5")
    assert (given["kind"], given["stable"]["variant"]) == ("Canary", "v3-e3")


def test_an_approval_for_a_target_of_another_group_is_refused(world: World) -> None:
    world.given_versions(1)
    reconcile(world, changed(1))
    world.given_release(a_release("fraud-v1", target="churn"))

    (answer,) = reconcile(world, changed(1, "fraud"))

    assert answer.startswith("TARGET_NOT_OWNED")
    assert world.executions() == {"churn-g1-e1": "RUNNING"}


def test_a_package_that_is_none_of_ours_is_left_alone(world: World) -> None:
    sagemaker = world.aws("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    sagemaker.create_model_package(ModelPackageGroupName="churn", ModelApprovalStatus="Approved")

    assert reconcile(world, changed(1)) == [f"{a_package_arn(1)} is no release of ours"]
    assert world.executions() == {}


def test_a_package_that_claims_to_be_a_release_of_ours_is_not_believed(world: World) -> None:
    world.given_versions(1)
    forged = world.aws("sagemaker").create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"version-folder": "models/churn-v1"},
    )["ModelPackageArn"]

    assert reconcile(world, changed(2)) == [f"{forged} is no release of ours"]


# Rejections.


def test_a_rejection_before_the_start_withdraws_the_approval(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(a_rollout(id="churn-g1-e4"), holder="churn-g1-e4", wanted=None))
    world.start("churn-g1-e4")
    arn = world.given_release(a_release("churn-v5"))
    reconcile(world, changed(5))

    world.decide(arn, "Rejected")
    reconcile(world, changed(5))

    assert world.state.wanted is None


def test_a_rejection_of_the_canary_wakes_its_rollout(world: World, wire: Wire) -> None:
    world.given_versions(1, 2, 3, 4)
    reconcile(world, changed(4))
    world.given(a_state(a_rollout(position=0), token="t-1", parked_at=AT, phase=Phase.BAKING))
    world.start(EXECUTION)
    wire.always("SendTaskSuccess")

    world.decide(a_package_arn(4), "Rejected")
    (answer,) = reconcile(world, changed(4))

    assert answer.startswith(f"woke {EXECUTION}: rejected by")
    (sent,) = wire.calls("SendTaskSuccess")
    assert sent["taskToken"] == "t-1"
    woken = json.loads(sent["output"])
    assert (woken["action"], woken["blames"]) == ("RollBack", False)
    assert world.state.signal
    assert world.state.signal.cause is Cause.REJECTION


@pytest.mark.parametrize(
    ("status", "history"),
    [("Rejected", ["Rejected", "Approved"]), ("PendingManualApproval", ["Approved"])],
)
def test_an_approval_taken_back_and_given_again_before_we_look_starts_it_again(
    world: World, status: str, history: list[str]
) -> None:
    """Nothing but the first event tells of it; told twice, or once more later, it counts once."""
    world.given_versions(1, 2, 3, 4)
    reconcile(world, changed(4))
    world.given(a_state(wanted=None, approval_seq=1))
    begun = world.history()

    world.decide(a_package_arn(4), status)
    package = world.aws("sagemaker").describe_model_package(ModelPackageName=a_package_arn(4))
    event = told_of(4, status, package["LastModifiedTime"])
    world.decide(a_package_arn(4), "Approved")
    for one in (changed(4), event, event, changed(4)):
        reconcile(world, one)

    assert world.history()[len(begun) :] == [*history, "RolloutStarted"]


def test_a_rejection_of_what_is_live_rolls_back(world: World) -> None:
    world.given_versions(1, 2, 3)
    reconcile(world, changed(3))
    world.given(a_state(last_good=(STABLE, OLD)))

    world.decide(a_package_arn(3), "Rejected")
    assert reconcile(world, changed(3)) == ["started churn-g1-e5"]

    given = world.input_of("churn-g1-e5")
    assert (given["kind"], given["release"]["variant"]) == ("RollBack", "v2-e5")


def test_with_no_way_back_people_are_called_once(
    world: World, told: Callable[[], list[str]]
) -> None:
    world.given_versions(1, 2, 3)
    world.given(a_state(rollback_owed=a_signal(3)))

    for _ in range(3):
        reconcile(world, {"target": TARGET, "at": "2026-05-03T14:00:00.000Z"})

    assert world.state.phase is Phase.HALTED
    assert world.executions() == {}
    assert [kind for kind, _ in world.announced()] == ["TargetHalted"]
    (message,) = told()
    assert message.startswith("endpoint/churn is halted: alarm errors: 0.5")
    assert world.history() == ["Halted"]
