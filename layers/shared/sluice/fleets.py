"""An endpoint as a rollout's ground: a model, and configurations of variants with their fleets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.deploying import fleet
from sluice.domain.making import container, production_variant
from sluice.domain.plan import Capacity
from sluice.domain.preparation import in_its_kind, planned, way_in
from sluice.domain.rollout import Kind
from sluice.grounds import Prospect

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.endpoint import Endpoint
    from sluice.checking import Checking
    from sluice.domain.manifest import Manifest
    from sluice.domain.quota import Fleet
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView
    from sluice.recalling import Capture, Captures
    from sluice.scaling import Scaling
    from sluice.sizing import Outlook, Sizing


@dataclass(frozen=True, slots=True)
class Fleets:
    """What `PrepareRollout` makes for an endpoint; each name has the epoch in it."""

    endpoint: Endpoint
    checking: Checking
    sizing: Sizing
    scaling: Scaling

    def look_ahead(
        self,
        state: TargetState | None,
        rollout: Rollout,
        view: EndpointView | None,
        *,
        now: datetime,
    ) -> Prospect:
        """Whether the release is as it was captured, and whether the new fleet has room."""
        captures = self.checking.read(rollout)
        edited = self.checking.edited(state, rollout, captures, view)
        if edited:
            return Prospect(captures, edited, edited=True)
        outlook = self.sizing.look(rollout, view, now=now)
        reason = (
            self.checking.objection(rollout, captures, view)
            or outlook.objection
            or self.sizing.shortage(rollout, _coming(rollout, captures, outlook.view), now=now)
        )
        return Prospect(captures, reason, outlook)

    def stuck(self, stable: Deployed) -> str:
        """What keeps traffic from returning to what serves beside a canary, or nothing."""
        there = self.endpoint.has_config(stable.endpoint_config)
        return "" if there else f"{stable.endpoint_config} was deleted"

    def lacks(
        self, release: Deployed, capture: Capture[Manifest] | None = None, *, now: datetime
    ) -> str:
        """What keeps a release from being deployed again, or nothing. Raises ManifestError."""
        return self.checking.lacks(release, capture)

    def make_ready(self, rollout: Rollout, prospect: Prospect, *, now: datetime) -> Rollout:
        """Suspend autoscaling, then create model and endpoint configurations."""
        outlook: Outlook = prospect.footing
        manifest: Manifest = prospect.captures.release.manifest
        self.scaling.suspend(rollout, outlook.scaling, now=now)
        made = planned(in_its_kind(rollout, manifest), manifest)
        self.endpoint.create_model(
            made.release.model,
            container=container(manifest, made.release.digest),
            role_arn=self.checking.role(manifest),
        )
        self._create_configs(made, prospect.captures, outlook.view)
        return made.model_copy(update={"action": way_in(rollout, outlook.view)})

    def _create_configs(
        self, rollout: Rollout, captures: Captures[Manifest], view: EndpointView | None
    ) -> None:
        stable, release, manifest = rollout.stable, rollout.release, captures.release.manifest
        canary = production_variant(
            release.variant,
            model=release.model,
            fleet=fleet(manifest, count=_instances(rollout, manifest, view)),
        )
        self.endpoint.create_config(rollout.release.endpoint_config, variants=[canary])
        if rollout.kind is Kind.CANARY and stable and captures.stable and view:
            count = view.variants[stable.variant].instances
            standing = fleet(captures.stable.manifest, count=count)
            serving = production_variant(stable.variant, model=stable.model, fleet=standing)
            dark = {**canary, "InitialVariantWeight": 0.0}
            self.endpoint.create_config(rollout.provision_config, variants=[serving, dark])


def _coming(rollout: Rollout, captures: Captures[Manifest], view: EndpointView | None) -> Fleet:
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
