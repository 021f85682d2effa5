"""What the ledger knows of a target: `TARGET#endpoint/{name} / STATE`.

One value, changed by pure functions, written back only if nobody else wrote meanwhile. `revision`
grows with every write; `epoch` with every lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from sluice.domain import names
from sluice.domain.release import Pair, ReleaseName
from sluice.domain.rollout import Deployed, Phase, Rollout
from sluice.domain.scalable import Suspension
from sluice.domain.values import SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Collection


class Cause(StrEnum):
    """Why a release must not go on serving."""

    ALARM = "Alarm"
    REJECTION = "Rejection"
    PARTNER = "Partner"
    """Nothing is said against the release: the one it moves with was taken back."""
    SUPERSEDED = "Superseded"
    """Nothing is said against the release: a newer one is approved, and this one is held."""


class Signal(Value):
    """What an alarm or a rejection tells the holder, or reconcile when nobody holds the target."""

    cause: Cause
    release: ReleaseName
    reason: str
    at: Moment
    blames: bool = False
    """Whether the release is to be marked bad."""
    tried: tuple[ReleaseName, ...] = ()
    """Releases that were to take over because of it, and did not come up."""
    agreed: bool = False
    """Whether a good release is there to take over, and only the partner is to go back first."""


class Word(Value):
    """What a person said should become of a rollout's step."""

    says: str
    rollout: str
    position: int
    by: str
    """Whose credentials they were."""
    why: str = ""
    at: Moment


class Override(Value):
    """A person's word that the next rollout of a release may begin without a way back."""

    release: ReleaseName
    by: str
    """Whose credentials they were."""
    why: str
    at: Moment
    rollout: str = ""
    """The rollout that went on because of it: no other one can; empty while none has."""


class Wanted(Value):
    """The newest approval that no rollout has consumed."""

    seq: int
    release: ReleaseName
    package_arn: str
    package_version: int
    approved_at: Moment
    """SageMaker's `LastModifiedTime` when the approval was observed."""
    pair: Pair | None = None
    """What the release moves with, if that was known when it was approved."""


class Retry(Value):
    """A rollout that is to be tried again, because AWS had no room or no time for it."""

    approval_seq: int
    """The approval it carries out; 0 for a rollback."""
    attempts: int
    """How often it has been put off."""
    not_before: Moment
    reason: str


class Leftover(Value):
    """Variants that still stand on the endpoint, at weight 0, because they could not be dropped."""

    variants: tuple[str, ...]
    attempts: int
    """How often they could not be dropped since."""
    not_before: Moment


class Incident(Value):
    """The endpoint is not as the last rollout left it; mended once, else a person is called."""

    found: str
    at: Moment
    lost: bool = False
    """Whether there is no endpoint that anything could be put on beside what serves."""
    tried: bool = False
    """Whether it was tried to be mended."""


class Mark(Value):
    """Why and since when a release is `bad` or `suspect` on this target."""

    reason: str
    at: Moment
    rejected_at: Moment | None = None
    """SageMaker's `LastModifiedTime` when the package of a bad release was seen to be Rejected."""
    rejected_by: str = ""
    """ARN under which we rejected it ourselves, as SageMaker told it; empty where we did not."""


class TargetState(Value):
    """Everything a decision about a target needs."""

    schema_version: int = SCHEMA_VERSION
    target: str
    owner: str = ""
    """The model package group whose approval bound this target first."""
    revision: int = 0
    generation: int = 1
    epoch: int = 0
    approval_seq: int = 0
    wanted: Wanted | None = None
    approved: Wanted | None = None
    """The approval taken up last, consumed or not."""
    holder: str = ""
    rollout: Rollout | None = None
    phase: Phase = Phase.IDLE
    token: str = ""
    parked_at: Moment | None = None
    displaced: str = ""
    """The holder before, whose calls may still be on their way until `drain_until`."""
    drain_until: Moment | None = None
    """Nobody acts on the target before this."""
    signal: Signal | None = None
    word: Word | None = None
    rollback_owed: Signal | None = None
    retry: Retry | None = None
    settle_owed: Leftover | None = None
    incident: Incident | None = None
    intent: str = ""
    live: Deployed | None = None
    last_good: tuple[Deployed, ...] = ()
    bad: dict[str, Mark] = Field(default_factory=dict)
    suspect: dict[str, Mark] = Field(default_factory=dict)
    gone: dict[str, Mark] = Field(default_factory=dict)
    """Releases that served when their package was found to be deleted."""
    parted: dict[str, Mark] = Field(default_factory=dict)
    """Releases with a partner that are here no more and were not replaced: until approved again."""
    rolled_back_at: Moment | None = None
    """When alarms or verdicts last took a live release back; not when a person did."""
    scaling: Suspension | None = None
    """What autoscaling was before a rollout suspended it; None when nothing is to be restored."""
    live_since: Moment | None = None
    edited: str = ""
    """What was changed by hand where it serves, by which a rollout was refused: until put right."""
    disarmed: dict[str, Moment] = Field(default_factory=dict)
    """Alarms that were in ALARM already, and since when that is held against nobody: until OK."""
    noted: tuple[str, ...] = ()
    """What the history says of alarms already in this epoch, so that it says it once."""
    override: Override | None = None
    """The last word of a person on a canary without a way back, used up or not."""
    history_length: int = 0
    history_hash: str = ""
    history_at: Moment | None = None

    @property
    def accusation(self) -> Signal | None:
        """The signal that says something against the release; Superseded says nothing."""
        superseded = self.signal is not None and self.signal.cause is Cause.SUPERSEDED
        return None if superseded else self.signal

    @property
    def lost(self) -> bool:
        """Whether the endpoint is gone or Failed, and could not be mended."""
        return self.incident is not None and self.incident.lost


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth remembering for ever: `HISTORY#n` without its number and hashes."""

    at: Moment
    event: str
    reason: str
    release: ReleaseName | None = None
    evidence: str = ""
    """Under which name the judge's evidence for it is stored; empty: it was not the judge."""


@dataclass(frozen=True, slots=True)
class Change:
    """A target's next state, and what to remember of the way there."""

    state: TargetState
    events: tuple[Event, ...] = ()


def orphaned(state: TargetState, variants: Collection[str]) -> frozenset[str]:
    """Those of the variants that serve the target no more, and that no rollout will bring back.

    None while a rollout is in flight. A rollback makes a variant of its own, so even those of the
    last good releases never return; they are kept all the same, for as long as they might stand on
    the endpoint still. So is what a release's own alarms are named after: all versions on a
    serverless endpoint bear one variant name.
    """
    if state.holder:
        return frozenset()
    deployed = (*state.last_good, *((state.live,) if state.live else ()))
    watched = (names.watched_variant(alarm) for one in deployed for alarm in one.alarms)
    named = {found[1] for found in watched if found}
    return frozenset(variants) - {one.variant for one in deployed} - named
