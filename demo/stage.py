"""What the steps act with, and how they wait: with a deadline and an eye on what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.counting import Answer, Expected, failures
from demo.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.account import Account, Entry
    from demo.commands import Shell
    from demo.meanwhile import Meanwhile
    from demo.narrator import Narrator
    from demo.notices import Notices
    from demo.packing import Package
    from demo.rows import Kind, Row
    from demo.traffic import Caller, Traffic
    from demo.watching import EndpointWatch
    from localcloud.launcher import LocalCloud

_BAD_ENDS = ("Aborted", "RolledBack", "Halted")


@dataclass(frozen=True, slots=True)
class Stage:
    """The cast of the story."""

    narrator: Narrator
    shell: Shell
    cloud: LocalCloud
    account: Account
    traffic: Traffic[Kind, Row, Answer]
    watch: EndpointWatch
    caller: Caller
    notices: Notices
    meanwhile: Meanwhile
    packages: dict[int, Package]
    rows: dict[Kind, tuple[Row, ...]]
    expected: Expected
    speed: float

    def until[T](
        self,
        what: str,
        probe: Callable[[], T | None],
        *,
        minutes: float,
        unless: Callable[[], str | None] = lambda: None,
    ) -> T:
        """Wait until `probe` finds something, as `Patience.until` does."""
        patience = Patience(self.speed, self.narrator.status, self._now, self.picture)
        return patience.until(what, probe, minutes=minutes, unless=unless)

    def entries(self) -> int:
        """How many entries the ledger's history has; what comes later has a greater number."""
        return len(self.account.history())

    def event(self, event: str, version: int, *, after: int) -> Callable[[], Entry | None]:
        """A probe for the first entry beyond `after` that says `event` of `version`."""

        def probe() -> Entry | None:
            later = (e for e in self.account.history() if e.n > after and e.version == version)
            return next((entry for entry in later if entry.event == event), None)

        return probe

    def ended_badly(self, version: int, *, after: int) -> Callable[[], str | None]:
        """A reason to stop waiting for a version to be promoted: its rollout ended otherwise."""
        probes = [self.event(event, version, after=after) for event in _BAD_ENDS]

        def reason() -> str | None:
            return next((str(entry) for probe in probes if (entry := probe())), None)

        return reason

    def picture(self) -> str:
        """The state of things, for a person who has to find out what went wrong."""
        lines = [f"describe-endpoint: {self.account.endpoint()}", "ledger, newest last:"]
        lines += [f"  {entry}" for entry in self.account.history()[-8:]] or ["  nothing"]
        for version in self.packages:
            package = self.account.registered(version)
            if package is not None:
                lines.append(f"registry: v{version} {package.status} {package.description}")
        failed = failures(self.traffic.answers())
        lines.append(f"traffic: {len(self.traffic.answers())} requests, {len(failed)} failed")
        lines += [f"  last failure: {failed[-1].variant}: {failed[-1].error}"] if failed else []
        return "\n".join(lines)

    def _now(self) -> str:
        stretches = self.watch.stretches()
        return str(stretches[-1].sight) if stretches else "no endpoint"
