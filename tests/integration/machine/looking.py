"""The world as it stands: its target's state and history, its endpoint, what is going on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.table import Table, decode
from sluice.adapters.ledger.targets import Targets
from sluice.domain.rollout import Phase
from tests.builders import TARGET
from tests.integration.machine.driver import LEDGER

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.machine.account import Account
    from tests.integration.machine.wire import Wire

RECONCILE_SECONDS = 300


@dataclass
class Looking:
    """Everything that can be seen of a world without touching it."""

    wire: Wire

    @property
    def account(self) -> Account:
        """Everything that can change."""
        return self.wire.account

    @property
    def state(self) -> TargetState:
        """The target as it stands in the ledger; reading it here is no call of anybody's."""
        item = self.account.ledger.items[self.stored_as]
        return read_state(item, self.account.target)

    @property
    def stored_as(self) -> tuple[str, str]:
        """The key of the target's state."""
        return f"TARGET#{self.account.target}", "STATE"

    @property
    def of_application(self) -> bool:
        """Whether the target is an application: its variants are a function's versions."""
        return self.account.target.startswith("application/")

    @property
    def canary(self) -> str:
        """Version 2 where it is the second that is deployed, as traffic and alarms name it."""
        return "v2-3" if self.of_application else "v2-e2"

    @property
    def stable(self) -> str:
        """Version 1 where it was the first."""
        return "v1-2" if self.of_application else "v1-e1"

    def called(self, variant: str) -> str:
        """A variant of the ledger, as traffic and alarms name it."""
        return self.account.function.label(variant) if self.of_application else variant

    def history(self) -> list[dict[str, Any]]:
        """The target's history, oldest first, as it is stored."""
        pk, _ = self.stored_as
        keys = sorted(k for k in self.account.ledger.items if k[0] == pk and k[1] != "STATE")
        return [plain(self.account.ledger.items[one]) for one in keys]

    def events(self) -> list[str]:
        """What the history tells, each with its release: `Promoted churn-v2`."""
        return [f"{one['event']} {named(one['release'])}" for one in self.history()]

    def traffic(self) -> dict[str, float]:
        """Each variant's share of the requests, in percent; those without any left out.

        A version that the alias leads to is named after its release, too; one without is left out.
        """
        if self.of_application:
            function = self.account.function
            shares = {function.label(one): share for one, share in function.traffic().items()}
            return {name: round(100 * share, 1) for name, share in shares.items() if share and name}
        found = self.account.sagemaker.endpoints.get("churn")
        weights = (
            {n: one.weight for n, one in found.variants.items() if one.weight} if found else {}
        )
        total = sum(weights.values())
        return {name: round(100 * weight / total, 1) for name, weight in weights.items()}

    def alarm_of(self, variant: str) -> Any:
        """The first alarm on the variant."""
        alarms = self.account.cloudwatch.alarms.values()
        return next(one for one in alarms if one.variant == variant)

    @property
    def busy(self) -> bool:
        """Whether anything is going on that does not wait for a schedule."""
        account = self.account
        return (
            bool(account.pending)
            or any(one.running for one in account.states.executions.values())
            or any(one.due for one in account.sagemaker.endpoints.values())
        )

    @property
    def in_flight(self) -> bool:
        """Whether the ledger lists a rollout for `watch_rollout` to look at."""
        return any(pk == "INFLIGHT" for pk, _ in self.account.ledger.items)

    @property
    def owing(self) -> bool:
        """Whether the ledger says that something is still to be done."""
        if self.stored_as not in self.account.ledger.items:
            return False
        state = self.state
        return bool(state.holder or (state.rollback_owed and state.phase is not Phase.HALTED))

    def rested(self) -> bool:
        """Whether two rounds of every schedule have just found nothing to do."""
        if self.busy or self.owing or not self.at_round:
            return False
        now, when = self.account.fingerprint(), self.account.clock.now
        before, since, rounds = self.account.memory.get("rest", (b"", when, 0))
        if now != before:
            since, rounds = when, 0
        elif when != since:
            since, rounds = when, rounds + 1
        self.account.memory["rest"] = now, since, rounds
        return bool(rounds >= 2)

    @property
    def at_round(self) -> bool:
        """Whether every schedule has just had its turn."""
        return self.account.clock.now.timestamp() % RECONCILE_SECONDS == 0


def read_state(item: Any, target: str = TARGET) -> TargetState:
    """A stored state, read as the ledger's adapter reads it."""

    class _One:
        def get_item(self, **_asked: Any) -> Any:
            return {"Item": item}

    found = Targets(Table(_One(), LEDGER)).read(target)  # type: ignore[arg-type]
    assert found
    return found


def plain(item: Any) -> dict[str, Any]:
    """Stored attributes as plain values."""
    return decode(item)


def named(release: dict[str, Any]) -> str:
    """`churn-v2`."""
    return f"{release['group']}-v{release['version']}"


def next_round(now: datetime, seconds: int) -> datetime:
    """When a schedule of every so many seconds has its next turn."""
    return now + timedelta(seconds=seconds - now.timestamp() % seconds)
