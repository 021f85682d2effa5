"""How far a release has come, for who waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from cli.looking import look_until
from cli.standing import Goal, Standing, State, of_folder, of_push, of_release
from sluice.domain.history import Entry
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.pushed import ModelConfig
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import ApprovalStatus, Capture
from sluice.domain.target import Mark
from tests.builders import (
    AT,
    a_config,
    a_noted,
    a_release,
    a_release_name,
    a_state,
    deployed,
    seen,
    some_facts,
)

APPROVED = {"approval": ApprovalStatus.APPROVED, "approvals": (seen(),)}
REJECTED = {
    "approval": ApprovalStatus.REJECTED,
    "approvals": (seen(ApprovalStatus.REJECTED, actor="bob"),),
}
BELOW = {**REJECTED, "missed": ("f1 is 0.7, at_least demands 0.8",)}


def entries(*told: tuple[str, int], live: int = 3) -> list[Entry]:
    """A history, told oldest first; as it is read: newest first."""
    history = [
        Entry(
            n=number,
            at=AT,
            event=event,
            reason=f"why {event}",
            release=a_release_name(f"churn-v{version}"),
            live=deployed(live),
            epoch=1,
            execution="",
            previous="",
        )
        for number, (event, version) in enumerate(told, start=1)
    ]
    return history[::-1]


@pytest.mark.parametrize(
    ("goal", "release", "state", "said"),
    [
        pytest.param("registered", {}, "reached", "registered as arn:aws", id="registered"),
        pytest.param(
            "registered", {"capture": Capture.CLAIMED}, "pending", "being captured", id="claimed"
        ),
        pytest.param("approved", {}, "pending", "waits for approval: arn:aws", id="not approved"),
        pytest.param("approved", APPROVED, "reached", "approved by alice at 2026", id="approved"),
        pytest.param("approved", REJECTED, "ended", "rejected by bob at", id="rejected"),
        pytest.param("approved", BELOW, "ended", "policy: f1 is 0.7", id="below the policy"),
        pytest.param("registered", BELOW, "reached", "policy: f1 is 0.7", id="registered below it"),
        pytest.param("promoted", {}, "pending", "waits for approval", id="promoted, not approved"),
        pytest.param("promoted", APPROVED, "pending", "has not begun", id="no rollout yet"),
        pytest.param("promoted", REJECTED, "ended", "rejected by bob", id="never to be"),
    ],
)
def test_a_release_stands_where_its_record_says(
    goal: str, release: dict[str, Any], state: str, said: str
) -> None:
    found = of_release(a_release(**release), Goal(goal), [], target=None)

    assert found.state == state
    assert said in found.said


@pytest.mark.parametrize(
    ("told", "live", "state"),
    [
        pytest.param([("Approved", 4), ("RolloutStarted", 4)], 3, "pending", id="under way"),
        pytest.param([("RolloutStarted", 4), ("Held", 4)], 3, "pending", id="held"),
        pytest.param([("RolloutStarted", 4), ("Deferred", 4)], 3, "pending", id="put off"),
        pytest.param([("RolloutStarted", 4), ("Promoted", 4)], 4, "reached", id="promoted"),
        pytest.param([("Promoted", 4), ("Settled", 4)], 4, "reached", id="settled"),
        pytest.param([("Promoted", 4), ("RolledBack", 4)], 3, "ended", id="rolled back"),
        pytest.param([("Aborted", 4), ("Settled", 4)], 3, "ended", id="aborted"),
        pytest.param([("Promoted", 4), ("Rejected", 4)], 4, "ended", id="rejected when it served"),
        pytest.param([("Halted", 4)], 4, "ended", id="halted"),
        pytest.param([("Superseded", 4)], 3, "ended", id="superseded"),
        pytest.param([("Aborted", 4), ("Approved", 4)], 3, "pending", id="approved once more"),
        pytest.param([("RolledBack", 4)], 4, "reached", id="it took over from a bad one"),
        pytest.param(
            [("Promoted", 4), ("Halted", 4), ("Approved", 4), ("ApprovalConsumed", 4)],
            4,
            "reached",
            id="approved when it served",
        ),
        pytest.param([("Approved", 4), ("Waits", 4)], 3, "pending", id="waits for its partner"),
        pytest.param([("Waits", 4), ("Aborted", 4)], 3, "ended", id="its partner never came"),
        pytest.param([("Promoted", 3), ("Aborted", 3)], 3, "pending", id="of another release"),
    ],
)
def test_the_newest_entry_that_says_something_counts(
    told: list[tuple[str, int]], live: int, state: str
) -> None:
    history = entries(*told, live=live)

    assert (
        of_release(a_release(**APPROVED), Goal.PROMOTED, history, target=a_state()).state == state
    )


def test_a_target_of_another_group_is_never_reached() -> None:
    target = a_state(owner="fraud")

    found = of_release(a_release(**APPROVED), Goal.PROMOTED, [], target=target)

    assert found.state is State.ENDED
    assert found.said == "TARGET_NOT_OWNED: churn belongs to group fraud"


def test_what_was_found_bad_after_it_settled_is_promoted_no_more() -> None:
    target = a_state(bad={"churn-v4": Mark(reason="alarm errors", at=AT)})
    history = entries(("Promoted", 4), ("Settled", 4), ("RolledBack", 3))

    found = of_release(a_release(**APPROVED), Goal.PROMOTED, history, target=target)

    assert (found.state, found.said) == (State.ENDED, "marked bad: alarm errors")


def test_a_folder_that_nobody_claimed_waits_unless_a_file_was_refused() -> None:
    refusal = Refusal(reason=Reason.NOT_GZIP, detail="model.tar.gz is not a gzip file")

    assert of_folder(()) == Standing(State.PENDING, "nothing of it is there")
    assert of_folder((a_noted(CONFIG), a_noted(EVALUATION))) == Standing(
        State.PENDING, "waits for model.tar.gz"
    )
    found = of_folder((a_noted(CONFIG), a_noted(MODEL, refusal=refusal)))
    assert found.state is State.ENDED
    assert found.said.startswith("model.tar.gz: Rejected, NotGzip: model.tar.gz is not")


def test_a_folder_names_what_contradicts_its_config() -> None:
    config = ModelConfig(**a_config(model_files=[{"file": "a.bin", "size": 6}]))
    wrong = a_noted("model/a.bin", facts=some_facts(size=5))

    found = of_folder((a_noted(CONFIG, config=config), wrong))

    assert found.state is State.ENDED
    assert found.said.startswith(
        "model/a.bin: Rejected, FileMismatch: model/a.bin has 5 bytes, config.json lists 6. Push"
    )


def a_receipt(kind: Kind, **changes: Any) -> Receipt:
    return Receipt(identity="b/k@1", kind=kind, at=AT, **changes)


@pytest.mark.parametrize(
    ("receipts", "capture", "captured", "state"),
    [
        pytest.param({}, None, "", "pending", id="nobody heard of it"),
        pytest.param({MODEL: a_receipt(Kind.PENDING)}, None, "", "pending", id="waits"),
        pytest.param(
            {MODEL: a_receipt(Kind.PENDING), CONFIG: a_receipt(Kind.REJECTED)},
            None,
            "",
            "ended",
            id="one file is refused",
        ),
        pytest.param({}, Capture.CLAIMED, "1", "pending", id="being captured"),
        pytest.param({}, Capture.CLAIMED, "0", "ended", id="being captured with other bytes"),
        pytest.param({}, Capture.REGISTERED, "1", "reached", id="registered, receipts expired"),
        pytest.param({}, Capture.REGISTERED, "0", "ended", id="registered with other bytes"),
        pytest.param(
            {MODEL: a_receipt(Kind.REJECTED, reason=Reason.ALREADY_REGISTERED)},
            Capture.REGISTERED,
            "0",
            "ended",
            id="too late for its folder",
        ),
    ],
)
def test_a_push_succeeds_with_its_own_bytes_only(
    receipts: dict[str, Receipt], capture: Capture | None, captured: str, state: str
) -> None:
    release = a_release(capture=capture) if capture else None

    found = of_push(receipts, release, pushed={MODEL: "1"}, captured={MODEL: captured})

    assert found.state == state


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def test_it_is_looked_at_until_it_is_so() -> None:
    clock = Clock()
    looks = [Standing(State.PENDING, "not yet")] * 3 + [Standing(State.REACHED, "there")]

    found = look_until(lambda: looks.pop(0), seconds=600, every=10, sleep=clock.sleep, clock=clock)

    assert found.said == "there"
    assert len(clock.naps) == 3
    assert all(5 <= nap <= 15 for nap in clock.naps)


def test_when_the_time_is_over_it_is_looked_at_once_more() -> None:
    clock = Clock()

    found = look_until(
        lambda: Standing(State.PENDING, f"at {clock.now:g}"),
        seconds=25,
        every=10,
        sleep=clock.sleep,
        clock=clock,
    )

    assert found == Standing(State.PENDING, "at 25")
    assert look_until(lambda: found, seconds=0, every=10, sleep=clock.sleep, clock=clock) is found
