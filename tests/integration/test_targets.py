"""Targets in the ledger: read, decided, written back if nobody else wrote meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sluice.adapters.ledger.table import ConditionFailedError, encode, key
from sluice.adapters.ledger.targets import ContentionError, Targets
from sluice.domain.alarm import Watched
from sluice.domain.history import entry_hash
from sluice.domain.lease import DisplacedError, intend
from sluice.domain.rollout import Phase
from sluice.domain.target import Change, Event, TargetState
from tests.builders import ALARM_ARN, AT, TARGET, a_rollout, a_signal, a_state, watches
from tests.integration.conftest import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sluice.adapters.ledger.table import Table


@pytest.fixture
def targets(table: Table, monkeypatch: pytest.MonkeyPatch) -> Targets:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return Targets(table)


def event(text: str) -> Event:
    return Event(AT, text, text)


def wrote(targets: Targets, state: TargetState, *events: str) -> TargetState:
    written = targets.change(TARGET, lambda _: Change(state, tuple(map(event, events))))
    assert written
    return written


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(TargetState(target=TARGET), id="new"),
        pytest.param(a_state(), id="serving"),
        pytest.param(
            a_state(
                a_rollout(position=1, verdict="Passed"),
                token="t-1",
                parked_at=AT,
                signal=a_signal(blames=False),
                phase=Phase.HELD,
                bad={"churn-v2": {"reason": "alarm", "at": AT}},
            ),
            id="held, parked and signalled",
        ),
    ],
)
def test_what_is_written_is_what_is_read(targets: Targets, state: TargetState) -> None:
    written = wrote(targets, state)

    assert targets.read(TARGET) == written
    assert written == state.model_copy(update={"revision": 1})


def test_a_signal_that_is_not_there_is_not_an_attribute(targets: Targets, table: Table) -> None:
    """The machine parks on the condition `attribute_not_exists(signal)`."""
    wrote(targets, a_state(a_rollout(), signal=a_signal()))
    wrote(targets, a_state(a_rollout()))

    stored = table.get(f"TARGET#{TARGET}", "STATE")
    assert stored
    assert "signal" not in stored


def test_nobody_knows_a_target_nobody_wrote(targets: Targets) -> None:
    assert targets.read(TARGET) is None
    assert targets.change(TARGET, lambda _: None) is None
    assert targets.known() == ()


def test_a_lost_race_is_decided_again_on_the_newer_state(targets: Targets) -> None:
    wrote(targets, a_state())
    seen: list[str] = []

    def decide(state: TargetState | None) -> Change:
        assert state
        seen.append(state.intent)
        if len(seen) == 1:
            wrote(targets, state.model_copy(update={"intent": "theirs"}), "Theirs")
        return Change(state.model_copy(update={"token": "ours"}), (event("Ours"),))

    after = targets.change(TARGET, decide)

    assert after
    assert seen == ["", "theirs"]
    assert (after.intent, after.token) == ("theirs", "ours")
    assert [entry.event for entry in targets.history(TARGET)] == ["Theirs", "Ours"]


def test_a_machine_that_parks_meanwhile_is_seen(targets: Targets, aws: Any) -> None:
    wrote(targets, a_state(a_rollout()))
    attempts = 0

    def decide(state: TargetState | None) -> Change:
        nonlocal attempts
        assert state
        attempts += 1
        if attempts == 1:
            park(aws)
        return Change(state.model_copy(update={"signal": a_signal()}))

    after = targets.change(TARGET, decide)

    assert after
    assert (attempts, after.token, after.signal) == (2, "t-1", a_signal())


def test_a_machine_does_not_park_against_a_signal(targets: Targets, aws: Any) -> None:
    wrote(targets, a_state(a_rollout(), signal=a_signal()))

    with pytest.raises(aws("dynamodb").exceptions.ConditionalCheckFailedException):
        park(aws)


def test_two_that_bind_a_target_at_once_are_one_after_the_other(targets: Targets) -> None:
    seen: list[TargetState | None] = []

    def decide(state: TargetState | None) -> Change:
        seen.append(state)
        if state is None:
            wrote(targets, TargetState(target=TARGET, owner="theirs"))
        return Change(state or TargetState(target=TARGET, owner="ours"))

    after = targets.change(TARGET, decide)

    assert after
    assert (len(seen), after.owner) == (2, "theirs")


def test_a_race_that_is_always_lost_ends(targets: Targets) -> None:
    wrote(targets, a_state())

    def decide(state: TargetState | None) -> Change:
        assert state
        wrote(targets, state)
        return Change(state)

    with pytest.raises(ContentionError):
        targets.change(TARGET, decide)


def test_a_decision_that_raises_writes_nothing(targets: Targets) -> None:
    before = wrote(targets, a_state())

    with pytest.raises(DisplacedError):
        targets.change(TARGET, lambda state: intend(state, a_rollout(), "Shift", onward=True))

    assert targets.read(TARGET) == before


def test_what_is_written_beside_holds_or_nothing_is_written(targets: Targets, table: Table) -> None:
    before = wrote(targets, a_state(), "First")
    table.write(table.put({"pk": "RELEASE#churn", "sk": "V#000004"}))

    def also() -> list[Any]:
        item = {"pk": "RELEASE#churn", "sk": "V#000004"}
        return [table.put(item, when="attribute_not_exists(pk)")]

    with pytest.raises(ConditionFailedError):
        targets.change(TARGET, lambda _: Change(before, (event("Second"),)), also=also)

    assert targets.read(TARGET) == before
    assert [entry.event for entry in targets.history(TARGET)] == ["First"]


def test_the_history_is_gapless_chained_and_never_rewritten(
    targets: Targets, aws: Callable[[str], Any]
) -> None:
    for number in range(12):
        wrote(targets, targets.read(TARGET) or a_state(), f"A{number}", f"B{number}")

    entries = list(targets.history(TARGET))

    assert [entry.n for entry in entries] == list(range(1, 25))
    assert [entry.hash for entry in entries] == [entry_hash(entry) for entry in entries]
    assert [entry.previous for entry in entries] == ["", *(one.hash for one in entries[:-1])]
    assert list(targets.history(TARGET, newest_first=True)) == entries[::-1]


def test_an_entry_that_exists_is_not_overwritten(
    targets: Targets, aws: Callable[[str], Any]
) -> None:
    """A restored state must not write over a history that went on without it."""
    state = wrote(targets, a_state(), "First")
    restored = replace(Change(state), state=state.model_copy(update={"history_length": 0}))

    with pytest.raises(ContentionError):
        targets.change(TARGET, lambda _: Change(restored.state, (event("Forged"),)))

    assert [entry.event for entry in targets.history(TARGET)] == ["First"]


def test_only_held_targets_are_in_flight(targets: Targets) -> None:
    wrote(targets, a_state())
    assert targets.in_flight() == ()

    wrote(targets, a_state(a_rollout()))
    wrote(targets, a_state(a_rollout(), token="t-1"))
    assert targets.in_flight() == (TARGET,)

    wrote(targets, a_state())
    assert targets.in_flight() == ()
    assert targets.known() == (TARGET,)


def test_an_alarm_is_watched_until_it_is_forgotten(targets: Targets) -> None:
    assert targets.watched_by(ALARM_ARN) == ()

    targets.watch(ALARM_ARN, watches())
    targets.watch(ALARM_ARN, watches())
    watched = Watched(target=TARGET, release=watches().release, variant="v4-e5", epoch=5)
    assert targets.watched_by(ALARM_ARN) == (watched,)

    targets.forget(ALARM_ARN, TARGET)
    targets.forget(ALARM_ARN, TARGET)
    assert targets.watched_by(ALARM_ARN) == ()


def test_one_alarm_may_watch_several_targets(targets: Targets) -> None:
    shared = [Watched(target=f"endpoint/{name}", epoch=1) for name in ("churn", "fraud")]
    for watched in shared:
        targets.watch(ALARM_ARN, watched)

    assert targets.watched_by(ALARM_ARN) == tuple(shared)

    targets.forget(ALARM_ARN, TARGET)
    assert targets.watched_by(ALARM_ARN) == (shared[1],)


def park(aws: Callable[[str], Any]) -> None:
    """What the state `Bake` does."""
    aws("dynamodb").update_item(
        TableName=TABLE,
        Key=key(f"TARGET#{TARGET}", "STATE"),
        UpdateExpression="SET #token = :token, phase = :phase, parked_at = :at ADD revision :one",
        ConditionExpression="epoch = :epoch AND attribute_not_exists(#signal)",
        ExpressionAttributeNames={"#token": "token", "#signal": "signal"},
        ExpressionAttributeValues=encode(
            {
                ":token": "t-1",
                ":phase": "Baking",
                ":at": "2026-05-03T14:00:00.000Z",
                ":one": 1,
                ":epoch": 5,
            }
        ),
    )
