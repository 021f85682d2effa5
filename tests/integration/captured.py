"""A target whose releases were captured by `register_package` itself, from pushed folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.releases import Releases
from sluice.domain.desired import next_move
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.rollout import Deployed, Kind, Rollout
from sluice.domain.starting import Start
from sluice.events.tasks import dump_rollout
from tests.builders import AT, a_config, a_release_name, a_signal, a_state, a_wanted, deployed

if TYPE_CHECKING:
    from sluice.domain.release import Release
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

PLAN = {"steps": [10, 100], "bake_minutes": {"min": 5, "max": 30, "last": 60}}


class Captured:
    """Versions 1 and 2 of `churn`, captured and approved; version 1 serves."""

    wire: Wire

    def __init__(
        self, world: World, inbox: Inbox, *, watched: dict[str, Any] | None = None, **changes: Any
    ) -> None:
        self.world, self.inbox = world, inbox
        alarms = {"error_rate": 0.05, "latency_ms": 800, **(watched or {})}
        config = a_config(**{"rollout": PLAN, "alarms": alarms, **changes})
        for folder in ("churn-v1", "churn-v2"):
            events = [
                inbox.push(MODEL, folder=folder),
                inbox.push(CONFIG, config, folder=folder),
                inbox.push(EVALUATION, folder=folder),
            ]
            assert inbox.deliver(*events) == []
        for version in (1, 2):
            world.decide(self.release(version).package_arn, "Approved")
        self.stable = self.deployed(1, epoch=1)
        world.given_endpoint(self.stable.endpoint_config, v1_e1=100)

    def release(self, version: int) -> Release:
        found = Releases(self.world.table).get(a_release_name(f"churn-v{version}"))
        assert found
        return found

    def deployed(self, version: int, *, epoch: int) -> Deployed:
        release = self.release(version)
        known = {"digest": release.digest, "package_arn": release.package_arn, "alarms": ()}
        return deployed(version, epoch=epoch, **known)

    def start(self, kind: Kind = Kind.CANARY) -> Rollout:
        """The rollout of version 2 as reconcile starts it, the lease taken."""
        release = self.release(2)
        again = self.deployed(2, epoch=1)
        state = {
            Kind.CANARY: a_state(live=self.stable, epoch=1, wanted=a_wanted(2)),
            Kind.ALL_AT_ONCE: a_state(live=None, last_good=(), epoch=1, wanted=a_wanted(2)),
            Kind.ROLL_BACK: a_state(
                live=self.stable, last_good=(again,), epoch=1, rollback_owed=a_signal(1)
            ),
        }[kind]
        move = next_move(
            state, releases={release.name: release, self.stable.release: self.release(1)}, now=AT
        )
        assert isinstance(move, Start)
        assert move.rollout.kind is kind
        self.world.given(move.change.state)
        return move.rollout

    def prepare(self, rollout: Rollout) -> Rollout:
        event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
        return Rollout.model_validate(self.world.call("prepare_rollout", event))

    def variants(self, config: str) -> dict[str, Any]:
        found = self.world.aws("sagemaker").describe_endpoint_config(EndpointConfigName=config)
        return {
            one["VariantName"]: (
                one["ModelName"],
                one["InitialVariantWeight"],
                one["InitialInstanceCount"],
            )
            for one in found["ProductionVariants"]
        }
