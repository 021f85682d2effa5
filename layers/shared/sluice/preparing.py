"""Before anything moves: re-read the truth, then make what the endpoint will be updated to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError, production_variant
from sluice.domain import names
from sluice.domain.alarm import Watched
from sluice.domain.arming import alarming
from sluice.domain.inbox import MODEL
from sluice.domain.lease import intend, known_before
from sluice.domain.manifest import parse_manifest, vault_key
from sluice.domain.plan import Capacity
from sluice.domain.preparation import (
    Truth,
    fleet_objection,
    in_its_kind,
    objection,
    planned,
    recorded,
    target_objection,
    way_in,
)
from sluice.domain.rollout import Action, Kind, Rollout

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.images import Images
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Registry
    from sluice.adapters.vault import Vault
    from sluice.domain.manifest import Manifest
    from sluice.domain.quota import Fleet
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import Change, TargetState
    from sluice.domain.watching import EndpointView
    from sluice.scaling import Scaling
    from sluice.sizing import Sizing
    from sluice.smoke_testing import SmokeTesting


@dataclass(frozen=True, slots=True)
class Preparing:
    """The task of the states `PrepareRollout` and `SmokeTest`."""

    targets: Targets
    endpoint: Endpoint
    registry: Registry
    releases: Releases
    vault: Vault
    images: Images
    alarms: Alarms
    sizing: Sizing
    scaling: Scaling
    smoke_testing: SmokeTesting
    serving_role_arn: str
    execution_roles: tuple[str, ...]
    """What a model may run as beside the serving role."""

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
        view = self.endpoint.describe(rollout.endpoint)
        if view and not view.settled:
            raise EndpointBusyError(rollout.endpoint)
        outlook = self.sizing.look(rollout, view, now=now)
        reason = (
            self._target_objection(rollout, view)
            or self._objection(rollout)
            or outlook.objection
            or self.sizing.shortage(rollout, self._coming(rollout, outlook.view), now=now)
        )
        if reason:
            return rollout.to(Action.ROLL_BACK, reason)
        watched = self._watch_endpoint(rollout)
        if isinstance(watched, str):
            return rollout.to(Action.ROLL_BACK, watched)
        self.scaling.suspend(rollout, outlook.scaling, now=now)
        made = self._make(rollout.model_copy(update={"watch": tuple(watched)}), outlook.view)
        self._disarm(made, now=now)
        return made

    def _coming(self, rollout: Rollout, view: EndpointView | None) -> Fleet:
        """The instances that the update adds to those that serve; serverless fleets have none."""
        manifest, stable = self._manifest(rollout.release), rollout.stable
        coming = [(manifest, _instances(rollout, manifest, view))]
        if stable and view:
            coming.insert(0, (self._manifest(stable), view.variants[stable.variant].instances))
        kinds = [(one.config.instance_type, count) for one, count in coming]
        return tuple((kind, count) for kind, count in kinds if kind)

    def _watch_endpoint(self, rollout: Rollout) -> dict[str, str] | str:
        """The ARNs of the alarms on the whole endpoint, by name; or why they cannot watch it.

        The canary's own must exist, or its config does not mean what it says. Those of what serves
        now count as well; one of them that was deleted must not stand in the way of its successor,
        nor any in the way of a rollback.
        """
        wanted = self._manifest(rollout.release).config.alarms.watch
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

    def _target_objection(self, rollout: Rollout, view: EndpointView | None) -> str:
        if view is None or rollout.kind is Kind.ROLL_BACK:
            return target_objection(rollout, view)
        found = self.endpoint.features(rollout.endpoint, view.config)
        return target_objection(rollout, view, found)

    def _objection(self, rollout: Rollout) -> str:
        """Why the release, or the one to fall back to, cannot be deployed; or nothing."""
        reason = self._release_objection(rollout.release)
        if reason or rollout.stable is None:
            return reason
        if not self.endpoint.has_config(rollout.stable.endpoint_config):
            return f"NO_WAY_BACK: {rollout.stable.endpoint_config} was deleted"
        manifest = self._manifest(rollout.stable)
        mismatch = fleet_objection(self._manifest(rollout.release), manifest)
        if mismatch:
            return mismatch
        complaint = self._vault_complaint(manifest, rollout.stable)
        if not complaint and not self.images.present(manifest.image):
            complaint = f"{manifest.image} is not in its repository any more"
        return f"NO_WAY_BACK: {complaint}" if complaint else ""

    def _release_objection(self, release: Deployed) -> str:
        manifest = self._manifest(release)
        package = self.registry.find(release.package_arn)
        if package is None:
            return "PACKAGE_GONE: it was deleted from the registry"
        container = package.containers[0] if package.containers else None
        truth = Truth(
            approval=package.approval,
            containers=len(package.containers),
            image=container.image if container else "",
            model_data=container.model_data_url if container else "",
            vault_complaint=self._vault_complaint(manifest, release),
            image_present=self.images.present(manifest.image),
            role_allowed=self._role(manifest) in {self.serving_role_arn, *self.execution_roles},
        )
        return objection(manifest, truth, model_data=_model_data(manifest, release))

    def _role(self, manifest: Manifest) -> str:
        return manifest.config.execution_role_arn or self.serving_role_arn

    def _vault_complaint(self, manifest: Manifest, release: Deployed) -> str:
        """What the vault does not hold any more as it was captured, or nothing."""
        copies = self.releases.captured(release.release).copies
        changed = [copy.key for copy in copies if not self.vault.holds(manifest.bucket, copy)]
        return f"{', '.join(changed)} changed in the vault" if changed else ""

    def _manifest(self, release: Deployed) -> Manifest:
        """The manifest as captured. Raises ManifestError unless it has the release's digest."""
        return parse_manifest(
            self.releases.captured(release.release).manifest, digest=release.digest
        )

    def _make(self, rollout: Rollout, view: EndpointView | None) -> Rollout:
        """Create model, alarms and endpoint configurations; each has the epoch in its name."""
        manifest = self._manifest(rollout.release)
        rollout = in_its_kind(rollout, manifest)
        release = rollout.release
        self.endpoint.create_model(
            release.model,
            container=_container(manifest, release),
            role_arn=self._role(manifest),
        )
        arns = self.alarms.create(
            rollout.endpoint,
            release.variant,
            manifest.config.alarms,
            label=names.variant(release.package_version, epoch=release.epoch),
            config=release.metric_config,
        )
        for arn in arns.values():
            self.targets.watch(arn, _watched(rollout))
        made = planned(rollout, manifest, alarms=tuple(arns))
        self._create_configs(made, manifest, view)
        made = made.model_copy(update={"action": way_in(rollout, view)})
        self.targets.change(rollout.target, lambda state: recorded(state, made))
        return made

    def _create_configs(
        self, rollout: Rollout, manifest: Manifest, view: EndpointView | None
    ) -> None:
        stable, release = rollout.stable, rollout.release
        canary = production_variant(
            release.variant,
            model=release.model,
            fleet=_fleet(manifest, count=_instances(rollout, manifest, view)),
        )
        self.endpoint.create_config(rollout.release.endpoint_config, variants=[canary])
        if rollout.kind is Kind.CANARY and stable and view:
            count = view.variants[stable.variant].instances
            fleet = _fleet(self._manifest(stable), count=count)
            serving = production_variant(stable.variant, model=stable.model, fleet=fleet)
            dark = {**canary, "InitialVariantWeight": 0.0}
            self.endpoint.create_config(rollout.provision_config, variants=[serving, dark])


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
        "ModelDataUrl": _model_data(manifest, release),
        "Environment": manifest.config.environment,
    }


def _model_data(manifest: Manifest, release: Deployed) -> str:
    key = vault_key(release.release, release.digest, MODEL)
    return f"s3://{manifest.bucket}/{key}"


def _watched(rollout: Rollout) -> Watched:
    return Watched(
        target=rollout.target,
        release=rollout.release.release,
        variant=rollout.release.variant,
        epoch=rollout.release.epoch,
    )
