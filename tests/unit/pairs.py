"""A model and a config that move together: two targets, as the decisions alone would lead them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sluice.domain.alarm import Firing, Owe, Watched, respond
from sluice.domain.approval import new_target, observe
from sluice.domain.desired import Beside, Start, next_move
from sluice.domain.history import chronicle
from sluice.domain.outcome import promote, take_back
from sluice.domain.pairing import seen_from, tell
from sluice.domain.parting import part
from sluice.domain.release import ApprovalChange, ApprovalStatus, Pair, Release, System
from sluice.domain.rollout import Action, Rollout
from sluice.domain.settlement import release_target
from sluice.domain.target import Change, TargetState
from tests.builders import AT, a_release, a_release_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.pairing import Partner
    from sluice.domain.release import ReleaseName

MODELS, CONFIGS = "endpoint/reranker", "application/support"
MODEL, CONFIG = "reranker-v2", "support-v2"
OURS = "arn:aws:sts::123456789012:assumed-role/sluice"
PAIR = Pair(
    model=a_release_name(MODEL),
    digest="d" * 64,
    model_target=MODELS,
    config=a_release_name(CONFIG),
    config_target=CONFIGS,
)


def a_member(text: str, **changes: Any) -> Release:
    """A release of either target."""
    group = text.rpartition("-v")[0]
    system = System.BEDROCK if group == "support" else System.SAGEMAKER
    return a_release(text, target=group, system=system, **changes)


class Two:
    """Both targets serve version 1; the pair is version 2 of both."""

    ahead = ""
    """Whose approvals are told by a clock that is an hour ahead."""

    def __init__(self, *, good: bool = True, moves: bool = True) -> None:
        self.now = AT
        self.told: list[str] = []
        """What both histories tell, in the order it happened."""
        self.started: list[tuple[str, str, str]] = []
        """What was begun for an approval, and what served both targets then."""
        self.states = {MODELS: new_target(MODELS), CONFIGS: new_target(CONFIGS)}
        pair = PAIR.model_copy(update={"moves": moves})
        names = [f"{group}-v{n}" for group in ("reranker", "support") for n in (1, 2, 3)]
        self.releases = {a_release_name(name): a_member(name) for name in names}
        self._give(CONFIG, pair)
        if moves:
            self._give(MODEL, pair)
        if good:
            for name, target in (("reranker-v1", MODELS), ("support-v1", CONFIGS)):
                self.approve(name)
                self.succeed(target)

    def _give(self, name: str, pair: Pair) -> None:
        release = self.releases[a_release_name(name)]
        self.releases[release.name] = release.model_copy(update={"pair": pair})

    # People.

    def approve(self, name: str) -> None:
        """A person approves it, and that is observed."""
        self._decide(name, ApprovalStatus.APPROVED, "alice")
        self.look()

    def reject(self, name: str) -> None:
        """A person rejects it, and that is observed."""
        self._decide(name, ApprovalStatus.REJECTED, "bob")
        self.look()

    def set_pending(self, name: str) -> None:
        """A person takes an approval back without a rejection."""
        self._decide(name, ApprovalStatus.PENDING, "alice")
        self.look()

    # Rollouts.

    def promote(self, target: str) -> None:
        """The rollout in flight is promoted, and stands by."""
        change, done = promote(self.states[target], self._rollout(target), now=self.now)
        self._change(target, change)
        self._keep(target, done)
        self.look()

    def settle(self, target: str) -> None:
        """The rollout in flight ends, having served well."""
        rollout = self._rollout(target).model_copy(update={"proven": True})
        change = release_target(self.states[target], rollout, now=self.now)
        assert change
        self._change(target, change)
        self.look()

    def succeed(self, target: str) -> None:
        """The rollout in flight goes all its way."""
        self.promote(target)
        if self.states[target].holder:
            self.settle(target)

    def fail(self, target: str, *, blames: bool = True) -> None:
        """The rollout in flight goes back: a bad canary or stand-by, or a refused preparation."""
        self._take_back(target, "a bad canary" if blames else "PACKAGE_CHANGED", blames=blames)
        self.look()

    def alarm(self, target: str) -> None:
        """An alarm fires on what serves a target at rest."""
        live = self.states[target].live
        assert live
        watched = Watched(
            target=target, release=live.release, variant=live.variant, epoch=live.epoch
        )
        fired = Firing(name="errors", reason="0.5 > 0.05", at=self.now)
        found = respond(self.states[target], watched, fired)
        if isinstance(found, Owe):
            self._change(target, found.change)
        self.look()

    # What reconcile does.

    def look(self, *, passes: int = 20) -> None:
        """Look at both until nothing changes any more; a holder that is told goes back at once."""
        for _ in range(passes):
            before = dict(self.states)
            for target in self.states:
                self.look_at(target)
            if self.states == before:
                return
        raise AssertionError(self.told[-12:])

    def look_at(self, target: str) -> None:
        """One reconciliation of one target."""
        self.now += timedelta(seconds=10)
        state = self.states[target]
        if state.rollout:
            change = tell(state, self.partner(state.rollout.release.release), now=self.now)
            if change:
                self._change(target, change)
            signal = self.states[target].accusation
            if signal:
                self._take_back(target, signal.reason, blames=False)
            return
        approved = {
            name: one
            for name, one in self.releases.items()
            if one.approval is ApprovalStatus.APPROVED and one.target == target.partition("/")[2]
        }
        partners = {name: found for name in self.releases if (found := self.partner(name))}
        move = next_move(state, releases=approved, beside=Beside(partners=partners), now=self.now)
        if isinstance(move, Start) and move.rollout.approval_seq:
            self.started.append((str(move.rollout.release.release), *self.both))
        if move.change:
            self._change(target, move.change)
        started = self.states[target].rollout
        if started and not started.release.variant:  # a function's version, once it is published
            release = started.release.model_copy(
                update={"variant": str(started.release.package_version)}
            )
            self._keep(target, started.model_copy(update={"release": release}))

    def partner(self, name: ReleaseName) -> Partner | None:
        """The partner of a release, as it stands."""
        own = self.releases[name]
        if own.pair is None:
            return None
        other, beside = own.pair.other(name), own.pair.target_beside(name)
        return seen_from(own, own.pair, other=self.releases[other], state=self.states[beside])

    # What there is.

    def serving(self, target: str) -> str:
        """What serves it."""
        live = self.states[target].live
        return str(live.release) if live else ""

    @property
    def both(self) -> tuple[str, str]:
        """What serves the model's target, and the config's."""
        return self.serving(MODELS), self.serving(CONFIGS)

    def since(self, count: int) -> list[str]:
        """What the histories tell after so many entries."""
        return self.told[count:]

    def in_flight(self) -> Iterator[str]:
        """The targets that are held."""
        return (target for target, state in self.states.items() if state.holder)

    def _decide(self, name: str, status: ApprovalStatus, actor: str) -> None:
        self.now += timedelta(seconds=10)
        release = self.releases[a_release_name(name)]
        fast = name == self.ahead and status is ApprovalStatus.APPROVED
        at = self.now + timedelta(hours=fast)
        seen = ApprovalChange(status=status, last_modified=self.now, actor=actor, observed_at=at)
        target = MODELS if release.name.group == "reranker" else CONFIGS
        found = observe(self.states[target], release, seen)
        if found:
            self.releases[release.name] = found.release
            self._change(target, found.change)

    def _take_back(self, target: str, reason: str, *, blames: bool) -> None:
        rollout = self._rollout(target).to(Action.ROLL_BACK, reason, blames=blames)
        change, done = take_back(self.states[target], rollout, now=self.now)
        self._change(target, change)
        if str(done.release.release) in self.states[target].bad:
            self._decide(str(done.release.release), ApprovalStatus.REJECTED, OURS)
        ended = release_target(self.states[target], done, now=self.now)
        assert ended
        self._change(target, ended)

    def _rollout(self, target: str) -> Rollout:
        rollout = self.states[target].rollout
        assert rollout, f"nothing is in flight on {target}: {self.told}"
        return rollout

    def _keep(self, target: str, rollout: Rollout) -> None:
        kept = self.states[target].model_copy(update={"rollout": rollout})
        self.states[target] = kept

    def _change(self, target: str, change: Change) -> None:
        before: TargetState = self.states[target]
        state, entries = chronicle(Change(part(before, change), change.events))
        self.states[target] = state
        self.told += [f"{entry.event} {entry.release}" for entry in entries]
