"""Which releases' bytes could be freed, and why each other must stay. Pure.

Whatever names a release keeps it: a target's state is searched through, so that a field that is
added to it, or that another version of Sluice wrote, is heeded without being known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.release import ApprovalStatus, Capture, Release, ReleaseName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
    from datetime import datetime

    from sluice.domain.target import TargetState

TAG = "sluice-retention"
EXPIRED, KEPT = "expired", "kept"
"""What the tag of an object in the vault says; the bucket's lifecycle rule looks for the first."""
GRACE = timedelta(days=30)
"""How long a retired release's bytes are left alone before they are tagged."""
_NEWEST, _YOUNG = 10, timedelta(days=90)
_VARIANT = re.compile(r"v(?P<version>\d+)-e\d+")
_PAIR = "pair"
_SAID = {
    _PAIR: "moves with what {target} names",
    "live": "serves {target}",
    "last_good": "may be gone back to on {target}",
    "approved": "was approved last for {target}",
    "wanted": "is to be rolled out on {target} next",
    "rollout": "has a part in the rollout {holder} of {target}",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What is kept although nothing needs it."""

    newest: int = _NEWEST
    """Of each group, by number."""
    younger: timedelta = _YOUNG
    """Registered, approved or rejected within that time; zero: whenever that was."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What may become of a release's bytes."""

    release: Release
    reasons: tuple[str, ...]
    """Why they must stay; none: they could be freed."""

    @property
    def free(self) -> bool:
        """Whether nothing speaks for the bytes."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Known:
    """What is asked beside the ledger, and of which groups."""

    groups: Set[str] | None = None
    """Of which groups anything may be freed; None: of all."""
    unobserved: Mapping[ReleaseName, ApprovalStatus] = field(default_factory=dict)
    """What the registry says of packages whose approval the ledger has otherwise."""


def fates(
    releases: Sequence[Release],
    states: Iterable[TargetState],
    *,
    terms: Terms,
    now: datetime,
    known: Known | None = None,
) -> tuple[Fate, ...]:
    """What may become of each of `releases`, which must be all there are, in their order.

    `states` must be those of all targets. Whatever moves with a release that stays, stays.
    """
    reasons: dict[ReleaseName, list[str]] = {one.name: [] for one in releases}
    for state in states:
        for name, said in _needed_by(state, releases):
            if name in reasons and said not in reasons[name]:
                reasons[name].append(said)
    known = known or Known()
    newest = _newest(releases, terms.newest)
    for one in releases:
        said_of = (*_undecided(one, known), *_kept(one, terms, newest=newest, now=now))
        reasons[one.name].extend(said_of)
    _along(releases, reasons)
    return tuple(Fate(one, tuple(reasons[one.name])) for one in releases)


def bundles(free: Sequence[Release]) -> tuple[tuple[Release, ...], ...]:
    """The releases, those that move together in one bundle: they are retired at once or not."""
    found: list[list[Release]] = []
    for one in free:
        joined = [bundle for bundle in found if any(_paired(one, other) for other in bundle)]
        rest = [bundle for bundle in found if bundle not in joined]
        found = [*rest, [*(other for bundle in joined for other in bundle), one]]
    return tuple(map(tuple, found))


def targets_of(release: Release) -> frozenset[str]:
    """The targets that alone can come to need a release: its own, and that of its partner."""
    own = names.target_of(release.target, release.system)
    pair = release.pair
    return frozenset({own, *((pair.model_target, pair.config_target) if pair else ())})


def expires_from(release: Release, grace: timedelta) -> datetime | None:
    """From when a retired release's objects may be tagged; None for one that is not retired."""
    return release.retired.at + grace if release.retired else None


def _needed_by(
    state: TargetState, releases: Sequence[Release]
) -> Iterator[tuple[ReleaseName, str]]:
    """The releases that the target needs or may come to need by itself, and what for."""
    for name, part in _named(state.model_dump(mode="json"), ""):
        said = _SAID.get(part, f"is named as {part} of {{target}}")
        yield name, said.format(target=state.target, holder=state.holder or "that was left")
    owed = state.settle_owed
    for variant in owed.variants if owed else ():
        for one in releases:
            if _may_stand(one, variant, state):
                yield one.name, f"may still stand on {state.target} as {variant}"


def _named(value: Any, part: str) -> Iterator[tuple[ReleaseName, str]]:
    """Every release that a state names in whatever depth, with the field that it stands in."""
    match value:
        case {"group": str(group), "version": int(version)}:
            yield ReleaseName(group=group, version=version), part
        case dict():
            for name, inner in value.items():
                yield from _named(inner, name if name == _PAIR else part or name)
        case list():
            for inner in value:
                yield from _named(inner, part)


def _may_stand(release: Release, variant: str, state: TargetState) -> bool:
    """Whether the variant may be the release's; if it tells no version, any that was approved may.

    Versions of a function and the one variant of a serverless endpoint are numbered otherwise.
    """
    if names.target_of(release.target, release.system) != state.target:
        return False
    found = _VARIANT.fullmatch(variant)
    if found:
        return release.package_version == int(found["version"])
    return any(one.status is ApprovalStatus.APPROVED for one in release.approvals)


def _undecided(release: Release, known: Known) -> Iterator[str]:
    if release.capture is not Capture.REGISTERED:
        yield "is being captured"
    elif release.approval is ApprovalStatus.PENDING:
        yield "waits for a person's decision"
    if release.name in known.unobserved:
        yield f"was just set to {known.unobserved[release.name]}, which is not taken up yet"
    if known.groups is not None and release.name.group not in known.groups:
        yield "is of a group that was not asked about"


def _kept(
    release: Release, terms: Terms, *, newest: Set[ReleaseName], now: datetime
) -> Iterator[str]:
    if release.name in newest:
        yield f"is among the newest {terms.newest} of {release.name.group}"
    decided = (one.observed_at for one in release.approvals)
    last = max((release.claimed_at, release.registered_at or release.claimed_at, *decided))
    if terms.younger and last > now - terms.younger:
        yield f"was registered or decided on within {terms.younger.days} days"


def _newest(releases: Sequence[Release], count: int) -> frozenset[ReleaseName]:
    groups: dict[str, list[ReleaseName]] = {}
    for one in releases:
        groups.setdefault(one.name.group, []).append(one.name)
    return frozenset(
        name
        for found in groups.values()
        for name in sorted(found, key=lambda one: one.version, reverse=True)[:count]
    )


def _along(releases: Sequence[Release], reasons: dict[ReleaseName, list[str]]) -> None:
    """Keep what moves with what is kept, until nothing more is.

    As each record has it: a model that only serves beside a config does not keep that.
    """
    left = [one for one in releases if reasons[one.name]]
    by_name = {one.name: one for one in releases}
    while left:
        kept = left.pop()
        other = by_name.get(kept.pair.other(kept.name)) if kept.pair else None
        if other and not reasons[other.name]:
            reasons[other.name].append(f"moves with {kept.name}, which is kept")
            left.append(other)


def _paired(one: Release, other: Release) -> bool:
    pairs = [found.pair for found in (one, other) if found.pair]
    return any({pair.model, pair.config} == {one.name, other.name} for pair in pairs)
