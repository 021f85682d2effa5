"""Copies under way in the ledger.

| item | key | holds |
|---|---|---|
| copy | `COPY#vault key` / `UPLOAD` | the multipart upload that fills the key, how far it is |
| progress | `COPY#vault folder` / `FOLDER` | how far the copies of a model's files are |
| compared | `COPY#vault folder` / `COMPARED#file` | a copy that was read and is its source's |

They expire 30 days after they were begun: S3 gives up a multipart upload before that, by the
bucket's lifecycle, and a copy that is taken up again later begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError, Item, Table
from sluice.domain.copying import Copy
from sluice.domain.vault import VaultCopy

if TYPE_CHECKING:
    from sluice.domain.values import Moment

_KEPT_SECONDS = 30 * 24 * 60 * 60
_COMPARED = "COMPARED#"
_SAME = "upload_id = :known"


class Copies:
    """`COPY#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, key: str) -> Copy | None:
        """The copy to `key` that is under way, read consistently, or None."""
        item = self._table.get(f"COPY#{key}", "UPLOAD")
        return _copy(item) if item else None

    def begin(self, key: str, copy: Copy, *, instead_of: Copy | None) -> Copy:
        """Record a copy begun just now; the one that counts: this, or another's begun before it."""
        when = _SAME if instead_of else "attribute_not_exists(pk)"
        values = {":known": instead_of.upload_id} if instead_of else None
        try:
            self._table.write(self._table.put(_item(key, copy), when=when, values=values))
        except ConditionFailedError as error:
            return _copy(error.item) if error.item else copy
        return copy

    def progressed(self, key: str, copy: Copy) -> None:
        """Record how far the copy has come, unless it is another one by now."""
        put = self._table.put(_item(key, copy), when=_SAME, values={":known": copy.upload_id})
        try:
            self._table.write(put)
        except ConditionFailedError:
            return

    def tell(self, folder: str, detail: str, *, at: Moment) -> None:
        """Record how far the copies into a folder of the vault are, for whoever waits for them."""
        item = {"pk": f"COPY#{folder}", "sk": "FOLDER", "detail": detail, "expires_at": _expiry(at)}
        self._table.write(self._table.put(item))

    def note_compared(self, folder: str, copy: VaultCopy, *, at: Moment) -> None:
        """Remember a copy into the folder that was read whole, to be compared with its source."""
        key = {"pk": f"COPY#{folder}", "sk": f"{_COMPARED}{copy.name}"}
        body = copy.model_dump(mode="json", exclude_none=True)
        self._table.write(self._table.put({**key, **body, "expires_at": _expiry(at)}))

    def compared(self, folder: str) -> dict[str, VaultCopy]:
        """The copies into the folder that were compared so, by name."""
        items = self._table.query(f"COPY#{folder}", prefix=_COMPARED)
        return {one.name: one for one in map(VaultCopy.model_validate, map(_body, items))}

    def told(self, folder: str) -> str:
        """How far the copies into a folder of the vault were when that was told last."""
        item = self._table.get(f"COPY#{folder}", "FOLDER")
        return str(item["detail"]) if item else ""


def _item(key: str, copy: Copy) -> Item:
    body = copy.model_dump(mode="json", exclude_none=True)
    return {"pk": f"COPY#{key}", "sk": "UPLOAD", **body, "expires_at": _expiry(copy.at)}


def _copy(item: Item) -> Copy:
    return Copy.model_validate(_body(item))


def _body(item: Item) -> Item:
    names = {"pk", "sk", "expires_at"}
    return {name: one for name, one in item.items() if name not in names}


def _expiry(at: Moment) -> int:
    return int(at.timestamp()) + _KEPT_SECONDS
