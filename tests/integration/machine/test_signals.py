"""A signal at every moment of a rollout: between any two steps, and between any two API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import a_package_arn
from tests.integration.machine.courses import Courses, Moment, at
from tests.integration.machine.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

type Signal = Callable[[World], object]


def alarm(world: World) -> None:
    world.deliver("handle_alarm", world.fire(world.canary))


def unheard_alarm(world: World) -> None:
    world.fire(world.canary)


def rejection(world: World) -> None:
    world.decide(2, "Rejected")


def unheard_rejection(world: World) -> None:
    world.hears = lambda _function, _event: False
    world.decide(2, "Rejected")
    world.hears = lambda _function, _event: True


def condemned(world: World) -> str:
    """After an alarm on the canary version 1 serves again; version 2 is blamed, once."""
    serves = {name.partition("-")[0] for name in world.traffic()}
    state = world.state
    marks = [*state.bad, *state.suspect]
    if serves != {"v1"} or marks != ["churn-v2"]:
        return f"{serves} serves, marked {marks}"
    rejected = world.account.registry.packages[a_package_arn(2)].status == "Rejected"
    if rejected is not ("churn-v2" in state.bad):
        return f"bad {list(state.bad)}, rejected {rejected}"
    return ""


def withdrawn(world: World) -> str:
    """After a rejection version 1 serves again; version 2 is not blamed."""
    serves = {name.partition("-")[0] for name in world.traffic()}
    marks = {**world.state.bad, **world.state.suspect}
    return f"{serves} serves, marked {list(marks)}" if serves != {"v1"} or marks else ""


def unsure(world: World) -> None:
    """For three minutes CloudWatch has no data for the canary's alarm."""
    alarm = world.alarm_of(world.canary)
    alarm.state = "INSUFFICIENT_DATA"
    world.pass_time(180)
    if alarm.name in world.account.cloudwatch.alarms:
        world.alarm_of(world.canary).state = "OK"


def served(world: World) -> str:
    """Version 2 serves, and nobody is to blame."""
    serves = {name.partition("-")[0] for name in world.traffic()}
    marks = {**world.state.bad, **world.state.suspect}
    return f"{serves} serves, marked {list(marks)}" if serves != {"v2"} or marks else ""


SIGNALS = {
    "alarm": (alarm, condemned),
    "alarm whose event is lost": (unheard_alarm, condemned),
    "rejection": (rejection, withdrawn),
    "rejection whose event is lost": (unheard_rejection, withdrawn),
}


def on(kind: str, *signals: str) -> list[Any]:
    return [pytest.param(kind, *SIGNALS[one], id=f"{kind}, {one}") for one in signals]


BETWEEN_STEPS = [*on("endpoint", *SIGNALS), *on("application", "alarm", "rejection")]
BETWEEN_CALLS = [*on("endpoint", "alarm", "rejection"), *on("application", "alarm")]


def possible(world: World, moment: Moment, signal: Signal) -> bool:
    """An alarm can fire only once it exists."""
    if signal in {rejection, unheard_rejection}:
        return True
    world.restore(moment.saved)
    return any(one.variant == world.canary for one in world.account.cloudwatch.alarms.values())


@pytest.mark.parametrize(("kind", "signal", "ends"), BETWEEN_STEPS, indirect=["kind"])
def test_a_signal_between_any_two_steps_brings_stable_back(
    serving: World, rollout: list[Moment], signal: Signal, ends: Callable[[World], str]
) -> None:
    courses = Courses(serving, ends)
    taken = [one for one in rollout if possible(serving, one, signal)]

    for moment in taken:
        courses.take(moment, signal.__name__, lambda: signal(serving))

    courses.verify(at_least=40)


@pytest.mark.parametrize(("kind", "signal", "ends"), BETWEEN_CALLS, indirect=["kind"])
def test_a_signal_between_any_two_calls_brings_stable_back(
    serving: World, rollout: list[Moment], signal: Signal, ends: Callable[[World], str]
) -> None:
    courses = Courses(serving, ends)

    for moment in rollout:
        if not possible(serving, moment, signal):
            continue
        for number in range(1, len(moment.calls)):

            def interrupted(number: int = number) -> None:
                with serving.wire.around(before=at(number, lambda: signal(serving))):
                    serving.step()

            name = f"{signal.__name__} before call {number}, {moment.calls[number]},"
            courses.take(moment, name, interrupted)

    courses.verify(at_least=80)


def test_an_alarm_without_data_at_any_moment_only_delays(
    serving: World, rollout: list[Moment]
) -> None:
    courses = Courses(serving, served)

    for moment in rollout[::2]:
        if possible(serving, moment, unsure):
            courses.take(moment, "no data", lambda: unsure(serving))

    courses.verify(at_least=20)
