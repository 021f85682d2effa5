"""Evidence in the ledger: a rollout's tally as it grows, and what each verdict stood on, for ever.

Texts are stored compressed: two days of minutes stay far below DynamoDB's 400 KB for an item.
"""

from __future__ import annotations

import base64
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.forecasting import Forecast
from sluice.domain.judging import Evidence, canonical
from sluice.domain.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.adapters.ledger.table import Item, Table

_TALLY, _FORECAST = "TALLY", "FORECAST"
_KEPT = timedelta(days=30)


class Evidences:
    """`EVIDENCE#target` items: `execution/FORECAST`, `execution/TALLY` and `execution/name`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def tally(self, target: str, rollout: str) -> Tally | None:
        """What has been counted of the rollout so far."""
        item = self._table.get(_pk(target), f"{rollout}/{_TALLY}")
        return Tally.model_validate_json(_text(item)) if item else None

    def count(self, target: str, tally: Tally) -> bool:
        """Store what was counted; False if somebody else has counted meanwhile."""
        stored = tally.model_copy(update={"revision": tally.revision + 1})
        item = {
            **_item(target, f"{tally.rollout}/{_TALLY}", canonical(stored.model_dump(mode="json"))),
            "revision": stored.revision,
        }
        if tally.begins:
            item["expires_at"] = int((tally.begins + _KEPT).timestamp())
        put = self._table.put(
            item,
            when="attribute_not_exists(pk) OR revision = :r",
            values={":r": tally.revision},
        )
        try:
            self._table.write(put)
        except ConditionFailedError:
            return False
        return True

    def forecast(self, target: str, rollout: str) -> Forecast | None:
        """What was foreseen of the rollout."""
        item = self._table.get(_pk(target), f"{rollout}/{_FORECAST}")
        return Forecast.model_validate_json(_text(item)) if item else None

    def foresee(self, target: str, told: Forecast) -> None:
        """Keep what was foreseen."""
        text = canonical(told.model_dump(mode="json"))
        self._table.write(self._table.put(_item(target, f"{told.rollout}/{_FORECAST}", text)))

    def store(self, target: str, evidence: Evidence) -> None:
        """Keep what a verdict stands on; safe to repeat, as its name says what is in it."""
        key = f"{evidence.rollout}/{evidence.name}"
        self._table.write(self._table.put(_item(target, key, evidence.canonical())))

    def of(self, target: str, rollout: str = "") -> Iterator[tuple[str, str]]:
        """Name and text of the evidence stored for a target, or for one of its rollouts."""
        prefix = f"{rollout}/" if rollout else ""
        for item in self._table.query(_pk(target), prefix=prefix):
            if item["sk"].rpartition("/")[2] not in {_TALLY, _FORECAST}:
                yield item["sk"], _text(item)


def _pk(target: str) -> str:
    return f"EVIDENCE#{target}"


def _item(target: str, key: str, text: str) -> Item:
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return {"pk": _pk(target), "sk": key, "text": packed}


def _text(item: Item) -> str:
    return zlib.decompress(base64.b64decode(item["text"])).decode()
