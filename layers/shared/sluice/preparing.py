"""Before anything moves: re-read the truth, then make what the endpoint will be updated to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError
from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.domain.alarm import Watched
from sluice.domain.arming import alarming
from sluice.domain.lease import intend, known_before
from sluice.domain.manifest import ManifestError
from sluice.domain.preparation import also_told, recorded
from sluice.domain.retirement import retired_objection
from sluice.domain.rollout import Action, Kind, Rollout

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.pushed import Alarms as Thresholds
    from sluice.domain.target import Change, TargetState
    from sluice.foreseeing import Foreseeing
    from sluice.grounds import Ground, Grounds
    from sluice.retracing import Retracing
    from sluice.retreating import Retreating
    from sluice.routing import Routers
    from sluice.smoke_testing import SmokeTesting


@dataclass(frozen=True, slots=True)
class Preparing:
    """The task of the states `PrepareRollout` and `SmokeTest`."""

    targets: Targets
    releases: Releases
    routers: Routers
    grounds: Grounds
    alarms: Alarms
    retracing: Retracing
    retreating: Retreating
    foreseeing: Foreseeing
    smoke_testing: SmokeTesting

    def carry_out(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Prepare the rollout, or ask its smoke test. Raises what each of them raises."""
        if rollout.action is Action.SMOKE_TEST:
            return self.smoke_testing.test(rollout, now=now)
        return self.prepare(rollout, now=now)

    def prepare(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Make the rollout ready to provision, or turn it back with the reason.

        Raises DisplacedError, SignalPendingError, and EndpointBusyError while another update of
        the endpoint is under way; the machine retries that one.
        """
        state = self.targets.change(
            rollout.target, lambda state: intend(state, rollout, "Prepare", onward=True)
        )
        view = self.routers.of(rollout.target).describe(rollout.target_name)
        if view and not view.settled:
            raise EndpointBusyError(rollout.target_name)
        retired = self._retired(rollout)
        broken = self.retracing.objection(rollout.target)
        if retired or (broken and rollout.kind is not Kind.ROLL_BACK):
            return rollout.to(Action.ROLL_BACK, retired or broken)
        try:
            prospect = self._ground(rollout).look_ahead(state, rollout, view, now=now)
        except ManifestError as error:
            return rollout.to(Action.ROLL_BACK, str(error))
        reason = prospect.reason or self.retreating.objection(
            rollout, state, capture=prospect.captures.stable, now=now
        )
        if reason:
            return rollout.to(Action.ROLL_BACK, reason, edited=prospect.edited)
        rollout = also_told(rollout, broken)
        alarms = prospect.captures.release.manifest.config.alarms
        watched = self._watch_endpoint(rollout, alarms)
        if isinstance(watched, str):
            return rollout.to(Action.ROLL_BACK, watched)
        watching = rollout.model_copy(update={"watch": tuple(watched)})
        made = self._ground(rollout).make_ready(watching, prospect, now=now)
        if made.action is Action.ROLL_BACK:
            return made
        made = self._watched(made, alarms)
        self.targets.change(rollout.target, lambda state: recorded(state, made))
        self._disarm(made, now=now)
        self.foreseeing.tell(made, now=now)
        return made

    def _ground(self, rollout: Rollout) -> Ground:
        return self.grounds.of(rollout.target)

    def _retired(self, rollout: Rollout) -> str:
        """Why the release must not be deployed any more, or nothing.

        Of a record that cannot be read nothing is said here: the captures tell of it, and keep no
        rollback that all others bear out.
        """
        try:
            return retired_objection(self.releases.get(rollout.release.release))
        except RecordUnreadableError:
            return ""

    def _watch_endpoint(self, rollout: Rollout, alarms: Thresholds) -> dict[str, str] | str:
        """The ARNs of the alarms on the whole endpoint, by name; or why they cannot watch it.

        The canary's own must exist, or its config does not mean what it says. Those of what serves
        now count as well; one of them that was deleted must not stand in the way of its successor,
        nor any in the way of a rollback.
        """
        wanted = alarms.watch
        serving = rollout.stable.watch if rollout.stable else ()
        found = self.alarms.arns((*wanted, *serving)) if wanted or serving else {}
        gone = [name for name in wanted if name not in found]
        if gone and rollout.kind is not Kind.ROLL_BACK:
            return f"ALARM_MISSING: its config names {', '.join(gone)}, which does not exist"
        for arn in found.values():
            self.targets.watch(arn, Watched(target=rollout.target, epoch=rollout.epoch))
        return found

    def _disarm(self, rollout: Rollout, *, now: datetime) -> None:
        """Hold against nobody what is in ALARM already: a sick version must not block its fix."""
        stable = rollout.stable.alarms if rollout.stable else ()
        states = self.alarms.states(asked) if (asked := (*rollout.watch, *stable)) else {}
        firing = alarming(states)

        def decide(state: TargetState | None) -> Change | None:
            return known_before(state, rollout, firing, now=now)

        if firing:
            self.targets.change(rollout.target, decide)

    def _watched(self, rollout: Rollout, alarms: Thresholds) -> Rollout:
        """The rollout with the release's own alarms, which have its epoch in their names."""
        arns = self.alarms.create(rollout.target, rollout.release, alarms)
        for arn in arns.values():
            self.targets.watch(arn, _watched(rollout))
        release = rollout.release.model_copy(update={"alarms": tuple(arns)})
        return rollout.model_copy(update={"release": release})


def _watched(rollout: Rollout) -> Watched:
    return Watched(
        target=rollout.target,
        release=rollout.release.release,
        variant=rollout.release.variant,
        epoch=rollout.release.epoch,
    )
