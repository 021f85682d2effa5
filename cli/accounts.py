"""What an answer about a target's past holds: the document that is printed, or told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.contents import made_of
from cli.errors import UnusableError
from sluice.domain.auditing import audit
from sluice.domain.chronology import approval, services, situation
from sluice.domain.recorded import record
from sluice.domain.values import iso

if TYPE_CHECKING:
    from datetime import datetime

    from cli.facts import Facts
    from sluice.domain.chronology import Service
    from sluice.domain.history import Entry
    from sluice.domain.recorded import Recorded
    from sluice.domain.rollout import Deployed


class Account:
    """A target's past, with what is known of the releases in it."""

    def __init__(self, recorded: Recorded, facts: Facts) -> None:
        self.target, self._facts = recorded.target, facts
        self.flaws = len(audit(recorded))
        self.entries = _entries(recorded)

    def at(self, at: datetime) -> dict[str, Any]:
        """What served at that moment, and what went on then."""
        found = situation(self.entries, at)
        return {
            **self._head(),
            "at": iso(at),
            **self._service(found.service),
            **self._content(found.service.live),
            "halted": _entry(found.halted),
            "rollout": _entry(found.started),
            "weights": _entry(found.shifted),
        }

    def course(
        self, begins: datetime | None, ends: datetime | None, *, after: int, limit: int
    ) -> dict[str, Any]:
        """A page of the history between two moments: its entries, and all that served meanwhile.

        The page begins after entry `after` and has `limit` entries, all of them where that is 0.
        """
        asked = [one for one in self.entries if _within(one, begins, ends) and one.n > after]
        page = asked[:limit] if limit else asked
        more = len(asked) - len(page)
        first = page[0].at if after and page else begins
        last = page[-1].at if more else ends
        served = [one for one in services(self.entries) if one.touches(first, last)]
        return {
            **self._head(),
            "from": iso(begins) if begins else None,
            "to": iso(ends) if ends else None,
            "services": [self._service(one) for one in served],
            "entries": [_entry(one) for one in page],
            "more": more,
            "after": page[-1].n if more else None,
        }

    def _head(self) -> dict[str, Any]:
        return {"target": self.target, "sound": not self.flaws}

    def _service(self, service: Service) -> dict[str, Any]:
        live = service.live
        span = {
            "serves": str(live.release) if live else None,
            "since": iso(service.since) if service.since else None,
            "until": iso(service.until) if service.until else None,
        }
        if live is None:
            return span
        approved = self._facts.approved(approval(self.entries, service))
        return {
            **span,
            "digest": live.digest,
            "package_arn": live.package_arn,
            "manifest_uri": live.manifest_uri,
            "variant": live.variant,
            **self._manifest(live),
            "approved": approved,
            "began_with": _entry(service.first),
        }

    def _content(self, live: Deployed | None) -> dict[str, Any]:
        """What served was made of, and who pushed it; nothing where its manifest is not known."""
        try:
            manifest = self._facts.manifest(live) if live else None
        except UnusableError:  # said beside the commit
            return {}
        if live is None or manifest is None:
            return {}
        copies = self._facts.copies(live.release)
        made = made_of(manifest, {one.name: one.sha256 for one in copies if one.sha256})
        return {"made_of": made, "pushed": self._facts.people.pushed(manifest)}

    def _manifest(self, live: Deployed) -> dict[str, Any]:
        """What the manifest says it was made from; why that is not known, where it is not."""
        try:
            manifest = self._facts.manifest(live)
        except UnusableError as error:
            return {"commit": None, "training_dataset_version": None, "unknown": str(error)}
        known = {
            "commit": manifest.get("commit"),
            "training_dataset_version": manifest.get("training_dataset_version"),
        }
        if manifest.get("model"):
            known["model"] = manifest["model"]
            known["knowledge"] = manifest.get("knowledge")
        return known


def _entries(recorded: Recorded) -> list[Entry]:
    """The entries by number. Raises UnusableError where one cannot be read."""
    found = [record(recorded.target, item) for item in recorded.history]
    entries = [one.entry for one in found if one.entry]
    if len(entries) < len(found):
        numbers = ", ".join(str(one.number) for one in found if one.entry is None)
        message = (
            f"entry {numbers} of {recorded.target} cannot be read: what served cannot be told; "
            f"see `sluice audit {recorded.target}`"
        )
        raise UnusableError(message)
    return sorted(entries, key=lambda one: one.n)


def _within(entry: Entry, begins: datetime | None, ends: datetime | None) -> bool:
    return (begins is None or entry.at >= begins) and (ends is None or entry.at <= ends)


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    """An entry as the answer holds it; what served after it stands beside, once."""
    if entry is None:
        return None
    told = entry.model_dump(mode="json", exclude={"live", "release", "schema_version"})
    release = {"release": str(entry.release) if entry.release else None}
    return {**told, **release, "serves": str(entry.live.release) if entry.live else None}
