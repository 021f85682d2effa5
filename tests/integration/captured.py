"""A target whose releases were captured by `register_package` itself, from pushed folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.endpoint import Endpoint
from sluice.adapters.ledger.releases import Releases
from sluice.domain import names
from sluice.domain.deploying import fleet
from sluice.domain.desired import next_move
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.making import container, production_variant
from sluice.domain.manifest import parse_manifest
from sluice.domain.rollout import Deployed, Kind, Rollout
from sluice.domain.starting import Start
from sluice.events.tasks import dump_rollout
from tests.builders import AT, a_config, a_release_name, a_signal, a_state, a_wanted, deployed
from tests.integration.rollouts import ROLE
from tests.integration.unpacked import push_unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.manifest import Manifest
    from sluice.domain.release import Release
    from sluice.domain.target import Change
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

PLAN = {"steps": [10, 100], "bake_minutes": {"min": 5, "max": 30, "last": 60}}


class Captured:
    """Versions 1 and 2 of `churn`, captured and approved; version 1 serves."""

    wire: Wire
    started: Change
    """What the ledger was told when the rollout started."""

    def __init__(
        self,
        world: World,
        inbox: Inbox,
        *,
        watched: dict[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        **changes: Any,
    ) -> None:
        """`files` are those of an uncompressed model, in place of the usual tar ball."""
        self.world, self.inbox = world, inbox
        alarms = {"error_rate": 0.05, "latency_ms": 800, **(watched or {})}
        said = {"rollout": PLAN, "alarms": alarms, **changes}

        def capture() -> Deployed:
            self._capture(files, said)
            stable = self.deployed(1, epoch=1)
            self._given_endpoint(stable)
            return stable

        self.stable = inbox.begin(capture, files, said)

    def _capture(self, files: Mapping[str, bytes] | None, said: dict[str, Any]) -> None:
        inbox = self.inbox
        for folder in ("churn-v1", "churn-v2"):
            if files:
                events = push_unpacked(inbox, files, folder=folder, **said)
            else:
                events = [
                    inbox.push(MODEL, folder=folder),
                    inbox.push(CONFIG, a_config(**said), folder=folder),
                    inbox.push(EVALUATION, folder=folder),
                ]
            assert inbox.deliver(*events) == []
        for version in (1, 2):
            self.world.decide(self.release(version).package_arn, "Approved")

    def release(self, version: int) -> Release:
        found = Releases(self.world.table).get(a_release_name(f"churn-v{version}"))
        assert found
        return found

    def deployed(self, version: int, *, epoch: int) -> Deployed:
        release = self.release(version)
        known = {
            "digest": release.digest,
            "manifest_uri": release.manifest_uri,
            "package_arn": release.package_arn,
            "alarms": (),
        }
        if self.manifest(version).config.serverless:
            known["variant"] = names.SERVERLESS_VARIANT
        return deployed(version, epoch=epoch, **known)

    def manifest(self, version: int) -> Manifest:
        """What a version was captured as."""
        release = self.release(version)
        text = Releases(self.world.table).captured(release.name).manifest
        return parse_manifest(text, digest=release.digest)

    def _given_endpoint(self, stable: Deployed) -> None:
        """The endpoint serves this release, as a rollout would have put it there."""
        manifest = self.manifest(stable.release.version)
        endpoint = Endpoint(self.world.aws("sagemaker"))
        role = manifest.config.execution_role_arn or ROLE
        made = container(manifest, stable.digest)
        endpoint.create_model(stable.model, container=made, role_arn=role)
        runs = fleet(manifest, count=1)
        variant = production_variant(stable.variant, model=stable.model, fleet=runs)
        endpoint.create_config(stable.endpoint_config, variants=[variant])
        endpoint.create("churn", stable.endpoint_config)

    def start(self, kind: Kind = Kind.CANARY) -> Rollout:
        """The rollout of version 2 as reconcile starts it, the lease taken."""
        release = self.release(2)
        again = self.deployed(2, epoch=1)
        state = {
            Kind.CANARY: a_state(
                live=self.stable, last_good=(self.stable,), epoch=1, wanted=a_wanted(2)
            ),
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
        self.started = move.change
        self.world.given(move.change.state, *move.change.events)
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
