"""How a release becomes a version of its application's function, one safe step at a time.

`$LATEST` is told the release and the rollout, then published as it stands. Whatever a step meets,
the function is read again and the next step decided anew: done twice, interrupted anywhere, or with
somebody else's change in between, it ends in one version that serves this release, or in a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.rollout import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.bedrock import FunctionCode
    from sluice.domain.rollout import Rollout
    from sluice.domain.watching import EndpointView


@dataclass(frozen=True, slots=True)
class FunctionView:
    """A function, or a published version of it, as Lambda describes it."""

    version: str
    """`$LATEST`, or a published version's number."""
    code_sha256: str
    layers: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    """Whether Lambda could decrypt the variables: what could not be read must not be replaced."""
    revision: str = ""
    settled: bool = True
    """Whether no change of it is under way, nor its creation."""
    failure: str = ""
    """Why its last change, or its creation, failed."""

    @property
    def serves(self) -> str:
        """The release that it is told to serve, as `serving` spells it; or nothing."""
        return self.variables.get(names.VERSION_VARIABLE, "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the version is to be: told this release, and running the code approved with it."""

    function: str
    serves: str
    rollout: str
    """The rollout that it is published for."""
    code: FunctionCode | None


@dataclass(frozen=True, slots=True)
class Configure:
    """Tell `$LATEST` its release and rollout: all its variables, with ours among them."""

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish `$LATEST` as it was read."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A change of the function is under way."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not be published, and why."""

    reason: str


type Step = Configure | Publish | Wait | Refuse


def next_step(latest: FunctionView | None, wanted: Wanted) -> Step:
    """What brings `$LATEST`, as it was just read, nearer to a version that is as wanted."""
    reason = code_objection(latest, wanted)
    if latest is None or reason:
        return Refuse(reason)
    if not latest.settled:
        return Wait()
    ours = {names.VERSION_VARIABLE: wanted.serves, names.ROLLOUT_VARIABLE: wanted.rollout}
    told = {**latest.variables, **ours}
    if latest.variables != told:
        return Configure(told)
    if latest.failure:
        return Refuse(f"FUNCTION_FAILED: {wanted.function}: {latest.failure}")
    return Publish()


def code_objection(latest: FunctionView | None, wanted: Wanted) -> str:
    """Why `$LATEST` must not be published for this release, or nothing."""
    function, code = wanted.function, wanted.code
    if latest is None:
        return f"FUNCTION_GONE: there is no function {function or 'for this application'}"
    if code is None:
        return (
            "CODE_NOT_CAPTURED: the config was registered before the code of its function was "
            "captured: push the config again, as a new commit"
        )
    changed = [
        what
        for what, now, then in (
            ("code", latest.code_sha256, code.sha256),
            ("layers", latest.layers, code.layers),
        )
        if now != then
    ]
    if changed:
        return (
            f"CODE_CHANGED: the {' and '.join(changed)} of {function} changed after the config was "
            "registered: push the config again, as a new commit"
        )
    if not latest.readable:
        return (
            f"VARIABLES_UNREADABLE: Lambda cannot decrypt the environment of {function}, and what "
            "cannot be read must not be replaced: allow its key to the role of prepare_rollout"
        )
    return ""


def stands(version: FunctionView | None, wanted: Wanted) -> bool:
    """Whether a version that was published before still is what is wanted."""
    if version is None or wanted.code is None or version.failure or not version.settled:
        return False
    same = (version.code_sha256, version.layers) == (wanted.code.sha256, wanted.code.layers)
    return same and version.serves == wanted.serves


def published(rollout: Rollout, version: str, *, function: str) -> Rollout:
    """The rollout that knows its variant: the version's number is its configuration, too."""
    update = {"variant": version, "model": function, "endpoint_config": version}
    release = rollout.release.model_copy(update=update)
    return rollout.model_copy(update={"release": release})


def alias_objection(rollout: Rollout, alias: EndpointView | None) -> str:
    """Why the alias, as it stands, cannot take the rollout; or nothing."""
    if alias is None:
        fresh = rollout.kind in {Kind.ALL_AT_ONCE, Kind.ROLL_BACK}
        gone = f"ALIAS_GONE: {names.LIVE} leads to no release: somebody changed or deleted it"
        return "" if fresh else gone
    if rollout.kind is Kind.ROLL_BACK:
        return ""
    if names.LATEST in alias.variants:
        advice = "lead it to a published version, which serves no release before the first one"
        return f"ALIAS_ON_LATEST: {names.LIVE} leads to what versions are published of: {advice}"
    ours = rollout.kind is not Kind.ALL_AT_ONCE or rollout.replaced is not None
    if not ours and alias.config != rollout.release.endpoint_config:
        return f"ALIAS_NOT_OURS: {names.LIVE} leads to {alias.config} already, put there by hand"
    if rollout.stable and rollout.stable.variant not in alias.variants:
        return f"STABLE_GONE: {names.LIVE} does not lead to version {rollout.stable.variant}"
    return ""
