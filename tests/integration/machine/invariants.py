"""What must hold after every step and at every call, whatever happened; and what at rest.

Read from the ledger's items, the endpoint and the calls made, never from an answer of ours. The
numbers are names: I3 only approved traffic, I5 writer order, I6 the ledger only grows, I7 where a
rollback lands, I8 never worse, I9 one end for each approval, I10 nothing bad is promoted, I11 the
newest approval is served or was answered, I12 nothing bad or rejected serves, I13 ledger and
endpoint agree, I14 no stuck lease, I15 intent before effect, I19 an end, I22 no more weight unless
every alarm was read as OK.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from sluice.domain.rollout import Phase
from tests.integration.machine.looking import named, plain

if TYPE_CHECKING:
    from tests.integration.machine.wire import Call
    from tests.integration.machine.world import World

MOVES = {
    "CreateEndpoint",
    "UpdateEndpoint",
    "UpdateEndpointWeightsAndCapacities",
    "DeleteEndpoint",
    "UpdateAlias",
}
ENDPOINT = "churn"
LIVE_CHANGES = {"Promoted", "RolledBack"}


class Violation(BaseException):
    """An invariant does not hold."""


class Invariants:
    """Looks at a world at every call and after every step."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.wire.watch = self.at_call
        world.after_step = self.after_step

    # At every call.

    def at_call(self, call: Call) -> None:
        """Just before the account answers it."""
        if call.operation in {"DescribeModelPackage", "ListModelPackages"}:
            self._remember_approvals(call)
        if call.operation == "DescribeAlarms" and call.by == "watch_rollout":
            alarms = self.world.account.cloudwatch.alarms.values()
            self.world.account.memory["read"] = {one.name: one.state for one in alarms}
        if call.operation in MOVES:
            self._traffic(call)

    def _remember_approvals(self, call: Call) -> None:
        """A consistent read that says Approved, and the epoch it was made in."""
        epoch = self._stored().get("epoch", 0)
        reads = self.world.account.memory.setdefault("approved", {})
        for package in self.world.account.registry.packages.values():
            asked = call.asked.get("ModelPackageName", package.arn)
            if asked == package.arn and package.status == "Approved":
                reads[package.version] = epoch

    def _traffic(self, call: Call) -> None:
        stored = self._stored()
        self._order(call, stored)
        if call.operation == "DeleteEndpoint":
            endpoint = self.world.account.sagemaker.endpoints[ENDPOINT]
            lost = endpoint.status == "Failed"  # it serves nobody, and allows nothing else
            self._must(lost or "live" not in stored, "I8 the endpoint that serves is deleted")
            self.world.account.memory["gone"] = lost
            return
        if call.by:  # made by a function, not by the machine
            self._must(bool(stored.get("intent")), f"I15 {call.operation} without an intent")
        for variant in self._raised(call):
            version, epoch = _version_of(variant), self._epoch_of(variant)
            self._must(f"churn-v{version}" not in stored.get("bad", {}), f"I8 {variant} is bad")
            if variant == self.world.called(_variant_of(stored, "stable")):
                continue
            against = self.world.account.memory.get("signalled")
            self._must(not against, f"I8 {variant} gets more though its rollout was signalled")
            self._sighted(call, stored)
            approved = self.world.account.memory.get("approved", {}).get(version, 0)
            self._must(approved >= epoch, f"I3 {variant} was not seen Approved in its epoch")

    def _sighted(self, call: Call, stored: dict[str, Any]) -> None:
        """A canary's share grows only after a look that read each of its alarms as OK."""
        rollout = json.loads(stored.get("rollout", "{}"))
        shifts = {"UpdateEndpointWeightsAndCapacities", "UpdateAlias"}
        if call.operation not in shifts or rollout.get("promoted"):
            return
        if rollout["kind"] != "Canary":
            return
        read = self.world.account.memory.get("read", {})
        unsure = {one: read.get(one) for one in rollout["release"]["alarms"]}
        self._must(set(unsure.values()) == {"OK"}, f"I22 more weight though {unsure}")

    def _order(self, call: Call, stored: dict[str, Any]) -> None:
        """No older epoch after a newer one; only the holder, unless it was displaced in the act."""
        acting, memory = self.world.acting, self.world.account.memory
        epoch = int(acting.rpartition("-e")[2] or 0)
        newest = memory.get("moved", 0)
        self._must(epoch >= newest, f"I5 {call.operation} by {acting!r} after epoch {newest}")
        memory["moved"] = epoch
        holds = stored.get("holder", "") == acting or acting in memory.get("outlived", ())
        self._must(holds, f"I5 {call.operation} by {acting!r}, which does not hold the target")

    def _epoch_of(self, variant: str) -> int:
        """The epoch in a variant's name; a published version has none, and is led to in one."""
        named = re.search(r"-e(\d+)$", variant) or re.search(r"-e(\d+)$", self.world.acting)
        return int(named[1]) if named else 0

    def _raised(self, call: Call) -> list[str]:
        """The variants that the call gives a larger share."""
        if call.operation == "UpdateAlias":
            function, others = self.world.account.function, call.asked["RoutingConfig"]
            more = others["AdditionalVersionWeights"]
            led = {call.asked["FunctionVersion"]: 1.0 - sum(more.values()), **more}
            had = function.traffic()
            risen = [one for one, share in led.items() if share > had.get(one, 0.0)]
            return [name for one in risen if (name := function.label(one))]
        sagemaker, asked = self.world.account.sagemaker, call.asked
        endpoint = sagemaker.endpoints.get(asked["EndpointName"])
        before = endpoint.variants if endpoint else {}
        if "EndpointConfigName" in asked:
            config = sagemaker.configs.get(asked["EndpointConfigName"], [])
            after = {one["VariantName"]: one["InitialVariantWeight"] for one in config}
        else:
            wanted = asked["DesiredWeightsAndCapacities"]
            after = {name: one.weight for name, one in before.items()}
            after |= {one["VariantName"]: one["DesiredWeight"] for one in wanted}
        shares = _shares({name: one.weight for name, one in before.items()})
        return [name for name, share in _shares(after).items() if share > shares.get(name, 0.0)]

    # After every step.

    def after_step(self, world: World) -> None:
        """The ledger grew, nothing in it changed that may not, and somebody serves."""
        memory, item = world.account.memory, self._item()
        if item is None:
            return
        self._serves(item)
        if item["revision"] == memory.get("item"):
            return  # every write of the ledger grows the revision
        memory["item"], stored = item["revision"], self._stored()
        for name in ("revision", "epoch", "history_length"):
            now, before = stored.get(name, 0), memory.get(name, 0)
            self._must(now >= before, f"I6 {name} fell from {before} to {now}")
            memory[name] = now
        self._chain(memory, stored)

    def _chain(self, memory: dict[str, Any], stored: dict[str, Any]) -> None:
        """New entries follow the ones before, gapless; `live` changes with one of them only."""
        told = []
        while (entry := self._entry(memory.get("chained", 0) + 1)) is not None:
            content = {name: value for name, value in entry.items() if name != "hash"}
            text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            hashed = hashlib.sha256(text.encode()).hexdigest()
            self._must(entry["hash"] == hashed, f"I6 entry {entry['n']} was changed")
            follows = entry["previous"] == memory.get("hash", "")
            self._must(follows, f"I6 entry {entry['n']} does not follow the one before")
            memory["chained"], memory["hash"] = entry["n"], entry["hash"]
            self._once(memory, entry, stored)
            self._lands(entry, stored)
            told.append(entry["event"])
        whole = stored.get("history_length", 0) == memory.get("chained", 0)
        self._must(whole, "I6 the history has a gap")
        live = self.world.called(stored.get("live", {}).get("variant", ""))
        changed = live != memory.get("live", "")
        self._must(not changed or bool(LIVE_CHANGES & set(told)), "I6 live changed untold")
        memory["live"] = live

    def _once(self, memory: dict[str, Any], entry: dict[str, Any], stored: dict[str, Any]) -> None:
        """One end for each approval; nothing bad is promoted."""
        release, event = named(entry["release"]), entry["event"]
        aborted = memory.setdefault("aborted", {})
        if event == "Approved":
            aborted.pop(release, None)
        if event == "Aborted":
            aborted[release] = aborted.get(release, 0) + 1
            self._must(aborted[release] == 1, f"I9 {release} was aborted twice")
        if event == "Promoted":
            self._must(release not in stored.get("bad", {}), f"I10 {release} is bad")
            against = memory.get("signalled")
            self._must(not against, f"I10 {release} is promoted though its rollout was signalled")

    def _lands(self, entry: dict[str, Any], stored: dict[str, Any]) -> None:
        """A rollback begins with the newest that served well and is good.

        Where the endpoint was lost, what serves by the ledger is put up again.
        """
        rollout = json.loads(stored.get("rollout", "{}"))
        if entry["event"] != "RolloutStarted" or entry["epoch"] != stored["epoch"]:
            return
        if rollout.get("kind") != "RollBack":
            return
        owed, live = stored.get("rollback_owed", {}), named(stored["live"]["release"])
        again = [live] if stored.get("incident") or (stored.get("edited") and not owed) else []
        out = {*stored.get("bad", {}), *stored.get("suspect", {}), *({live} - {*again})}
        out |= {named(one) for one in owed.get("tried", ())}
        packages = self.world.account.registry.packages.values()
        approved = {f"churn-v{one.version}" for one in packages if one.status == "Approved"}
        served_well = [named(one["release"]) for one in stored.get("last_good", ())]
        good = [one for one in (*again, *served_well) if one in approved - out]
        to = named(rollout["release"]["release"])
        self._must(good[:1] == [to], f"I7 back to {to}, and not to {good}")

    def _serves(self, stored: dict[str, Any]) -> None:
        memory, serves = self.world.account.memory, bool(self.world.traffic())
        if serves:
            memory.pop("gone", None)
        holds = serves or "live" not in stored or bool(memory.get("gone"))
        self._must(holds, "I8 nothing serves")

    # At rest.

    def at_rest(self) -> None:
        """The lease is free, nothing is owed, and the endpoint is what the ledger says."""
        state, account = self.world.state, self.world.account
        self._must(not state.holder, f"I14 {state.holder} still holds the target")
        self._must(not self.world.in_flight, "I14 the target is still listed in flight")
        left = (state.rollout, state.token, state.signal, state.intent)
        self._must(not any(left), f"I15 left behind: {left}")
        self._must(not account.dead, f"I19 given up: {account.dead}")
        self._newest()
        serving = self.world.traffic()
        live = {self.world.called(state.live.variant): 100.0} if state.live else {}
        self._must(serving == live, f"I13 {serving} serves, the ledger says {live}")
        self._must(not state.edited, f"I13 nobody changed anything by hand: {state.edited}")
        for variant in serving:
            version = _version_of(variant)
            halted = state.phase is Phase.HALTED
            self._must(
                halted or f"churn-v{version}" not in state.bad, f"I12 {variant} serves, though bad"
            )
            package = next(
                one for one in account.registry.packages.values() if one.version == version
            )
            approved = package.status == "Approved"
            self._must(halted or approved, f"I12 {variant} serves, though {package.status}")

    def _newest(self) -> None:
        """What was promoted last serves, unless it was rolled back; no approval waits for ever."""
        state, changes = self.world.state, LIVE_CHANGES
        told = [one for one in self.world.events() if one.partition(" ")[0] in changes]
        if state.live and told and told[-1].startswith("Promoted "):
            newest = told[-1].removeprefix("Promoted ")
            self._must(str(state.live.release) == newest, f"I11 {newest} was promoted last")
        waits = str(state.wanted.release) if state.wanted else ""
        packages = self.world.account.registry.packages.values()
        approved = {f"churn-v{one.version}" for one in packages if one.status == "Approved"}
        self._must(waits not in approved, f"I11 {waits} is approved, and waits for nothing")

    def _entry(self, n: int) -> dict[str, Any] | None:
        item = self.world.account.ledger.items.get((self.world.stored_as[0], f"HISTORY#{n:08d}"))
        return {k: v for k, v in plain(item).items() if k not in {"pk", "sk"}} if item else None

    def _item(self) -> dict[str, Any] | None:
        return self.world.account.ledger.items.get(self.world.stored_as)

    def _stored(self) -> dict[str, Any]:
        item = self._item()
        return plain(item) if item else {}

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise Violation(f"{otherwise}, at {self.world.account.clock.now:%H:%M:%S}")


def _shares(weights: dict[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} if total else {}


def _version_of(variant: str) -> int:
    """The release's number in a variant's name: `v2-e3` on an endpoint, `v2-3` of a function."""
    match = re.fullmatch(r"v(\d+)-e?\d+", variant)
    assert match, variant
    return int(match[1])


def _variant_of(stored: dict[str, Any], which: str) -> str:
    rollout = json.loads(stored.get("rollout", "{}"))
    name: str = rollout.get(which, {}).get("variant", "")
    return name
