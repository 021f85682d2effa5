"""What is an application's alone: publication, probe, code, and an alias that somebody led away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Phase
from tests.builders import a_package_arn
from tests.integration.machine.application import FIRST
from tests.integration.machine.invariants import Invariants
from tests.integration.machine.test_histories import BEGUN, PROMOTED, told

if TYPE_CHECKING:
    from tests.integration.machine.world import World

pytestmark = pytest.mark.parametrize("kind", ["application"], indirect=True)

TURNED_BACK = [*BEGUN[:2], "Aborted churn-v2", "Settled churn-v2"]


def reason(world: World, event: str) -> str:
    """Why the last such thing happened."""
    said: str = [one["reason"] for one in world.history() if one["event"] == event][-1]
    return said


def watched(world: World) -> set[str]:
    """What alarms watch."""
    return {one.variant for one in world.account.cloudwatch.alarms.values()}


def untouched(world: World) -> None:
    """What served serves, nothing was published, and the version is not blamed."""
    assert world.traffic() == {world.stable: 100.0}
    assert sorted(world.account.function.versions) == ["1", "2"]
    assert (world.state.bad, world.state.suspect) == ({}, {})
    assert world.account.registry.packages[a_package_arn(2)].status == "Approved"


def test_a_refused_parameter_turns_the_rollout_back_before_anything_moves(serving: World) -> None:
    serving.account.bedrock.refusing = ("ValidationException", "`temperature` is deprecated")
    serving.decide(2, "Approved")

    assert told(serving) == TURNED_BACK
    assert "ValidationException: `temperature` is deprecated" in reason(serving, "Aborted")
    untouched(serving)


def test_what_serves_and_is_refused_is_given_up_by_its_rejection(serving: World) -> None:
    """Else nothing could ever replace what answers nobody."""
    serving.account.bedrock.refusals = 1  # of what serves; the release itself is answered
    serving.account.bedrock.refusing = ("AccessDeniedException", "no access")
    serving.decide(2, "Approved")
    assert told(serving) == TURNED_BACK
    said = reason(serving, "Aborted")
    assert said.startswith("NO_WAY_BACK: PROBE_REFUSED: churn-v1: AccessDeniedException")
    assert "`sluice override application/churn --release churn-v2 --why" in said

    serving.account.bedrock.refusals = 1
    serving.account.bedrock.refusing = ("AccessDeniedException", "no access")
    serving.decide(1, "Rejected")
    serving.settle()
    assert serving.state.phase is Phase.HALTED
    serving.decide(3, "Approved")
    serving.settle()

    assert {name.partition("-")[0] for name in serving.traffic()} == {"v3"}


def test_a_busy_model_puts_the_rollout_off_and_it_is_promoted_later(serving: World) -> None:
    serving.account.bedrock.refusing = ("ThrottlingException", "too many requests")
    serving.decide(2, "Approved")
    serving.run(lambda one: "Deferred churn-v2" in one.events())
    untouched(serving)

    serving.account.bedrock.refusing = None

    deferred = [*BEGUN[:2], "Deferred churn-v2", "Settled churn-v2"]
    assert told(serving) == [*deferred, *PROMOTED[1:], "Settled churn-v2"]
    assert serving.traffic() == {serving.canary: 100.0}


def test_code_that_changed_since_it_was_approved_is_not_published(serving: World) -> None:
    serving.account.function.code = "b3RoZXI="
    serving.decide(2, "Approved")

    assert told(serving) == TURNED_BACK
    assert reason(serving, "Aborted").startswith("CODE_CHANGED: ")
    untouched(serving)


def test_a_stack_update_keeps_no_rollback_from_the_version_that_served(serving: World) -> None:
    serving.decide(2, "Approved")
    serving.settle()
    serving.account.function.code = "b3RoZXI="
    serving.account.function.variables = {}
    serving.deliver("handle_alarm", serving.fire(serving.canary))
    serving.settle()

    assert serving.traffic() == {serving.stable: 100.0}
    assert sorted(serving.account.function.versions) == ["1", "2", "3"]


def test_an_alias_that_somebody_led_to_no_release_is_led_back_once(serving: World) -> None:
    serving.account.memory["gone"] = True  # somebody's doing, and not ours
    function = serving.account.function
    function.main, function.alias_revision = FIRST, function.alias_revision + 1

    events = told(serving)

    assert events == [f"{one} churn-v1" for one in ("RolloutStarted", "RolledBack", "Settled")]
    assert reason(serving, "RolledBack") == "live leads to no release: somebody changed it by hand"
    assert serving.traffic() == {serving.stable: 100.0}


def test_an_alarm_with_nothing_to_go_back_to_halts_and_answers_go_on(serving: World) -> None:
    serving.deliver("handle_alarm", serving.fire(serving.stable))

    assert told(serving) == ["AlarmFired churn-v1", "Halted churn-v1"]
    assert (serving.state.phase, serving.traffic()) == (Phase.HALTED, {serving.stable: 100.0})
    assert "TargetHalted" in serving.account.told


def test_a_second_alarm_within_the_cool_down_halts(serving: World) -> None:
    serving.decide(2, "Approved")
    serving.settle()
    serving.deliver("handle_alarm", serving.fire(serving.canary))
    serving.settle()
    serving.deliver("handle_alarm", serving.fire(serving.stable))
    serving.settle()

    Invariants(serving).at_rest()
    assert (serving.state.phase, serving.traffic()) == (Phase.HALTED, {serving.stable: 100.0})
    assert list(serving.state.suspect) == ["churn-v2"]
    assert "within the cool-down" in reason(serving, "Halted")


def test_the_schedule_removes_the_alarms_of_a_version_that_never_came_to_serve(
    serving: World,
) -> None:
    """Whoever made them died before the target knew of them."""
    serving.decide(2, "Approved")
    serving.run(
        lambda one: any(a.variant == one.canary for a in one.account.cloudwatch.alarms.values())
    )
    orphan = serving.alarm_of(serving.canary)
    serving.decide(2, "Rejected")
    serving.settle()
    serving.account.cloudwatch.alarms[orphan.name] = orphan

    serving.settle()

    assert watched(serving) == {serving.stable}
