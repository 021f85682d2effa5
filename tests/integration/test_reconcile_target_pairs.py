"""`reconcile_target` and a pair: what one target's course means for the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.releases import Releases
from sluice.domain.release import Pair, Release, System
from sluice.domain.rollout import Kind, Phase
from sluice.domain.target import Cause, Mark, TargetState, Wanted
from tests.builders import (
    AT,
    CANARY,
    EXECUTION,
    STABLE,
    a_package_arn,
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
from tests.integration.drills import BOTH, PARKED, Drill
from tests.integration.observed import retired
from tests.integration.reconciling import OLD, TICK, changed, reconcile, tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.domain.rollout import Deployed
    from tests.integration.rollouts import Wire, World

SUPPORT = "application/support"
PAIR = Pair(
    model=CANARY.release,
    digest=CANARY.digest,
    model_target="endpoint/churn",
    config=a_release_name("support-v2"),
    config_target=SUPPORT,
)
MODEL = CANARY.model_copy(update={"pair": PAIR})
APPROVED = (seen(modified=0),)
WAITS = "waits for support-v2 to be approved"


def of_support(version: int, **changes: Any) -> Deployed:
    """A version of the application, as a version of its function."""
    values = {
        "release": a_release_name(f"support-v{version}"),
        "package_arn": a_package_arn(version, "support"),
        "variant": f"{version}",
        "model": "sluice-serve",
        "endpoint_config": f"{version}",
        "alarms": (),
        "pair": PAIR if version == PAIR.config.version else None,
    }
    return deployed(version, epoch=version, **{**values, **changes})


def support(**changes: Any) -> TargetState:
    """The application, serving its first version."""
    serves = {"live": of_support(1), "last_good": (of_support(1),), "epoch": 2}
    return TargetState(target=SUPPORT, owner="support", **{**serves, **changes})


def wanted_support() -> Wanted:
    config = of_support(2)
    return Wanted(
        seq=2,
        release=config.release,
        package_arn=config.package_arn,
        package_version=2,
        approved_at=AT,
        pair=PAIR,
    )


@pytest.fixture
def pair(world: World) -> World:
    """Four models and two configs; the last of both move together, and the model is registered."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    for version in (1, 2, 3):
        world.given_release(a_release(f"churn-v{version}", approval="Approved"))
    world.given_release(a_release(pair=PAIR), status="PendingManualApproval")
    for version in (1, 2):
        given = {"system": System.BEDROCK, "target": "support", "approval": "Approved"}
        paired = {"pair": PAIR, "approvals": APPROVED} if version == PAIR.config.version else {}
        world.given_release(a_release(f"support-v{version}", **given, **paired))
    world.given(a_state(wanted=None))
    world.given(support())
    return world


def told_of_partner(target: str) -> dict[str, Any]:
    """A partner's rollout was promoted or taken back; our own event, as it comes to the rule."""
    detail = {"target": "elsewhere", "partner": target}
    return {**TICK, "source": "sluice", "detail-type": "ReleasePromoted", "detail": detail}


def approve_model(world: World) -> list[str]:
    world.decide(a_package_arn(4), "Approved")
    return reconcile(world, changed(4))


def of_model(world: World) -> Release:
    found = Releases(world.table).get(PAIR.model)
    assert found
    return found


def support_state(world: World) -> TargetState:
    found = world.targets.read(SUPPORT)
    assert found
    return found


def test_a_model_that_is_approved_alone_waits_and_its_history_says_so_once(pair: World) -> None:
    (answer,) = approve_model(pair)

    assert WAITS in answer
    reconcile(pair, told_of_partner("endpoint/churn"))
    assert pair.executions() == {}
    assert pair.history() == ["Approved", "Waits"]
    assert pair.state.wanted


def test_the_approval_of_the_config_lets_the_model_begin(pair: World) -> None:
    approve_model(pair)
    pair.given(support(wanted=wanted_support()))

    reconcile(pair, told_of_partner(SUPPORT))

    assert pair.executions() == {EXECUTION: "RUNNING"}
    given = pair.input_of(EXECUTION)
    assert (given["partner"], given["release"]["pair"]["config"]["version"]) == (SUPPORT, 2)
    assert support_state(pair).holder == "", "the config follows the model's promotion"


@pytest.mark.parametrize("stands_by", [True, False])
@pytest.mark.parametrize("hint", ["event", "schedule"])
def test_the_promotion_of_the_model_lets_the_config_begin(
    pair: World, hint: str, *, stands_by: bool
) -> None:
    approve_model(pair)
    rollout = a_rollout(promoted=True, release=MODEL)
    pair.start(rollout.id)
    pair.given(a_state(rollout if stands_by else None, live=MODEL, phase=Phase.STANDING_BY))
    pair.given(support(wanted=wanted_support()))

    reconcile(pair, told_of_partner(SUPPORT) if hint == "event" else tick())

    assert "application.support-g1-e3" in pair.executions()
    assert support_state(pair).rollout


def test_a_model_that_is_given_a_partner_while_it_is_about_to_begin_does_not(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"pk": "RELEASE#churn", "sk": "V#000004"}
    alone = of_model(pair).model_copy(update={"pair": None})
    pair.table.write(pair.table.put({**key, **alone.model_dump(mode="json", exclude_none=True)}))
    real = Releases.as_read

    def claimed_meanwhile(self: Releases, release: Release) -> Any:
        fixed = real(self, release)
        pair.table.write(self.pairing(of_model(pair), PAIR))
        return fixed

    monkeypatch.setattr(Releases, "as_read", claimed_meanwhile)
    (answer,) = approve_model(pair)

    assert "was given a partner, or retired, meanwhile" in answer
    assert pair.executions() == {}
    reconcile(pair, tick())
    assert pair.history()[-1] == "Waits"


def test_a_release_that_is_retired_while_it_is_about_to_begin_does_not(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Releases.as_read

    def retired_meanwhile(self: Releases, release: Release) -> Any:
        fixed = real(self, release)
        retired(pair.table, of_model(pair))
        return fixed

    pair.given(support(wanted=wanted_support()))
    monkeypatch.setattr(Releases, "as_read", retired_meanwhile)
    (answer,) = approve_model(pair)

    assert "was given a partner, or retired, meanwhile" in answer
    assert pair.executions() == {}


def test_people_are_told_of_an_approval_that_came_to_nothing(
    pair: World, told: Callable[[], list[str]]
) -> None:
    approve_model(pair)
    parted = {"support-v2": Mark(reason="a bad prompt", at=after(3600))}
    pair.given(support(parted=parted))

    reconcile(pair, tick())
    reconcile(pair, tick())

    reason = "support-v2, which it moves with, is not there: a bad prompt"
    assert told() == [f"churn-v4 is not rolled out on endpoint/churn: {reason}."]
    assert (pair.state.wanted, pair.history()[-1]) == (None, "Aborted")


# Back together.


@pytest.fixture
def standing_by(pair: World, wire: Wire) -> World:
    """The model stands by after its promotion; its config's canary was taken back just now."""
    approve_model(pair)
    wire.always("SendTaskSuccess")
    wire.always("Invoke", StatusCode=202)
    pair.given_endpoint(BOTH, v3_e3=0, v4_e5=100)
    rollout = a_rollout(position=1, promoted=True, release=MODEL, partner=SUPPORT)
    pair.given(a_state(rollout, live=MODEL, phase=Phase.STANDING_BY, **PARKED))
    pair.start(rollout.id)
    pair.given(support(parted={"support-v2": Mark(reason="a bad canary", at=after(3600))}))
    return pair


@pytest.mark.parametrize("hint", ["event", "schedule"])
def test_a_model_that_stands_by_is_woken_to_go_back_when_its_config_has_left(
    standing_by: World, wire: Wire, hint: str
) -> None:
    for _ in range(3):
        event = told_of_partner("endpoint/churn") if hint == "event" else tick()
        reconcile(standing_by, event)

    signal = standing_by.state.signal
    assert signal
    assert (signal.cause, signal.blames) == (Cause.PARTNER, False)
    assert standing_by.history().count("PartnerLeft") == 1
    woken = wire.calls("SendTaskSuccess")
    assert woken
    assert all('"action":"RollBack"' in one["output"].replace(" ", "") for one in woken)


def test_the_way_back_is_one_weight_change_without_a_mark_or_a_cool_down(
    standing_by: World, wire: Wire, told: Callable[[], list[str]]
) -> None:
    reconcile(standing_by, told_of_partner("endpoint/churn"))
    drill = Drill.__new__(Drill)
    drill.world, drill._wire = standing_by, wire
    standing_by.announced()

    done = drill.takes_back()

    assert standing_by.traffic() == {"v3-e3": 100, "v4-e5": 0}
    state = standing_by.state
    assert (state.live, state.bad, state.rolled_back_at) == (STABLE, {}, None)
    assert standing_by.approval_of(a_package_arn(4)) == "Approved"
    assert set(state.parted) == {"churn-v4"}
    assert done.outcome == "RolledBack"
    ((kind, detail),) = standing_by.announced()
    assert (kind, detail["partner"]) == ("ReleaseRolledBack", SUPPORT)
    assert "support-v2, which it moves with, was taken back: a bad canary" in told()[-1]


def test_a_model_at_rest_goes_back_when_its_config_has_left(pair: World) -> None:
    approve_model(pair)
    good = (MODEL, STABLE)
    pair.given(a_state(live=MODEL, last_good=good, live_since=after(60), wanted=None))
    pair.given(support(parted={"support-v2": Mark(reason="rejected by bob", at=after(3600))}))

    reconcile(pair, told_of_partner("endpoint/churn"))
    reconcile(pair, tick())

    rollout = pair.state.rollout
    assert rollout
    assert (rollout.kind, str(rollout.release.release)) == (Kind.ROLL_BACK, "churn-v3")
    assert not rollout.automatic, "no cool-down begins"
    assert pair.state.suspect == {}
    assert [name for name in pair.executions() if name.startswith("churn")] == [EXECUTION]


def test_an_alarm_on_the_model_takes_the_config_back_first(pair: World) -> None:
    approve_model(pair)
    both = {"live": MODEL, "last_good": (MODEL, STABLE, OLD), "wanted": None}
    pair.given(a_state(**both, rollback_owed=a_signal(4).model_copy(update={"at": after(60)})))
    config = of_support(2)
    pair.given(support(live=config, last_good=(config, of_support(1)), epoch=4))

    (answer,) = reconcile(pair, {"target": "endpoint/churn", "at": after(61).isoformat()})

    assert "support-v2 goes back first" in answer
    assert list(pair.executions()) == ["application.support-g1-e5"]
    state = support_state(pair)
    assert state.rollout
    assert (state.rollout.kind, state.rollout.partner) == (Kind.ROLL_BACK, "endpoint/churn")
    assert pair.state.rollback_owed
    assert pair.state.rollback_owed.agreed

    left = {"support-v2": Mark(reason="its model goes back", at=after(120))}
    pair.given(support(parted=left))
    reconcile(pair, told_of_partner("endpoint/churn"))
    rollout = pair.state.rollout
    assert rollout
    assert (rollout.kind, rollout.automatic) == (Kind.ROLL_BACK, True)


def test_what_moves_alone_costs_no_look_at_anything_else(world: World, wire: Wire) -> None:
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))
    wire.asked.clear()

    reconcile(world, {"target": "endpoint/churn", "at": AT.isoformat()})

    read = [body["Key"]["pk"]["S"] for body in wire.calls("GetItem")]
    assert set(read) == {"TARGET#endpoint/churn", "RELEASE#churn"}
    assert read.count("RELEASE#churn") == 2, "what is wanted and what serves"


def test_an_old_record_of_a_target_is_read_as_one_without_partners() -> None:
    old = a_state(live=MODEL, wanted=a_wanted(4)).model_dump(
        mode="json", exclude={"parted": True, "live": {"pair"}, "wanted": {"pair"}}
    )

    read = TargetState.model_validate(old)

    assert read.live
    assert read.wanted
    assert (read.parted, read.live.pair, read.wanted.pair) == ({}, None, None)


def test_a_config_is_not_deployed_while_nobody_can_read_what_it_moves_with(pair: World) -> None:
    """Its model might move with another config by now."""
    model = pair.table.get("RELEASE#churn", "V#000004")
    pair.table.write(pair.table.put({**(model or {}), "capture": "Unheard"}))
    pair.given(a_state(live=MODEL, last_good=(MODEL,)))
    pair.given(support(wanted=wanted_support()))

    (answer,) = reconcile(pair, told_of_partner(SUPPORT))

    assert "consumed: LEDGER_CHANGED: RELEASE#churn / V#000004 in the ledger" in answer
    assert support_state(pair).wanted is None
    assert pair.executions() == {}


def test_a_model_whose_own_record_cannot_be_read_goes_back_without_its_partner(
    pair: World,
) -> None:
    model = pair.table.get("RELEASE#churn", "V#000004")
    pair.table.write(pair.table.put({**(model or {}), "capture": "Unheard"}))
    pair.given(a_state(live=MODEL, last_good=(MODEL, STABLE), rollback_owed=a_signal(4)))
    pair.given(support(live=of_support(2)))

    reconcile(pair, told_of_partner("endpoint/churn"))

    assert pair.input_of(EXECUTION)["release"]["variant"] == "v3-e5"
