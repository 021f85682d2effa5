"""What of the vault could be freed: never anything that a target may come to need by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.desired import next_move, of_interest
from sluice.domain.hosting import expected
from sluice.domain.release import (
    ApprovalStatus,
    Capture,
    Pair,
    Release,
    Retirement,
    System,
)
from sluice.domain.retention import Known, Terms, bundles, fates, targets_of
from sluice.domain.retirement import deployable, retired_objection
from sluice.domain.rollout import Kind
from sluice.domain.starting import Start
from sluice.domain.target import Leftover, TargetState
from tests.builders import (
    AT,
    TARGET,
    a_release,
    a_release_name,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
    after,
    deployed,
    seen,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LATER = AT + timedelta(days=1000)
NOTHING = Terms(newest=0, younger=timedelta(0))
EMPTY = a_state(live=None, last_good=())


def decided(version: int, **changes: Any) -> Release:
    """A version of `churn` that was approved, and about which nothing is open."""
    change = seen()
    update = {"approval": change.status, "approvals": (change,), **changes}
    return a_release(f"churn-v{version}").model_copy(update=update)


def reasons(
    releases: Sequence[Release], *states: TargetState, terms: Terms = NOTHING, **known: Any
) -> dict[str, tuple[str, ...]]:
    """Why each release is kept."""
    found = fates(releases, states, terms=terms, now=LATER, known=Known(**known))
    return {str(one.release.name): one.reasons for one in found}


CHURN = [decided(version) for version in range(1, 7)]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param({"live": deployed(2)}, "serves endpoint/churn", id="live"),
        pytest.param(
            {"last_good": (deployed(5), deployed(2))},
            "may be gone back to on endpoint/churn",
            id="last good",
        ),
        pytest.param(
            {"wanted": a_wanted(2)}, "is to be rolled out on endpoint/churn next", id="wanted"
        ),
        pytest.param(
            {"rollback_owed": a_signal(2)},
            "is named as rollback_owed of endpoint/churn",
            id="owed",
        ),
        pytest.param(
            {"settle_owed": Leftover(variants=("v2-e9",), attempts=1, not_before=AT)},
            "may still stand on endpoint/churn as v2-e9",
            id="left over",
        ),
        pytest.param(
            {"readiness": {"proved": [{"group": "churn", "version": 2}]}},
            "is named as readiness of endpoint/churn",
            id="a field of another version of Sluice",
        ),
    ],
)
def test_what_a_state_names_is_kept_and_why_is_said(state: dict[str, Any], said: str) -> None:
    found = reasons(CHURN, TargetState.model_validate({**EMPTY.model_dump(), **state}))

    assert said in found["churn-v2"]
    assert found["churn-v1"] == ()


@pytest.mark.parametrize("part", ["release", "stable", "replaced"])
def test_every_side_of_a_rollout_is_kept(part: str) -> None:
    rollout = a_rollout(Kind.ROLL_BACK, **{"replaced": None, part: deployed(2)})

    found = reasons(CHURN, a_state(rollout, live=None, last_good=()))

    assert found["churn-v2"] == ("has a part in the rollout churn-g1-e5 of endpoint/churn",)


def test_a_rollback_of_another_target_is_kept() -> None:
    other = EMPTY.model_copy(update={"target": "endpoint/other", "last_good": (deployed(2),)})

    assert reasons(CHURN, EMPTY, other)["churn-v2"] == ("may be gone back to on endpoint/other",)


def test_a_leftover_that_tells_no_version_keeps_what_was_ever_approved_there() -> None:
    owed = Leftover(variants=("serverless",), attempts=1, not_before=AT)
    rejected = decided(
        1, approval=ApprovalStatus.REJECTED, approvals=(seen(ApprovalStatus.REJECTED),)
    )
    elsewhere = decided(2, target="other")

    found = reasons(
        [rejected, elsewhere, decided(3)], EMPTY.model_copy(update={"settle_owed": owed})
    )

    assert [name for name, said in found.items() if said] == ["churn-v3"]


@pytest.mark.parametrize(
    ("release", "said"),
    [
        pytest.param(decided(1, capture=Capture.CLAIMED), "is being captured", id="being captured"),
        pytest.param(
            decided(1, approval=ApprovalStatus.PENDING),
            "waits for a person's decision",
            id="pending",
        ),
    ],
)
def test_what_is_not_decided_is_kept(release: Release, said: str) -> None:
    assert reasons([release])["churn-v1"] == (said,)


def test_an_approval_that_nobody_took_up_yet_keeps() -> None:
    found = reasons(CHURN[:1], unobserved={CHURN[0].name: ApprovalStatus.APPROVED})

    assert found["churn-v1"] == ("was just set to Approved, which is not taken up yet",)


def test_the_newest_are_kept_by_number_in_each_group() -> None:
    other = a_release("fraud-v1").model_copy(update={"approval": ApprovalStatus.REJECTED})
    releases = [decided(version) for version in (10, 9, 2)]

    found = reasons([*releases, other], terms=Terms(newest=2, younger=timedelta(0)))

    assert [name for name, said in found.items() if not said] == ["churn-v2"]
    assert found["fraud-v1"] == ("is among the newest 2 of fraud",)


@pytest.mark.parametrize(
    ("days", "younger", "kept"),
    [
        pytest.param(89, 90, True, id="within"),
        pytest.param(91, 90, False, id="longer ago"),
        pytest.param(1, 0, False, id="whenever"),
    ],
)
def test_what_was_decided_on_lately_is_kept(days: int, younger: int, kept: bool) -> None:
    """Registered long ago, and rejected so many days ago."""
    rejected = seen(ApprovalStatus.REJECTED, modified=(1000 - days) * 86400.0)
    release = decided(1, approval=rejected.status, approvals=(seen(), rejected))

    found = reasons([release], terms=Terms(newest=0, younger=timedelta(days=younger)))

    said = ("was registered or decided on within 90 days",)
    assert found["churn-v1"] == (said if kept else ())


MODEL, CONFIG = a_release_name("churn-v1"), a_release_name("support-v1")
PAIR = Pair(
    model=MODEL,
    digest="d" * 64,
    model_target=TARGET,
    config=CONFIG,
    config_target="application/support",
)


def a_pair(*, moves: bool = True) -> tuple[Release, Release]:
    """A model and a config that move together, both decided."""
    pair = PAIR.model_copy(update={"moves": moves})
    config = a_release("support-v1", target="support", system=System.BEDROCK)
    return (
        decided(1, pair=pair if moves else None),
        config.model_copy(update={"approval": ApprovalStatus.REJECTED, "pair": pair}),
    )


def test_what_moves_with_what_is_kept_is_kept() -> None:
    support = TargetState(target="application/support", live=deployed(1, release=CONFIG))

    assert reasons(a_pair(), support)["churn-v1"] == ("moves with support-v1, which is kept",)
    churn = a_state(live=deployed(1), last_good=())
    assert reasons(a_pair(), churn)["support-v1"] == ("moves with churn-v1, which is kept",)
    paired = a_state(live=deployed(2, pair=PAIR), last_good=())
    assert reasons(a_pair(), paired)["churn-v1"][0] == "moves with what endpoint/churn names"


def test_a_model_that_only_serves_beside_a_config_does_not_keep_it() -> None:
    churn = a_state(live=deployed(1), last_good=())

    found = reasons(a_pair(moves=False), churn)

    assert found["support-v1"] == ()


def test_a_pair_is_freed_together_or_not_at_all() -> None:
    found = reasons(a_pair(), groups={"churn"})
    assert found["churn-v1"] == ("moves with support-v1, which is kept",)

    both = bundles([*a_pair(), decided(2)])
    assert sorted(sorted(map(str, (one.name for one in bundle))) for bundle in both) == [
        ["churn-v1", "support-v1"],
        ["churn-v2"],
    ]
    assert targets_of(a_pair()[0]) == {TARGET, "application/support"}


def test_configs_that_share_a_model_are_one_bundle() -> None:
    model, config = a_pair(moves=False)
    pair = config.pair
    assert pair
    second = config.model_copy(
        update={
            "name": a_release_name("support-v2"),
            "pair": pair.model_copy(update={"config": a_release_name("support-v2")}),
        }
    )

    assert len(bundles([config, second, model])) == 1


VERSIONS = st.integers(1, 6)
# Copied, not validated anew: generating a state must be quick on a busy machine.
DEPLOYED = st.sampled_from([deployed(n, epoch=e) for n in range(1, 7) for e in range(1, 4)])
MAYBE = st.none() | DEPLOYED
ROLLOUTS = st.none() | st.builds(
    lambda rollout, release, stable, replaced: rollout.model_copy(
        update={"release": release, "stable": stable, "replaced": replaced}
    ),
    st.sampled_from([a_rollout(kind) for kind in Kind]),
    DEPLOYED,
    MAYBE,
    MAYBE,
)
STATES = st.builds(
    lambda rollout, **parts: EMPTY.model_copy(
        update={**parts, "rollout": rollout, "holder": rollout.id if rollout else ""}
    ),
    ROLLOUTS,
    live=MAYBE,
    last_good=st.lists(DEPLOYED, max_size=3).map(tuple),
    wanted=st.none() | st.sampled_from([a_wanted(n) for n in range(1, 7)]),
    rollback_owed=st.none() | st.sampled_from([a_signal(n) for n in range(1, 7)]),
)


@given(STATES, st.sets(VERSIONS), st.integers(0, 3), st.integers(0, 2000))
def test_nothing_is_freed_that_a_target_serves_or_turns_to_next(
    state: TargetState, approved: set[int], newest: int, days: int
) -> None:
    terms = Terms(newest=newest, younger=timedelta(days=days))
    found = fates(CHURN, [state], terms=terms, now=LATER)
    free = {one.release.name for one in found if one.free}

    assert not free & of_interest(state).keys()
    assert not free & {one.release for one in expected(state)}
    if state.rollout and state.rollout.home:
        assert state.rollout.home.release not in free
    known = {one.name: one for one in CHURN if one.name.version in approved}
    move = next_move(state, releases=known, now=after(9e6))
    if isinstance(move, Start):
        assert move.rollout.release.release not in free


def test_a_rollback_passes_over_a_retired_release() -> None:
    state = a_state(
        live=deployed(3), last_good=(deployed(2), deployed(1)), rollback_owed=a_signal(3)
    )
    retired = decided(2, retired=Retirement(at=AT, by="arn:aws:iam::1:role/keeper"))

    move = next_move(
        state, releases={one.name: one for one in (CHURN[0], retired, CHURN[2])}, now=AT
    )

    assert isinstance(move, Start)
    assert move.rollout.release.release == CHURN[0].name


@given(STATES, st.sets(VERSIONS))
def test_no_rollback_lands_on_a_retired_release(state: TargetState, retired: set[int]) -> None:
    retirement = Retirement(at=AT, by="arn:aws:iam::123456789012:role/keeper")
    known = {
        one.name: one.model_copy(
            update={"retired": retirement if one.name.version in retired else None}
        )
        for one in CHURN
    }

    move = next_move(state, releases=known, now=after(9e6))

    if isinstance(move, Start) and move.rollout.kind is Kind.ROLL_BACK:
        assert move.rollout.release.release.version not in retired


def test_a_retired_release_is_refused_with_the_way_back() -> None:
    retired = decided(1, retired=Retirement(at=AT, by="arn:aws:iam::1:role/keeper", why="old"))

    said = retired_objection(retired)

    assert said.startswith("RETIRED: churn-v1 was retired at 2026-05-03T14:00:00.000Z by arn")
    assert "(old)" in said
    assert "sluice retention --undo churn-v1" in said
    assert retired_objection(CHURN[0]) == retired_objection(None) == ""
    assert deployable({one.name: one for one in (retired, CHURN[1])}) == {CHURN[1].name}
