"""The inbox in the ledger: what was seen of each folder, and one receipt for every input.

| item | key | holds |
|---|---|---|
| upload | `UPLOAD#folder` / object name | the object's newest version, what it was found to be |
| count | `COUNT#folder` / `NOTES` | how many versions of its model's files were noted |
| input | `INPUT#identity` / `RECORD` | the input's receipt |

They expire 400 days after their event; what a registered version is made of stays in the release.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sluice.adapters.ledger.claims import claimed, unclaimed
from sluice.adapters.ledger.records import count_key
from sluice.adapters.ledger.table import ConditionFailedError, Item, Table
from sluice.domain.noted import Noted, newer
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sluice.domain.inbox import Place
    from sluice.domain.release import ReleaseName

_KEPT_SECONDS = 400 * 24 * 60 * 60
_ATTEMPTS = 10
_NOT_ENDED = "attribute_not_exists(pk) OR kind = :pending"
_PENDING = {":pending": Kind.PENDING.value}


class Seen(NamedTuple):
    """A folder as it was read, for a claim that is conditioned on it."""

    noted: tuple[Noted, ...]
    notes: int
    """Of the notes of its model's files, before any was read."""


class Intake:
    """`UPLOAD#…` and `INPUT#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def receipt(self, identity: str) -> Receipt | None:
        """The input's receipt as it stands, or None."""
        item = self._table.get(f"INPUT#{identity}", "RECORD")
        return receipt_of(item) if item else None

    def folder(self, path: str) -> tuple[Noted, ...]:
        """The newest version of every object noted in the folder, read consistently."""
        items = self._table.query(f"UPLOAD#{path}")
        return tuple(_noted(item) for item in items)

    def seen(self, path: str) -> Seen:
        """The folder, and what tells whether a file of its model was noted since."""
        item = self._table.get(*count_key(path))
        return Seen(noted=self.folder(path), notes=item["notes"] if item else 0)

    def note(self, noted: Noted) -> Noted:
        """Note an object version; the one that counts now: this, or the newer one noted before.

        The version replaced gets its receipt in the same transaction. Noting a version again
        changes nothing, whatever it was found to be the second time.
        """
        standing = self._put_first(noted)
        for _ in range(_ATTEMPTS):
            if standing is None:
                return noted
            if not newer(noted, standing):
                return standing
            standing = self._replace(standing, noted)
        raise ConditionFailedError

    def end(self, receipt: Receipt) -> None:
        """Give the input its receipt. Raises ConditionFailedError if it ended otherwise before."""
        self._write(receipt)

    def end_unclaimed(self, receipt: Receipt, place: Place) -> None:
        """The same, and only as long as nobody claimed the folder: else ConditionFailedError."""
        self._write(receipt, unclaimed(self._table, place))

    def end_registered(self, receipt: Receipt) -> None:
        """The receipt of an input that a registered release was made from, unless it has it.

        What was refused in sight of others, and was right after all, is not refused any more.
        """
        values = {**_PENDING, ":rejected": Kind.REJECTED.value}
        when = f"{_NOT_ENDED} OR kind = :rejected"
        with suppress(ConditionFailedError):
            self._table.write(self._table.put(receipt_item(receipt), when=when, values=values))

    def end_claimed(self, receipt: Receipt, release: ReleaseName) -> None:
        """The same, and only as long as the folder's capture goes on: else ConditionFailedError."""
        self._write(receipt, claimed(self._table, release))

    def _put_first(self, noted: Noted) -> Noted | None:
        try:
            put = self._table.put(_item(noted), when="attribute_not_exists(pk)")
            self._table.write(put, *self._counted(noted))
        except ConditionFailedError:
            return self._standing(noted)
        return None

    def _replace(self, standing: Noted, noted: Noted) -> Noted | None:
        put = self._table.put(
            _item(noted),
            when="version_id = :standing",
            values={":standing": standing.upload.version_id},
        )
        try:
            superseded = ending(self._table, _superseded(standing, noted))
            self._table.write(put, superseded, *self._counted(noted))
        except ConditionFailedError:
            return self._replace_ended(put, noted)
        return None

    def _replace_ended(self, put: Item, noted: Noted) -> Noted | None:
        """Replace a version that has its receipt already; what stands if it was another one."""
        try:
            self._table.write(put, *self._counted(noted))
        except ConditionFailedError:
            return self._standing(noted)
        return None

    def _counted(self, noted: Noted) -> Iterator[Item]:
        """One more note of a file of a model: a claim has room for one condition on them all."""
        if noted.place.in_model:
            yield self._table.update(
                *count_key(noted.place.folder),
                "ADD notes :one SET expires_at = :expiry",
                values={":one": 1, ":expiry": _expiry(noted.upload.at)},
            )

    def _standing(self, noted: Noted) -> Noted | None:
        item = self._table.get(f"UPLOAD#{noted.place.folder}", noted.place.name)
        return _noted(item) if item else None

    def _write(self, receipt: Receipt, *checks: Item) -> None:
        try:
            self._table.write(ending(self._table, receipt), *checks)
        except ConditionFailedError as error:
            if not _same(error.item, receipt):
                raise


def ending(table: Table, receipt: Receipt) -> Item:
    """An operation that gives an input its receipt, unless it has a terminal one."""
    return table.put(receipt_item(receipt), when=_NOT_ENDED, values=_PENDING)


def receipt_item(receipt: Receipt) -> Item:
    """The receipt as the ledger holds it."""
    body = receipt.model_dump(mode="json", exclude_none=True)
    keys = {"pk": f"INPUT#{receipt.identity}", "sk": "RECORD"}
    return {**keys, **body, "expires_at": _expiry(receipt.at)}


def receipt_of(item: Item) -> Receipt:
    """The receipt in an item of the ledger."""
    return Receipt.model_validate(
        {name: value for name, value in item.items() if name not in {"pk", "sk", "expires_at"}}
    )


def _item(noted: Noted) -> Item:
    """The upload as the ledger holds it: JSON text, since DynamoDB's numbers are not floats."""
    return {
        "pk": f"UPLOAD#{noted.place.folder}",
        "sk": noted.place.name,
        "version_id": noted.upload.version_id,
        "noted": noted.model_dump_json(exclude_none=True),
        "expires_at": _expiry(noted.upload.at),
    }


def _noted(item: Item) -> Noted:
    # The parts that engineers wrote forbid unknown fields; what a newer version of ours stored
    # must still be read.
    return Noted.model_validate_json(item["noted"], extra="ignore")


def _superseded(standing: Noted, noted: Noted) -> Receipt:
    detail = f"version {noted.upload.version_id} of the object came after it"
    refusal = Refusal(reason=Reason.SUPERSEDED, detail=detail)
    return refused(standing.upload, refusal, release=standing.place.release)


def _same(item: Item | None, receipt: Receipt) -> bool:
    if item is None or item.get("sk") != "RECORD":
        return False
    return (item["kind"], item.get("reason")) == (receipt.kind, receipt.reason)


def _expiry(at: datetime) -> int:
    return int(at.timestamp()) + _KEPT_SECONDS
