"""The way back is asked for within the time of a task, however long each release takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sluice.domain.release import ApprovalStatus
from sluice.retreating import Retreating
from tests.builders import AT, STABLE, a_rollout, a_state, deployed

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Deployed

LAST_GOOD = (STABLE, *(deployed(version, epoch=version) for version in (2, 1)))


class Slow:
    """Takes seven seconds to find that a release does not answer."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asked: list[str] = []

    def elapsed(self) -> float:
        return self.seconds

    def stuck(self, stable: Deployed) -> str:
        return ""

    def lacks(self, release: Deployed, capture: Any = None, *, now: datetime) -> str:
        self.asked.append(str(release.release))
        self.seconds += 7
        return f"{release.release} does not answer"


def test_what_there_was_no_time_for_counts_as_lacking() -> None:
    ground, rollout = Slow(), a_rollout()
    approved = SimpleNamespace(approval=ApprovalStatus.APPROVED)
    retreating = Retreating(
        targets=SimpleNamespace(change=lambda target, decide: None),  # type: ignore[arg-type]
        registry=SimpleNamespace(find=lambda arn: approved),  # type: ignore[arg-type]
        grounds=SimpleNamespace(of=lambda target: ground),  # type: ignore[arg-type]
        elapsed=ground.elapsed,
    )
    state = a_state(rollout, last_good=LAST_GOOD)

    said = retreating.objection(rollout, state, capture=object(), now=AT)  # type: ignore[arg-type]

    assert ground.asked == ["churn-v3", "churn-v2"]
    assert said.startswith(
        "NO_WAY_BACK: churn-v3 does not answer; churn-v2 does not answer; "
        "churn-v1 was not looked at: the others took too long. "
    )
