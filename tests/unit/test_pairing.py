"""A model and its config: promoted in order, back together, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.pairing import GIVES_WAY, PATIENCE, Standing, goes_along
from sluice.domain.rollout import Phase
from sluice.domain.target import Cause, Signal
from tests.unit.pairs import CONFIG, CONFIGS, MODEL, MODELS, PAIR, Two

BEFORE = ("reranker-v1", "support-v1")
TOGETHER = (MODEL, CONFIG)


def both_approved() -> Two:
    """Both are approved; the model's rollout is in flight."""
    two = Two()
    two.approve(CONFIG)
    two.approve(MODEL)
    return two


def model_promoted() -> Two:
    """The model stands by after its promotion; the config's canary is in flight."""
    two = both_approved()
    two.promote(MODELS)
    return two


def model_settled() -> Two:
    """The model's rollout is over; the config's canary is in flight."""
    two = model_promoted()
    two.settle(MODELS)
    return two


def both_stand_by() -> Two:
    two = model_promoted()
    two.promote(CONFIGS)
    return two


def both_settled() -> Two:
    two = model_settled()
    two.succeed(CONFIGS)
    return two


def finish(two: Two) -> None:
    """Whatever is in flight goes its way: rollbacks take over."""
    while held := sorted(two.in_flight()):
        for target in held:
            if two.states[target].holder:
                two.succeed(target)


# In order.


@pytest.mark.parametrize(("first", "second"), [(MODEL, CONFIG), (CONFIG, MODEL)])
def test_an_approval_of_one_alone_waits_and_says_for_what(first: str, second: str) -> None:
    two = Two()
    begun = len(two.told)

    two.approve(first)
    two.look()

    assert two.since(begun) == [f"Approved {first}", f"Waits {first}"]
    assert list(two.in_flight()) == []
    two.approve(second)
    assert list(two.in_flight()) == [MODELS]


def test_the_model_goes_first_and_the_config_follows_its_promotion() -> None:
    two = both_approved()
    assert list(two.in_flight()) == [MODELS]

    two.promote(MODELS)

    assert sorted(two.in_flight()) == [CONFIGS, MODELS], "the model stands by meanwhile"
    assert two.started[-2:] == [(MODEL, *BEFORE), (CONFIG, MODEL, "support-v1")]
    two.settle(MODELS)
    two.succeed(CONFIGS)
    assert two.both == TOGETHER
    assert two.states[MODELS].parted == two.states[CONFIGS].parted == {}


# Back together: where the config stands, what happens, and what both targets serve then.

ENDS = {
    "the config's canary is bad": (model_promoted, lambda two: two.fail(CONFIGS)),
    "the config is refused before it begins": (
        model_promoted,
        lambda two: two.fail(CONFIGS, blames=False),
    ),
    "the config's canary is bad when the model has settled": (
        model_settled,
        lambda two: two.fail(CONFIGS),
    ),
    "the config is rejected under way": (model_promoted, lambda two: two.reject(CONFIG)),
    "the config is rejected standing by": (both_stand_by, lambda two: two.reject(CONFIG)),
    "the config is bad standing by": (both_stand_by, lambda two: two.fail(CONFIGS)),
    "the config is rejected at rest": (both_settled, lambda two: two.reject(CONFIG)),
    "an alarm on the config at rest": (both_settled, lambda two: two.alarm(CONFIGS)),
    "the model's canary is bad": (both_approved, lambda two: two.fail(MODELS)),
    "the model is refused before it begins": (
        both_approved,
        lambda two: two.fail(MODELS, blames=False),
    ),
    "the model is rejected under way": (both_approved, lambda two: two.reject(MODEL)),
    "the config is rejected while the model is under way": (
        both_approved,
        lambda two: two.reject(CONFIG),
    ),
    "the model is bad while the config's canary runs": (
        model_promoted,
        lambda two: two.fail(MODELS),
    ),
    "the model is rejected while the config's canary runs": (
        model_promoted,
        lambda two: two.reject(MODEL),
    ),
    "the model is rejected at rest while the config's canary runs": (
        model_settled,
        lambda two: two.reject(MODEL),
    ),
    "an alarm on the model at rest while the config's canary runs": (
        model_settled,
        lambda two: two.alarm(MODELS),
    ),
    "the model is bad, both standing by": (both_stand_by, lambda two: two.fail(MODELS)),
    "the model is rejected at rest": (both_settled, lambda two: two.reject(MODEL)),
    "an alarm on the model at rest": (both_settled, lambda two: two.alarm(MODELS)),
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_becomes_of_one_both_are_back(name: str) -> None:
    given_two, happens = ENDS[name]
    two = given_two()

    happens(two)
    finish(two)

    assert two.both == BEFORE
    assert {state.phase for state in two.states.values()} == {Phase.IDLE}
    assert {state.wanted for state in two.states.values()} == {None}, "nothing waits for ever"


@pytest.mark.parametrize("name", ENDS)
def test_the_partner_goes_back_once_and_without_a_word_against_it(name: str) -> None:
    given_two, happens = ENDS[name]
    two = given_two()
    begun = len(two.told)

    happens(two)
    finish(two)
    told = two.since(begun)
    two.look()
    two.now += timedelta(hours=2)
    two.look()

    backs = [one for one in told if one.split()[0] in {"Aborted", "RolledBack"}]
    before_it_began = name == "the config is rejected while the model is under way"
    assert len(backs) == (1 if before_it_began else 2), told
    assert two.since(begun) == told, "nothing more follows"
    model, config = (two.states[one] for one in (MODELS, CONFIGS))
    if "canary is bad" in name or "is bad" in name:
        assert len({*model.bad, *config.bad}) == 1
    by_alarm = [state for state in (model, config) if state.rolled_back_at]
    assert len(by_alarm) <= 1, "no cool-down begins on the partner's target"


@pytest.mark.parametrize("name", [name for name in ENDS if "on the model at rest" in name])
def test_the_config_goes_back_before_the_model(name: str) -> None:
    given_two, happens = ENDS[name]
    two = given_two()
    begun = len(two.told)

    happens(two)

    assert two.serving(MODELS) == MODEL
    if "canary" not in name:
        assert list(two.in_flight()) == [CONFIGS]
        assert two.states[MODELS].rollback_owed
    finish(two)
    told = two.since(begun)
    config = next(n for n, one in enumerate(told) if one.startswith(("Aborted s", "RolledBack s")))
    assert config < told.index("RolloutStarted reranker-v1")


@pytest.mark.parametrize(
    ("stable", "promoted", "leaves"),
    [(True, False, True), (True, True, True), (False, False, True), (False, True, False)],
)
def test_a_model_that_was_told_to_go_back_leaves_unless_it_has_nowhere_to_go(
    *, stable: bool, promoted: bool, leaves: bool
) -> None:
    two = both_approved()
    state = two.states[MODELS]
    assert state.rollout
    given = {"promoted": promoted, **({} if stable else {"stable": None})}
    rollout = state.rollout.model_copy(update=given)
    signal = Signal(cause=Cause.ALARM, release=PAIR.model, reason="alarm", at=two.now)
    told = state.model_copy(update={"rollout": rollout, "signal": signal})

    two.states[MODELS] = told

    partner = two.partner(PAIR.config)
    assert partner
    assert (partner.standing is Standing.LEAVING) is leaves
    assert bool(goes_along(rollout.release, partner)) is leaves


# While they wait.


@pytest.mark.parametrize(
    ("waits", "other"), [(MODEL, CONFIG), (CONFIG, MODEL)], ids=["model waits", "config waits"]
)
def test_a_rejection_of_either_consumes_the_approval_that_waits(waits: str, other: str) -> None:
    two = Two()
    two.approve(waits)
    two.reject(other)

    assert two.told[-1] == f"Aborted {waits}"
    two.approve(other)
    assert list(two.in_flight()) == []
    assert two.told[-1] == f"Waits {other}", "the other must be approved again as well"


@pytest.mark.parametrize("waits", [MODEL, CONFIG])
def test_a_rejection_of_what_waits_itself_leaves_nothing(waits: str) -> None:
    two = Two()
    two.approve(waits)
    two.reject(waits)

    assert {state.wanted for state in two.states.values()} == {None}
    assert list(two.in_flight()) == []


@pytest.mark.parametrize("waits", [MODEL, CONFIG])
def test_a_newer_approval_takes_the_place_of_what_waits(waits: str) -> None:
    two = Two()
    two.approve(waits)
    target = MODELS if waits == MODEL else CONFIGS

    two.approve(waits.replace("v2", "v3"))
    two.succeed(target)

    assert two.serving(target) == waits.replace("v2", "v3")
    assert list(two.in_flight()) == []


def test_a_newer_config_while_the_model_is_under_way_ends_the_pair() -> None:
    two = both_approved()
    two.approve("support-v3")

    assert "PartnerLeft reranker-v2" in two.told
    finish(two)
    assert two.both == ("reranker-v1", "support-v3")


def test_a_newer_config_while_the_configs_canary_runs_waits_for_its_end() -> None:
    two = model_promoted()
    two.approve("support-v3")
    assert sorted(two.in_flight()) == [CONFIGS, MODELS]

    finish(two)

    assert two.both == (MODEL, "support-v3")


def test_a_newer_model_waits_until_the_config_has_come_to_its_end() -> None:
    two = model_settled()
    two.approve("reranker-v3")

    assert list(two.in_flight()) == [CONFIGS]
    assert two.told[-1] == "Waits reranker-v3"
    finish(two)
    assert two.both == ("reranker-v3", CONFIG)
    assert f"PartnerLeft {CONFIG}" not in two.told, "it was replaced, not taken back"


@pytest.mark.parametrize("waits", [MODEL, CONFIG])
def test_an_approval_waits_for_a_week_and_no_longer(waits: str) -> None:
    two = Two()
    two.approve(waits)

    two.now += PATIENCE - timedelta(hours=1)
    two.look()
    assert two.told[-1] == f"Waits {waits}"
    two.now += timedelta(hours=1)
    two.look()

    assert two.told[-1] == f"Aborted {waits}"
    assert {state.wanted for state in two.states.values()} == {None}


def test_a_model_waits_while_its_configs_target_is_in_another_rollout() -> None:
    two = Two()
    two.approve("support-v3")
    two.approve(MODEL)
    two.approve(CONFIG)

    assert list(two.in_flight()) == [CONFIGS]
    finish(two)
    assert two.both == TOGETHER


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("ahead", [CONFIG, MODEL])
def test_a_clock_that_is_an_hour_ahead_keeps_nobody_from_going_back(name: str, ahead: str) -> None:
    given_two, happens = ENDS[name]
    Two.ahead = ahead
    try:
        two = given_two()
        happens(two)
        finish(two)
    finally:
        Two.ahead = ""

    assert two.both == BEFORE


# Again.


def test_what_went_back_together_comes_again_when_both_are_approved_again() -> None:
    two = model_promoted()
    two.fail(CONFIGS)
    assert two.both == BEFORE

    two.reject(MODEL)
    two.approve(MODEL)
    assert list(two.in_flight()) == []
    two.approve(CONFIG)
    finish(two)

    assert two.both == TOGETHER


def test_a_pair_that_was_replaced_can_be_fallen_back_to() -> None:
    two = both_settled()
    two.approve("support-v3")
    finish(two)
    two.alarm(CONFIGS)
    finish(two)

    assert two.both == TOGETHER


def test_a_model_whose_config_went_back_is_not_fallen_back_to() -> None:
    two = both_settled()
    two.approve("reranker-v3")
    finish(two)
    two.reject(CONFIG)
    finish(two)
    assert two.both == ("reranker-v3", "support-v1")

    two.alarm(MODELS)
    finish(two)

    assert two.both == BEFORE


@pytest.mark.parametrize("on_purpose", [True, False])
def test_a_config_that_was_replaced_and_is_rejected_or_fails_again_takes_no_model_back(
    *, on_purpose: bool
) -> None:
    two = both_settled()
    two.approve("support-v3")
    finish(two)

    two.reject(CONFIG)
    assert two.both == (MODEL, "support-v3")
    if not on_purpose:
        two.approve(CONFIG)
        two.fail(CONFIGS)
    finish(two)

    assert two.both == (MODEL, "support-v3")


# Where there is no way back.


def test_a_config_with_nothing_to_go_back_to_stays_and_the_model_goes() -> None:
    two = both_settled()
    state = two.states[CONFIGS]
    two.states[CONFIGS] = state.model_copy(update={"last_good": state.last_good[:1]})

    two.reject(MODEL)
    finish(two)

    assert two.both == ("reranker-v1", CONFIG)
    assert two.states[CONFIGS].phase is Phase.HALTED
    assert [one for one in two.told if one.startswith("Halted")] == [f"Halted {CONFIG}"]


def test_a_model_with_nothing_to_go_back_to_stays_when_the_config_fails() -> None:
    two = both_settled()
    state = two.states[MODELS]
    two.states[MODELS] = state.model_copy(update={"last_good": state.last_good[:1]})

    two.reject(CONFIG)
    finish(two)

    assert two.both == (MODEL, "support-v1")
    assert two.states[MODELS].phase is Phase.HALTED
    two.set_pending(MODEL)
    two.approve(MODEL)
    assert two.states[MODELS].phase is Phase.IDLE, "a person stands by it"
    assert [one for one in two.told if one.startswith("Halted")] == [f"Halted {MODEL}"]


def test_when_the_model_cannot_go_back_the_config_stays_with_it() -> None:
    two = both_settled()
    state = two.states[MODELS]
    two.states[MODELS] = state.model_copy(update={"last_good": state.last_good[:1]})

    two.alarm(MODELS)

    assert two.both == TOGETHER
    assert list(two.in_flight()) == []
    assert two.states[MODELS].phase is Phase.HALTED


def test_a_config_that_does_not_go_in_time_is_not_waited_for() -> None:
    two = both_settled()
    two.alarm(MODELS)
    assert list(two.in_flight()) == [CONFIGS]

    two.now += GIVES_WAY
    two.look_at(MODELS)

    assert sorted(two.in_flight()) == [CONFIGS, MODELS]


# A model that only is needed.


def needed() -> Two:
    """The model served before the config that needs it was pushed; both serve now."""
    two = Two(moves=False)
    two.approve(MODEL)
    two.succeed(MODELS)
    two.approve(CONFIG)
    two.succeed(CONFIGS)
    return two


def test_a_model_that_is_only_needed_waits_for_nobody_and_stays() -> None:
    two = needed()
    assert two.both == TOGETHER

    two.alarm(CONFIGS)
    finish(two)

    assert two.both == (MODEL, "support-v1")


def test_a_config_goes_back_with_a_model_that_it_needs() -> None:
    two = needed()

    two.reject(MODEL)
    finish(two)

    assert two.both == BEFORE


def test_a_config_waits_for_the_model_that_it_needs() -> None:
    two = Two(moves=False)
    two.approve(CONFIG)
    assert list(two.in_flight()) == []

    two.approve(MODEL)
    two.promote(MODELS)

    assert sorted(two.in_flight()) == [CONFIGS, MODELS]


def test_a_model_that_is_given_to_another_config_leaves_the_first_without() -> None:
    two = Two()
    two.approve(CONFIG)
    other = PAIR.model_copy(update={"config": PAIR.config.model_copy(update={"version": 3})})
    model = two.releases[PAIR.model]
    two.releases[PAIR.model] = model.model_copy(update={"pair": other})

    two.look()

    assert two.told[-1] == f"Aborted {CONFIG}"


# Anything, in any order.

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "reject", "promote", "settle", "fail", "refuse", "alarm"]),
        st.sampled_from([MODELS, CONFIGS]),
        st.sampled_from([1, 2, 2, 2, 3]),
    ),
    max_size=14,
)


def act(two: Two, what: str, target: str, version: int) -> None:
    name = f"{'reranker' if target == MODELS else 'support'}-v{version}"
    rollout = two.states[target].rollout
    match what:
        case "approve":
            two.approve(name)
        case "reject":
            two.reject(name)
        case "promote" if rollout and not rollout.promoted:
            two.promote(target)
        case "settle" if rollout and rollout.promoted:
            two.settle(target)
        case "fail" if rollout:
            two.fail(target)
        case "refuse" if rollout and not rollout.promoted:
            two.fail(target, blames=False)
        case "alarm" if not rollout and two.states[target].live:
            two.alarm(target)


@given(ACTS)
def test_no_course_leaves_one_without_the_other_unless_people_were_told(
    acts: list[tuple[str, str, int]],
) -> None:
    two = Two()
    for what, target, version in acts:
        act(two, what, target, version)
    finish(two)

    for release, model, _ in two.started:
        assert release != CONFIG or model == MODEL, "the config never goes first"
    model, config = two.states[MODELS], two.states[CONFIGS]
    if Phase.HALTED not in {model.phase, config.phase}:
        assert not (two.serving(CONFIGS) == CONFIG and MODEL in model.parted), two.told
        moved = two.serving(MODELS) == MODEL and CONFIG in config.parted
        assert not moved or stayed(two), two.told


def stayed(two: Two) -> bool:
    """Whether the model served before the config was approved for the last time."""
    partner, live = two.partner(PAIR.model), two.states[MODELS].live
    assert partner
    assert live
    return partner.asked > live.partner_approvals
