"""An application as a rollout's ground: its function, told the release and published as a version.

Nobody sees `$LATEST`, so it may be changed before anything is decided by the alias. How far it has
come is read each time; a task that has no time left comes again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError, EndpointRefusedError
from sluice.domain.preparation import planned, way_in
from sluice.domain.publication import (
    Configure,
    Publish,
    Refuse,
    Wait,
    Wanted,
    next_step,
    published,
    stands,
)
from sluice.domain.rollout import Action
from sluice.domain.serving import serving
from sluice.grounds import Prospect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sluice.adapters.versions import Versions
    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.publication import FunctionView, Step
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView
    from sluice.recalling import Capture
    from sluice.vetting import Vetting

_PATIENCE_SECONDS = 15.0
"""For how long a task waits for Lambda; it has 50, and the probes were asked before."""
_PAUSE_SECONDS = 1.0
_MOST_STEPS = 15


@dataclass(frozen=True, slots=True)
class Publishing:
    """What `PrepareRollout` makes for an application."""

    versions: Versions
    vetting: Vetting
    functions: Mapping[str, str]
    """Which function answers for which application."""
    rest: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic

    def look_ahead(
        self,
        state: TargetState | None,
        rollout: Rollout,
        view: EndpointView | None,
        *,
        now: datetime,
    ) -> Prospect:
        """Whether what was approved is what would answer."""
        captures = self.vetting.read(rollout)
        edited = self.vetting.edited(state, rollout, captures, view)
        if edited:
            return Prospect(captures, edited, edited=True)
        wanted = self._wanted(rollout, captures.release.manifest)
        standing = self._standing(rollout, wanted)
        latest = None if standing else self._latest(wanted)
        reason = self.vetting.objection(
            rollout, captures, view, latest=latest, wanted=None if standing else wanted, now=now
        )
        return Prospect(captures, reason, (view, standing))

    def stuck(self, stable: Deployed) -> str:
        """What keeps traffic from returning to what serves beside a canary, or nothing."""
        return ""  # an alias leads to versions that stand, and Lambda deletes none it leads to

    def lacks(
        self, release: Deployed, capture: Capture[BedrockManifest] | None = None, *, now: datetime
    ) -> str:
        """What keeps a release from being deployed again, or nothing. Raises ManifestError."""
        return self.vetting.lacks(release, capture, now=now)

    def make_ready(self, rollout: Rollout, prospect: Prospect, *, now: datetime) -> Rollout:
        """Publish the release, unless its version of an earlier time still stands.

        Bedrock is asked first whether it answers: last of all that is asked, as that alone costs.
        """
        view, standing = prospect.footing
        manifest: BedrockManifest = prospect.captures.release.manifest
        refused = self.vetting.probe(rollout, manifest)
        if refused:
            return rollout.to(Action.ROLL_BACK, refused)
        wanted = self._wanted(rollout, manifest)
        found = standing or self._published(rollout, wanted)
        if isinstance(found, str):
            return rollout.to(Action.ROLL_BACK, found)
        known = published(rollout, found.version, function=wanted.function)
        made = planned(known, manifest)
        return made.model_copy(update={"action": way_in(rollout, view)})

    def _wanted(self, rollout: Rollout, manifest: BedrockManifest) -> Wanted:
        release = rollout.release
        return Wanted(
            function=self.functions.get(rollout.target_name, ""),
            serves=serving(release.manifest_uri, release.digest),
            rollout=rollout.id,
            code=manifest.code,
        )

    def _standing(self, rollout: Rollout, wanted: Wanted) -> FunctionView | None:
        """The version that served the release before, if it still is what it was."""
        release = rollout.release
        if not release.variant or release.model != wanted.function:
            return None
        found = self.versions.version(wanted.function, release.variant)
        return found if stands(found, wanted) else None

    def _latest(self, wanted: Wanted) -> FunctionView | None:
        return self.versions.latest(wanted.function) if wanted.function else None

    def _published(self, rollout: Rollout, wanted: Wanted) -> FunctionView | str:
        """The version that serves the release now; or why there must be none."""
        began = self.elapsed()
        for _ in range(_MOST_STEPS):
            if self.elapsed() - began > _PATIENCE_SECONDS:
                break
            latest = self._latest(wanted)
            step = next_step(latest, wanted)
            if isinstance(step, Refuse):
                return step.reason
            try:
                made = self._take(step, latest, wanted) if latest else None
            except EndpointRefusedError as error:
                return f"NOT_PUBLISHED: {error}"
            except EndpointBusyError:
                made = None  # somebody was in between: read it again
            if made and made.settled:
                broken = f"FUNCTION_FAILED: version {made.version}: {made.failure}"
                return broken if made.failure else made
            self.rest(_PAUSE_SECONDS)
        raise EndpointBusyError(rollout.target_name)

    def _take(self, step: Step, latest: FunctionView, wanted: Wanted) -> FunctionView | None:
        match step:
            case Configure():
                self.versions.configure(wanted.function, step.variables, revision=latest.revision)
            case Publish():
                return self.versions.publish(wanted.function, latest)
            case Wait() | Refuse():
                pass
        return None
