"""A model and a config that move together, on the real definition and handlers, at every moment.

`churn` is the model's endpoint, `support` the application; version 2 of both moves together. The
oracles are SageMaker's weights, the alias, the registry and what the ledger's histories tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.table import encode
from sluice.domain.release import Pair
from sluice.domain.rollout import Phase
from tests.builders import a_package_arn, a_release_name
from tests.integration.machine.courses import Moment, moments
from tests.integration.machine.history import given_config, given_version
from tests.integration.machine.looking import named, plain, read_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.machine.world import World

SUPPORT = "application/support"
CONFIG = "v2-3"
"""The config's version as the alias and its alarms name it."""
BEFORE = ({"v1-e1": 100.0}, {"v1-2": 100.0})
TOGETHER = ({"v2-e2": 100.0}, {CONFIG: 100.0})


@pytest.fixture
def pair(world: World, kept: dict[str, Any]) -> World:
    """Version 1 of both serves; version 2 of both is registered as a pair."""
    if "pair" not in kept:
        given_version(world.account, 2, standby_minutes=30)
        for version in (1, 2):
            given_config(world.account, version, group="support")
        digest = world.account.ledger.items["RELEASE#churn", "V#000002"]["digest"]["S"]
        moves = Pair(
            model=a_release_name("churn-v2"),
            digest=digest,
            model_target="endpoint/churn",
            config=a_release_name("support-v2"),
            config_target=SUPPORT,
        )
        for group in ("churn", "support"):
            item = world.account.ledger.items[f"RELEASE#{group}", "V#000002"]
            item["pair"] = encode({"pair": moves.model_dump(mode="json")})["pair"]
        _forget_invariants(world)
        for group in ("churn", "support"):
            world.decide(1, "Approved", group=group)
            world.settle()
        kept["pair"] = world.save()
    world.restore(kept["pair"])
    _forget_invariants(world)
    return world


def _forget_invariants(world: World) -> None:
    """They are those of one target."""
    world.wire.watch = lambda _call: None
    world.after_step = lambda _world: None


def approve_both(world: World) -> None:
    world.decide(2, "Approved", group="support")
    world.decide(2, "Approved")


def both(world: World) -> tuple[dict[str, float], dict[str, float]]:
    """What users get, of the model and of the application."""
    function = world.account.function
    shares = {function.label(one): share for one, share in function.traffic().items()}
    return world.traffic(), {n: round(100 * s, 1) for n, s in shares.items() if s and n}


def events(world: World, target: str) -> list[str]:
    """What a target's history tells."""
    keys = sorted(k for k in world.account.ledger.items if k[0] == f"TARGET#{target}")
    entries = [plain(world.account.ledger.items[one]) for one in keys if one[1] != "STATE"]
    return [f"{one['event']} {named(one['release'])}" for one in entries]


def seen_by_users(world: World) -> list[tuple[dict[str, float], dict[str, float]]]:
    """What users get of both, from now on: each change of it, in order."""
    seen = [both(world)]

    def look(here: World) -> None:
        if both(here) != seen[-1]:
            seen.append(both(here))

    world.after_step = look
    return seen


def assert_the_config_never_meets_another_model(
    seen: list[tuple[dict[str, float], dict[str, float]]],
) -> None:
    """Whoever gets the new config gets the new model behind it, alone."""
    met = [model for model, config in seen if CONFIG in config]
    assert met
    assert all(model == {"v2-e2": 100.0} for model in met), seen


def approval(world: World, group: str) -> str:
    return world.account.registry.packages[a_package_arn(2, group)].status


def complaint(world: World, serves: Any) -> str:
    """What is wrong with the world at rest, or nothing."""
    support = read_state(world.account.ledger.items[f"TARGET#{SUPPORT}", "STATE"], SUPPORT)
    if both(world) != serves:
        return f"{both(world)} serves"
    if Phase.HALTED in {world.state.phase, support.phase}:
        return "halted"
    if world.state.rolled_back_at and support.rolled_back_at:
        return "both cool down: it was one event"
    ends = [
        one
        for target in ("endpoint/churn", SUPPORT)
        for one in events(world, target)
        if one.split()[0] in {"Aborted", "RolledBack"}
    ]
    return "" if len(ends) == len(set(ends)) else f"{ends}: more than one way back"


def test_both_are_promoted_in_order(pair: World) -> None:
    seen = seen_by_users(pair)
    approve_both(pair)
    pair.run(lambda world: CONFIG in both(world)[1])
    assert pair.state.phase is Phase.STANDING_BY, "the config does not wait until it has settled"
    pair.settle()

    assert complaint(pair, TOGETHER) == ""
    assert_the_config_never_meets_another_model(seen)


def test_one_alone_waits(pair: World) -> None:
    pair.decide(2, "Approved")
    pair.settle()

    assert both(pair) == BEFORE
    assert events(pair, "endpoint/churn")[-1] == "Waits churn-v2"
    pair.decide(2, "Approved", group="support")
    pair.settle()
    assert complaint(pair, TOGETHER) == ""


def test_the_model_is_promoted_and_the_configs_canary_is_bad_so_both_are_back(
    pair: World,
) -> None:
    seen = seen_by_users(pair)
    pair.account.cloudwatch.failing[CONFIG] = 0.5
    approve_both(pair)
    pair.settle()

    assert complaint(pair, BEFORE) == ""
    assert "Promoted churn-v2" in events(pair, "endpoint/churn")
    assert (approval(pair, "support"), approval(pair, "churn")) == ("Rejected", "Approved")
    assert_the_config_never_meets_another_model(seen)
    assert pair.state.bad == {}
    told = [one for one in pair.account.told if "support-v2, which it moves with" in one]
    assert len(told) == 1, "people are told of the model's way back once"


def test_the_models_canary_is_bad_so_the_config_never_starts(pair: World) -> None:
    pair.account.cloudwatch.failing["v2-e2"] = 0.5
    approve_both(pair)
    pair.settle()

    assert complaint(pair, BEFORE) == ""
    assert "RolloutStarted support-v2" not in events(pair, SUPPORT)
    assert events(pair, SUPPORT)[-1] == "Aborted support-v2"


@pytest.mark.parametrize("group", ["churn", "support"])
def test_a_rejection_at_rest_takes_both_back(pair: World, group: str) -> None:
    seen = seen_by_users(pair)
    approve_both(pair)
    pair.settle()

    pair.decide(2, "Rejected", group=group)
    pair.settle()

    model, config = both(pair)
    assert (next(iter(model))[:3], list(config)) == ("v1-", ["v1-2"])
    assert_the_config_never_meets_another_model(seen)


def test_an_alarm_on_the_model_at_rest_takes_the_config_back_first(pair: World) -> None:
    seen = seen_by_users(pair)
    approve_both(pair)
    pair.settle()

    pair.deliver("handle_alarm", pair.fire("v2-e2"))
    pair.settle()

    model, config = both(pair)
    assert (next(iter(model))[:3], list(config)) == ("v1-", ["v1-2"])
    assert_the_config_never_meets_another_model(seen)
    support = read_state(pair.account.ledger.items[f"TARGET#{SUPPORT}", "STATE"], SUPPORT)
    assert pair.state.rolled_back_at
    assert support.rolled_back_at is None, "no cool-down begins for the config's target"


# Whatever happens at any moment of a joint release that fails half-way.


@pytest.fixture
def half_way(pair: World, kept: dict[str, Any]) -> list[Moment]:
    """Every moment of a joint release whose config's canary is bad."""
    if "half way" not in kept:
        pair.account.cloudwatch.failing[CONFIG] = 0.5
        approve_both(pair)
        kept["half way"] = list(moments(pair))
    found: list[Moment] = kept["half way"]
    return found


def _lose_hints(world: World) -> None:
    world.hears = lambda _function, _event: False


def _kill_holders(world: World) -> None:
    for one in list(world.account.states.executions.values()):
        if one.running:
            world.stop(one.name)


def _look_thrice(world: World) -> None:
    for _ in range(3):
        world.tick()


def _deliver_twice(world: World) -> None:
    """Every event that is on its way comes twice."""
    world.account.pending += list(world.account.pending)


HAPPENINGS: dict[str, Callable[[World], None]] = {
    "no hint arrives any more": _lose_hints,
    "whoever holds a target is killed": _kill_holders,
    "the schedule looks three times": _look_thrice,
    "every event comes twice": _deliver_twice,
}


@pytest.mark.parametrize("name", HAPPENINGS)
def test_a_release_that_fails_half_way_ends_with_both_back_whatever_happens_when(
    pair: World, half_way: list[Moment], name: str
) -> None:
    wrong = []
    for moment in half_way:
        pair.restore(moment.saved)
        pair.hears = lambda _function, _event: True
        HAPPENINGS[name](pair)
        pair.settle()
        model, config = both(pair)
        whole = ({one[:3] for one in model}, {one[:3] for one in config}) == ({"v1-"}, {"v1-"})
        if not whole or Phase.HALTED is pair.state.phase:
            story = (events(pair, "endpoint/churn")[3:], events(pair, SUPPORT)[3:])
            wrong.append((moment.number, moment.before, both(pair), story))
    assert not wrong, wrong
    assert len(half_way) > 40
