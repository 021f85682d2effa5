"""A canary's traffic in a scenario: what CloudWatch says, and what the judge makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.answers import as_json
from sluice.domain.forecasting import to_ask
from sluice.domain.judging import find
from sluice.domain.measures import CANARY
from sluice.domain.rollout import Phase
from sluice.domain.tally import Tally, to_read

if TYPE_CHECKING:
    from datetime import datetime

    from benchmarks.scenario import Answer
    from sluice.domain.rollout import Rollout
    from sluice.domain.tally import Asked

_CANARY_MINUTE, _STABLE_MINUTE = 500, 9500
_MINUTE = timedelta(minutes=1)


def of_history(rollout: Rollout, *, now: datetime) -> Answer:
    """What stable did before the rollout."""
    asked = to_ask(rollout, now=now)
    return _answer(asked, began=now) if asked else as_json(MetricDataResults=[])


def of_bake(rollout: Rollout, *, parked_at: datetime, now: datetime) -> tuple[Answer, str]:
    """What both variants did since the park, nobody having erred; and the judge's reason."""
    empty = Tally(rollout=rollout.id)
    tally = empty.begun(rollout, Phase.BAKING, since=parked_at, now=now)
    asked = to_read(tally, rollout, now=now)
    if asked is None:
        message = f"nothing is counted yet at {now}"
        raise ValueError(message)
    points = {column: _points(column, asked, parked_at) for column in asked.columns}
    return _answer(asked, began=parked_at), find(tally.read(asked, points), rollout).reason


def _answer(asked: Asked, *, began: datetime) -> Answer:
    results: list[dict[str, Any]] = []
    for number, column in enumerate(asked.columns):
        points = _points(column, asked, began)
        results.append(
            {
                "Id": f"q{number}",
                "Timestamps": [at.timestamp() for at in points],
                "Values": list(points.values()),
                "StatusCode": "Complete",
            }
        )
    return as_json(MetricDataResults=results)


def _points(column: str, asked: Asked, began: datetime) -> dict[datetime, int]:
    if "Invocations Sum" not in column:
        return {}
    canary = column.startswith(CANARY)
    minutes = (
        asked.since + number * _MINUTE for number in range((asked.until - asked.since) // _MINUTE)
    )
    count = _CANARY_MINUTE if canary else _STABLE_MINUTE
    return {at: count for at in minutes if at >= began or not canary}
