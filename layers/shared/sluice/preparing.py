"""Before anything moves: re-read the truth, then make what the endpoint will be updated to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError, production_variant
from sluice.checking import model_data
from sluice.domain.alarm import Watched
from sluice.domain.arming import alarming
from sluice.domain.lease import intend, known_before
from sluice.domain.plan import Capacity
from sluice.domain.preparation import in_its_kind, planned, recorded, way_in
from sluice.domain.rollout import Action, Kind, Rollout

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.ledger.targets import Targets
    from sluice.checking import Captures, Checking
    from sluice.domain.manifest import Manifest
    from sluice.domain.quota import Fleet
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import Change, TargetState
    from sluice.domain.watching import EndpointView
    from sluice.foreseeing import Foreseeing
    from sluice.scaling import Scaling
    from sluice.sizing import Sizing
    from sluice.smoke_testing import SmokeTesting


@dataclass(frozen=True, slots=True)
class Preparing:
    """The task of the states `PrepareRollout` and `SmokeTest`."""

    targets: Targets
    endpoint: Endpoint
    checking: Checking
    alarms: Alarms
    sizing: Sizing
    scaling: Scaling
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
        self.targets.change(
            rollout.target, lambda state: intend(state, rollout, "Prepare", onward=True)
        )
        view = self.endpoint.describe(rollout.target_name)
        if view and not view.settled:
            raise EndpointBusyError(rollout.target_name)
        captures = self.checking.read(rollout)
        outlook = self.sizing.look(rollout, view, now=now)
        reason = (
            self.checking.objection(rollout, captures, view)
            or outlook.objection
            or self.sizing.shortage(rollout, _coming(rollout, captures, outlook.view), now=now)
        )
        if reason:
            return rollout.to(Action.ROLL_BACK, reason)
        watched = self._watch_endpoint(rollout, captures.release.manifest)
        if isinstance(watched, str):
            return rollout.to(Action.ROLL_BACK, watched)
        self.scaling.suspend(rollout, outlook.scaling, now=now)
        watching = rollout.model_copy(update={"watch": tuple(watched)})
        made = self._make(watching, captures, outlook.view)
        self._disarm(made, now=now)
        self.foreseeing.tell(made, now=now)
        return made

    def _watch_endpoint(self, rollout: Rollout, manifest: Manifest) -> dict[str, str] | str:
        """The ARNs of the alarms on the whole endpoint, by name; or why they cannot watch it.

        The canary's own must exist, or its config does not mean what it says. Those of what serves
        now count as well; one of them that was deleted must not stand in the way of its successor,
        nor any in the way of a rollback.
        """
        wanted = manifest.config.alarms.watch
        serving = rollout.stable.watch if rollout.stable else ()
        found = self.alarms.arns((*wanted, *serving)) if wanted or serving else {}
        gone = [name for name in wanted if name not in found]
        if gone and rollout.kind is not Kind.ROLL_BACK:
            return f"ALARM_MISSING: config.json names {', '.join(gone)}, which does not exist"
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

    def _make(self, rollout: Rollout, captures: Captures, view: EndpointView | None) -> Rollout:
        """Create model, alarms and endpoint configurations; each has the epoch in its name."""
        manifest = captures.release.manifest
        rollout = in_its_kind(rollout, manifest)
        release = rollout.release
        self.endpoint.create_model(
            release.model,
            container=_container(manifest, release),
            role_arn=self.checking.role(manifest),
        )
        arns = self.alarms.create(rollout.target, release, manifest.config.alarms)
        for arn in arns.values():
            self.targets.watch(arn, _watched(rollout))
        made = planned(rollout, manifest, alarms=tuple(arns))
        self._create_configs(made, captures, view)
        made = made.model_copy(update={"action": way_in(rollout, view)})
        self.targets.change(rollout.target, lambda state: recorded(state, made))
        return made

    def _create_configs(
        self, rollout: Rollout, captures: Captures, view: EndpointView | None
    ) -> None:
        stable, release, manifest = rollout.stable, rollout.release, captures.release.manifest
        canary = production_variant(
            release.variant,
            model=release.model,
            fleet=_fleet(manifest, count=_instances(rollout, manifest, view)),
        )
        self.endpoint.create_config(rollout.release.endpoint_config, variants=[canary])
        if rollout.kind is Kind.CANARY and stable and captures.stable and view:
            count = view.variants[stable.variant].instances
            fleet = _fleet(captures.stable.manifest, count=count)
            serving = production_variant(stable.variant, model=stable.model, fleet=fleet)
            dark = {**canary, "InitialVariantWeight": 0.0}
            self.endpoint.create_config(rollout.provision_config, variants=[serving, dark])


def _coming(rollout: Rollout, captures: Captures, view: EndpointView | None) -> Fleet:
    """The instances that the update adds to those that serve; serverless fleets have none."""
    manifest, stable = captures.release.manifest, rollout.stable
    coming = [(manifest, _instances(rollout, manifest, view))]
    if stable and captures.stable and view:
        coming.insert(0, (captures.stable.manifest, view.variants[stable.variant].instances))
    kinds = [(one.config.instance_type, count) for one, count in coming]
    return tuple((kind, count) for kind, count in kinds if kind)


def _instances(rollout: Rollout, manifest: Manifest, view: EndpointView | None) -> int:
    """How many instances the release gets: never fewer than what serves now, at full capacity."""
    wanted = manifest.config.instance_count
    if manifest.config.rollout.capacity is not Capacity.FULL or view is None:
        return wanted
    serving = rollout.stable or rollout.replaced
    live = view.variants.get(serving.variant) if serving else None
    return max(wanted, live.instances) if live else wanted


def _fleet(manifest: Manifest, *, count: int) -> dict[str, Any]:
    """What a variant of this release runs on."""
    serverless = manifest.config.serverless
    if serverless is None:
        return {"InstanceType": manifest.config.instance_type, "InitialInstanceCount": count}
    config = {
        "MemorySizeInMB": serverless.memory_size_mb,
        "MaxConcurrency": serverless.max_concurrency,
        "ProvisionedConcurrency": serverless.provisioned_concurrency,
    }
    return {"ServerlessConfig": {name: one for name, one in config.items() if one is not None}}


def _container(manifest: Manifest, release: Deployed) -> dict[str, Any]:
    return {
        "Image": manifest.image,
        "ModelDataUrl": model_data(manifest, release),
        "Environment": manifest.config.environment,
    }


def _watched(rollout: Rollout) -> Watched:
    return Watched(
        target=rollout.target,
        release=rollout.release.release,
        variant=rollout.release.variant,
        epoch=rollout.release.epoch,
    )
