"""Before an update: how big its variants are to be, and whether that many instances are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.quotas import QuotaUnreadableError
from sluice.domain.quota import Fleet, applies, needed, shortage, unread
from sluice.domain.rollout import Kind
from sluice.domain.scaling import at_peak, objection, scaled_variant
from sluice.observability import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.autoscaling import Autoscaling
    from sluice.adapters.instances import Instances
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.peaks import Peaks
    from sluice.adapters.quotas import Quotas
    from sluice.domain.rollout import Rollout
    from sluice.domain.scalable import ScalableTarget
    from sluice.domain.watching import EndpointView


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the new fleet is sized after."""

    view: EndpointView | None
    """The endpoint with as many instances as served at its busiest."""
    scaling: ScalableTarget | None
    """What autoscaling is before the rollout; None where nothing scales."""
    objection: str
    """Why this autoscaling cannot be taken along, or nothing."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What `PrepareRollout` asks about capacity; nothing here changes anything in AWS."""

    targets: Targets
    autoscaling: Autoscaling
    peaks: Peaks
    quotas: Quotas
    instances: Instances

    def look(self, rollout: Rollout, view: EndpointView | None, *, now: datetime) -> Outlook:
        """How the endpoint scales. One call where it does not, and none where it serves nothing."""
        variant = scaled_variant(rollout)
        if view is None or variant not in view.variants:
            return Outlook(view, None, "")
        found = self._scaling(rollout, variant)
        if found is None:
            return Outlook(view, None, "")
        most = self._most_instances(rollout, variant, now=now)
        return Outlook(at_peak(view, found, most), found, objection(rollout, found))

    def shortage(self, rollout: Rollout, coming: Fleet, *, now: datetime) -> str:
        """Why the update does not fit into the account's quota, or nothing.

        What cannot be found out keeps no rollout waiting: the history says so, and SageMaker
        refuses what does not fit with ResourceLimitExceeded. Raises nothing of its own.
        """
        if not applies(rollout):
            return ""
        allowed, doubts = self._allowed({one for one, _ in coming if one})
        try:
            in_use = self.instances.in_use() if allowed else {}
        except QuotaUnreadableError as error:
            allowed, in_use, doubts = {}, {}, [*doubts, str(error)]
        if doubts:
            logger.warning("quota not read", doubts=doubts)
            self.targets.change(
                rollout.target, lambda state: unread(state, rollout, doubts, now=now)
            )
        others = needed(*(fleet for name, fleet in in_use.items() if name != rollout.target_name))
        return shortage(
            needed(in_use.get(rollout.target_name, ()), coming), allowed=allowed, others=others
        )

    def _scaling(self, rollout: Rollout, variant: str) -> ScalableTarget | None:
        try:
            return self.autoscaling.read(rollout.target_name, variant)
        except (ClientError, BotoCoreError):
            if rollout.kind is not Kind.ROLL_BACK:
                raise
            logger.exception("autoscaling not read")  # a rollback does not wait for it
            return None

    def _most_instances(self, rollout: Rollout, variant: str, *, now: datetime) -> int:
        try:
            return self.peaks.instances(rollout.target_name, variant, now=now)
        except (ClientError, BotoCoreError):
            if rollout.kind is not Kind.ROLL_BACK:
                raise
            logger.exception("peak not read")  # as many as serve now must do
            return 0

    def _allowed(self, types: set[str]) -> tuple[dict[str, int], list[str]]:
        allowed, doubts = dict[str, int](), list[str]()
        for instance_type in sorted(types):
            try:
                allowed[instance_type] = self.quotas.endpoint_instances(instance_type)
            except QuotaUnreadableError as error:
                doubts.append(str(error))
        return allowed, doubts
