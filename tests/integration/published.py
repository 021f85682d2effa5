"""An application whose releases were captured by `register_package` itself, and its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.releases import Releases
from sluice.domain.approval import new_target
from sluice.domain.desired import next_move
from sluice.domain.rollout import Deployed, Kind, Rollout
from sluice.domain.serving import serving
from sluice.domain.starting import Start
from sluice.events.tasks import dump_rollout
from tests.builders import AT, a_release_name, a_signal, a_wanted, deployed
from tests.integration.configs import push_config

if TYPE_CHECKING:
    from sluice.domain.release import Release
    from sluice.domain.target import TargetState
    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox
    from tests.integration.lambdas import Lambdas
    from tests.integration.rollouts import World

APPLICATION = "application/support"
PLAN = {"steps": [10, 100], "bake_minutes": {"min": 5, "max": 30, "last": 60}}
COMMITS = {1: "1" * 40, 2: "2" * 40}


class Application:
    """Versions 1 and 2 of `support`, captured and approved; its function's version 2 serves 1."""

    def __init__(
        self,
        world: World,
        inbox: Inbox,
        lambdas: Lambdas,
        catalogue: Catalogue,
        *,
        first: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        self.world, self.inbox = world, inbox
        self.lambdas, self.catalogue = lambdas, catalogue
        self.epoch = 1
        """Of the target, before a rollout starts."""
        config = {"application": "support", "rollout": PLAN, **changes}

        def capture() -> Deployed:
            for version, commit in COMMITS.items():
                its_own = (first or {}) if version == 1 else {}
                events = push_config(inbox, commit=commit, **{**config, **its_own})
                assert inbox.deliver(*events) == []
            for version in (1, 2):
                world.decide(self.release(version).package_arn, "Approved")
            return self.deployed(1, epoch=1, number="2")

        self.stable = inbox.begin(capture, first, config, catalogue.holds(), lambdas.holds())
        lambdas.publishes(2, self.serves(1))
        lambdas.leads_to(2)
        lambdas.asked.clear()
        catalogue.probed.clear()

    def release(self, version: int) -> Release:
        found = Releases(self.world.table).get(a_release_name(f"support-v{version}"))
        assert found
        return found

    def serves(self, version: int) -> str:
        """What a version of the function is told that serves the release."""
        release = self.release(version)
        return serving(release.manifest_uri, release.digest)

    def deployed(self, version: int, *, epoch: int, number: str) -> Deployed:
        release = self.release(version)
        return deployed(
            version,
            epoch=epoch,
            release=release.name,
            digest=release.digest,
            manifest_uri=release.manifest_uri,
            package_arn=release.package_arn,
            variant=number,
            model="sluice-serve",
            endpoint_config=number,
            alarms=(),
        )

    def start(self, kind: Kind = Kind.CANARY, *, to: str = "3") -> Rollout:
        """The rollout of version 2 as reconcile starts it; back to its version `to`, if so."""
        again = self.deployed(2, epoch=1, number=to)
        wanted = a_wanted(2).model_copy(update={"release": self.release(2).name})
        owed = a_signal(1).model_copy(update={"release": self.release(1).name})
        state = {
            Kind.CANARY: self._state(live=self.stable, wanted=wanted),
            Kind.ALL_AT_ONCE: self._state(wanted=wanted),
            Kind.ROLL_BACK: self._state(live=self.stable, last_good=(again,), rollback_owed=owed),
        }[kind]
        approved = {one.name: one for one in (self.release(1), self.release(2))}
        move = next_move(state, releases=approved, now=AT)
        assert isinstance(move, Start)
        assert move.rollout.kind is kind
        self.world.given(move.change.state, *move.change.events)
        return move.rollout

    def prepare(self, rollout: Rollout) -> Rollout:
        event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
        return Rollout.model_validate(self.world.call("prepare_rollout", event))

    def _state(self, **changes: Any) -> TargetState:
        return new_target(APPLICATION).model_copy(
            update={"owner": "support", "epoch": self.epoch, **changes}
        )
