"""Whatever dies, whenever: an execution stopped in each state, a function ended at each call.

Nobody cleans up after a stopped execution (StopExecution runs no state), and a function that dies
is invoked again by Lambda or by the machine's retries, or not at all. The schedules do the rest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.builders import a_package_arn
from tests.integration.faults import Crash
from tests.integration.machine.account import Invocation
from tests.integration.machine.clock import iso
from tests.integration.machine.courses import BOTH, Courses, Moment, at
from tests.integration.machine.events import package_event
from tests.integration.machine.test_signals import alarm, condemned, possible
from tests.integration.machine.wire import LostReplyError

if TYPE_CHECKING:
    from tests.integration.machine.world import World


def one_serves(world: World) -> str:
    """Version 2 serves if it was ever promoted, else version 1; nobody is to blame."""
    expected = "v2" if "Promoted churn-v2" in world.events() else "v1"
    serves = {name.partition("-")[0] for name in world.traffic()}
    marks = {**world.state.bad, **world.state.suspect}
    return f"{serves} serves, marked {list(marks)}" if serves != {expected} or marks else ""


def promoted(world: World) -> str:
    """Version 2 serves, and nobody is to blame."""
    return one_serves(world) or ("" if "Promoted churn-v2" in world.events() else "not promoted")


def condemned_quietly(world: World) -> str:
    """As if nobody had died: version 1 serves again, and no person was called for that."""
    called = "TargetHalted" in world.account.told
    return condemned(world) or ("a person was called" if called else "")


def running(world: World, moment: Moment) -> bool:
    world.restore(moment.saved)
    return bool(_executions(world))


def kill(world: World) -> None:
    """Stop what runs; nobody hears of it, or of anything else."""
    world.hears = lambda _function, _event: False
    for name in _executions(world):
        world.stop(name)


def outlive(world: World) -> None:
    """Stop what runs and replace it, a minute before the task of it that runs makes its call."""
    world.account.memory["outlived"] = tuple(_executions(world))
    kill(world)
    world.tick()
    world.pass_time(60)


def hurried(world: World) -> None:
    """The same, and events tell meanwhile that it is an hour later."""
    world.account.memory["outlived"] = tuple(_executions(world))
    kill(world)
    world.tick()
    later = world.account.clock.after(3600)
    asked = {"target": world.account.target, "at": iso(later)}
    for event in (package_event(a_package_arn(2), later), asked):
        world.account.pending.append(Invocation("reconcile_target", event, world.account.clock.now))
    world.pass_time(60)


def _executions(world: World) -> list[str]:
    return [name for name, one in world.account.states.executions.items() if one.running]


@BOTH
def test_an_execution_stopped_in_any_state_is_replaced_by_the_schedule(
    serving: World, rollout: list[Moment]
) -> None:
    courses = Courses(serving, one_serves)

    for moment in rollout:
        if running(serving, moment):
            courses.take(moment, "stopped", partial(kill, serving))

    courses.verify(at_least=45)


def test_a_signal_is_not_lost_with_the_execution_it_was_for(
    serving: World, rollout: list[Moment]
) -> None:
    courses = Courses(serving, condemned_quietly)

    def die() -> None:
        alarm(serving)
        kill(serving)

    for moment in rollout:
        if possible(serving, moment, alarm):
            courses.take(moment, "alarm and stop", die)

    courses.verify(at_least=45)


@pytest.mark.parametrize(
    ("kind", "way"),
    [("endpoint", kill), ("endpoint", outlive), ("endpoint", hurried), ("application", outlive)],
    indirect=["kind"],
)
def test_a_task_that_outlives_its_execution_does_no_harm(
    serving: World, rollout: list[Moment], way: object
) -> None:
    """Its calls come when another holds the target, which must not have acted yet."""
    courses = Courses(serving, one_serves)
    assert callable(way)

    for moment in rollout:
        if " " not in moment.before or not moment.by:
            continue  # no function at work for an execution
        for number, operation in enumerate(moment.calls):

            def interrupted(number: int = number) -> None:
                with serving.wire.around(before=at(number, partial(way, serving))):
                    serving.step()

            courses.take(moment, f"before call {number}, {operation},", interrupted)

    courses.verify(at_least=40)


def crash() -> None:
    raise Crash


def lose() -> None:
    raise LostReplyError


@BOTH
@pytest.mark.parametrize("task", [True, False], ids=["the machine's", "an event's"])
def test_a_function_that_ends_after_any_write_is_made_good(
    serving: World, rollout: list[Moment], *, task: bool
) -> None:
    """The machine asks again, as Lambda does for an event; the second run finds the first one's."""
    courses = Courses(serving, promoted)

    for moment in rollout:
        if not moment.by or (" " in moment.before) is not task:
            continue  # the machine itself does not die
        for number, operation in enumerate(moment.writes):

            def interrupted(number: int = number) -> None:
                with serving.wire.around(after=at(number, crash, writing=True)):
                    serving.step()

            courses.take(moment, f"crash after write {number}, {operation},", interrupted)

    courses.verify(at_least=(25 if task else 5))


@BOTH
def test_a_lost_reply_changes_nothing(serving: World, rollout: list[Moment]) -> None:
    courses = Courses(serving, promoted)

    for moment in rollout:
        for number, operation in enumerate(moment.writes):

            def interrupted(number: int = number) -> None:
                with serving.wire.around(after=at(number, lose, writing=True)):
                    serving.step()

            courses.take(moment, f"lost reply of write {number}, {operation},", interrupted)

    courses.verify(at_least=40)
