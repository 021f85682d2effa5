"""A rollout's tally: what both variants did, period by period, as CloudWatch told it.

Rows before the first step are stable's history; each later row belongs to the step that had begun
by then. Rows are only added, and the last few completed by counts that come late. A period counts
when it has been over for two minutes; what is not there by then is not known, which is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sluice.domain.measures import CANARY, STABLE, compared, guarded
from sluice.domain.rollout import Phase
from sluice.domain.values import ALL_TRAFFIC, SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.measures import Measure, Series
    from sluice.domain.rollout import Rollout

HISTORY = timedelta(minutes=180)
SETTLES = timedelta(seconds=120)
"""How long CloudWatch may take to have counted a period."""
REREAD = timedelta(seconds=300)
"""How far back later readings complete what is known."""
LONGEST = timedelta(hours=48)
"""Variants are compared no longer than this: what is undecided by then is for a person."""

type Number = int | float
type Readings = Mapping[str, Mapping[datetime, Number]]
"""What was read, by column and by the period's beginning."""
type Pair = tuple[Number | None, Number | None]


class Start(Value):
    """Since when, in whole periods, a step has been in effect."""

    position: int
    weight: int
    since: Moment


class Tally(Value):
    """What is known of a rollout's traffic."""

    schema_version: int = SCHEMA_VERSION
    rollout: str
    period: int = 60
    revision: int = 0
    begins: Moment | None = None
    """The beginning of the first row."""
    starts: tuple[Start, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Number | None, ...], ...] = ()
    unread: int = 0
    """How many looks in a row CloudWatch did not answer."""
    awaited: int | None = None
    """The step whose weight was not in effect yet when somebody looked."""

    @property
    def ends(self) -> datetime | None:
        """The end of the last row."""
        return self.begins + self._spanned(len(self.rows)) if self.begins else None

    def within(self, since: datetime, until: datetime | None = None) -> range:
        """The numbers of the rows that begin between the two."""
        stop = len(self.rows) if until is None else self._number(until)
        return range(max(0, self._number(since)), stop)

    def pairs(self, side: str, measure: Measure, rows: range) -> list[Pair]:
        """A measure of one variant in those rows."""
        n, x = self._column(measure.n.column(side)), self._column(measure.x.column(side))
        return [measure.pair(_cell(self.rows[row], n), _cell(self.rows[row], x)) for row in rows]

    def begun(self, rollout: Rollout, phase: Phase, *, since: datetime, now: datetime) -> Tally:
        """The tally in which the step that the rollout is in, its weight in effect, has begun.

        It began with the wait, `since`, unless a look saw that it had not: then it begins now.
        """
        position = _position(rollout, phase)
        if self.starts and self.starts[-1].position >= position:
            return self
        first = _rounded_up(now if self.awaited == position else since, self.period)
        start = Start(position=position, weight=rollout.weight, since=first)
        update: dict[str, object] = {"starts": (*self.starts, start)}
        if not self.begins:
            update["begins"] = first - HISTORY if rollout.stable else first
        return self.model_copy(update=update)

    def not_begun(self, rollout: Rollout, phase: Phase) -> Tally:
        """The tally after a look saw that the step's weight is not in effect."""
        position = _position(rollout, phase)
        begun = bool(self.starts) and self.starts[-1].position >= position
        known = begun or self.awaited == position
        return self if known else self.model_copy(update={"awaited": position})

    def read(self, asked: Asked, readings: Readings) -> Tally:
        """The tally with what was read; what is known already is never lost."""
        begins, ends = self.begins, self.ends
        if begins is None or ends is None:
            return self
        columns = (*self.columns, *(one for one in asked.columns if one not in self.columns))
        rows = [[*row, *[None] * (len(columns) - len(row))] for row in self.rows]
        rows += [[None] * len(columns) for _ in range(self._number(asked.until) - len(rows))]
        for column, values in readings.items():
            index = columns.index(column)
            for moment, value in values.items():
                number = self._number(moment)
                if 0 <= number < len(rows):
                    rows[number][index] = value
        return self.model_copy(
            update={"columns": columns, "rows": tuple(map(tuple, rows)), "unread": 0}
        )

    def not_read(self) -> Tally:
        """The tally after CloudWatch did not answer."""
        return self.model_copy(update={"unread": self.unread + 1})

    def _spanned(self, rows: int) -> timedelta:
        return timedelta(seconds=rows * self.period)

    def _number(self, moment: datetime) -> int:
        if self.begins is None:
            return 0
        return int((moment - self.begins).total_seconds() // self.period)

    def _column(self, name: str) -> int | None:
        return self.columns.index(name) if name in self.columns else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read: one request."""

    columns: Mapping[str, tuple[Series, Mapping[str, str]]]
    """Each with its series and that one's dimensions."""
    since: datetime
    until: datetime
    period: int


def to_read(tally: Tally, rollout: Rollout, *, now: datetime) -> Asked | None:
    """What a look asks CloudWatch for; None while no further period is over and settled."""
    begins, ends = tally.begins, tally.ends
    if begins is None or ends is None or not tally.starts:
        return None
    whole, first = tally.starts[-1].weight == ALL_TRAFFIC, tally.starts[0].since
    until = settled(now, tally.period)
    until = until if whole else min(until, first + LONGEST)
    if until <= max(ends, first):
        return None
    sides = {CANARY: rollout.release}
    if rollout.stable and not (whole and tally.rows):
        sides[STABLE] = rollout.stable
    measures = guarded(rollout.policy) if whole else compared(rollout.policy)
    columns = {
        series.column(side): (series, series.dimensions(rollout.target_name, variant))
        for side, variant in sides.items()
        for measure in measures
        for series in (measure.n, measure.x)
    }
    return Asked(columns, max(begins, ends - REREAD), until, tally.period)


def _position(rollout: Rollout, phase: Phase) -> int:
    """The step's number; stand-by comes after the last."""
    return len(rollout.steps) if phase is Phase.STANDING_BY else rollout.position


def _cell(row: tuple[Number | None, ...], index: int | None) -> Number | None:
    return None if index is None or index >= len(row) else row[index]


def settled(now: datetime, period: int) -> datetime:
    """The end of the last whole period that CloudWatch has counted by now."""
    return _rounded_down(now - SETTLES, period)


def rows_of(seconds: int, period: int) -> int:
    """How many rows so many seconds take."""
    return -(-seconds // period)


def _rounded_down(moment: datetime, period: int) -> datetime:
    past = timedelta(seconds=moment.timestamp() % period)
    return moment - past


def _rounded_up(moment: datetime, period: int) -> datetime:
    down = _rounded_down(moment, period)
    return down if down == moment else down + timedelta(seconds=period)
