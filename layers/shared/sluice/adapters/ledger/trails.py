"""What CloudTrail told, in the ledger: each call once, its first record.

| item | key | holds |
|---|---|---|
| trail of an upload | `TRAIL#folder` / object@version | who wrote that version of the object |
| trail of a decision | `TRAIL#package ARN` / time#event | who set which approval status |

An upload's expires 400 days after the call unless a claimed version is made of it; a decision's
stays as long as the package's release does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.trail import Trail
from sluice.domain.values import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.inbox import Place

_KEPT_SECONDS = 400 * 24 * 60 * 60
_EXPIRY = "expires_at"


class Trails:
    """`TRAIL#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note_upload(self, trail: Trail, place: Place) -> None:
        """Note who wrote an object version, until it expires; a second time changes nothing."""
        pk, sk = _upload_key(trail, place.folder)
        expires = int(trail.at.timestamp()) + _KEPT_SECONDS
        self._put({"pk": pk, "sk": sk, **_body(trail), _EXPIRY: expires})

    def note_decision(self, trail: Trail) -> None:
        """Note who set a package's approval status; a second time changes nothing."""
        keys = {"pk": f"TRAIL#{trail.package_arn}", "sk": f"{iso(trail.at)}#{trail.event_id}"}
        self._put({**keys, **_body(trail)})

    def keep_upload(self, trail: Trail, folder: str) -> None:
        """Let the record of an upload stand for good: a version is made of what it tells of."""
        pk, sk = _upload_key(trail, folder)
        kept = self._table.update(pk, sk, f"REMOVE {_EXPIRY}", when="attribute_exists(pk)")
        with suppress(ConditionFailedError):  # it has just expired
            self._table.write(kept)

    def of_folder(self, folder: str) -> Iterator[Trail]:
        """Every upload that is known of the folder, in the order of the objects' names."""
        return map(_trail, self._table.query(f"TRAIL#{folder}"))

    def expiring(self, folder: str) -> Iterator[Trail]:
        """Those of the folder that are not kept for good."""
        found = self._table.query(f"TRAIL#{folder}")
        return (_trail(item) for item in found if _EXPIRY in item)

    def of_package(self, arn: str) -> Iterator[Trail]:
        """Every decision that is known of the package, oldest first."""
        return map(_trail, self._table.query(f"TRAIL#{arn}"))

    def _put(self, item: Item) -> None:
        with suppress(ConditionFailedError):
            self._table.write(self._table.put(item, when="attribute_not_exists(pk)"))


def _upload_key(trail: Trail, folder: str) -> tuple[str, str]:
    name = trail.key.removeprefix(f"{folder}/")
    return f"TRAIL#{folder}", f"{name}@{trail.version_id or f'request/{trail.request_id}'}"


def _body(trail: Trail) -> Item:
    return trail.model_dump(mode="json", exclude_none=True)


def _trail(item: Item) -> Trail:
    return Trail.model_validate(
        {name: value for name, value in item.items() if name not in {"pk", "sk", _EXPIRY}}
    )
