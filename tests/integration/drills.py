"""Alarms fired at a target as CloudWatch, the schedule and the machine would, all on moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain.alarm import Watched
from sluice.domain.rollout import Action, Phase, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import (
    AT,
    STABLE,
    TARGET,
    a_package_arn,
    a_rollout,
    a_state,
    after,
    an_event,
    deployed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.domain.rollout import Deployed
    from tests.integration.rollouts import Wire, World

BOTH = "churn-v3-v4-e5-both"
MINUTE = 60
OLD = deployed(2, epoch=2)
WHOLE = "checkout-errors"
PARKED: dict[str, Any] = {"token": "t-1", "parked_at": after(0)}


class Drill:
    """The target `churn`, its alarms, and everybody who looks at them."""

    def __init__(self, world: World, wire: Wire, told: Callable[[], list[str]]) -> None:
        self.world, self.told, self._wire, self._arns = world, told, wire, dict[str, str]()
        wire.always("SendTaskSuccess")
        wire.always("Invoke", StatusCode=202)
        world.given_versions(1, 2, 3, 4)
        self.tick(-60)
        self._before = set(world.executions())
        world.announced()

    def bakes(self, **changes: Any) -> None:
        """Version 4 bakes at 10 % beside version 3; its requests prove it after five minutes."""
        self.world.given_endpoint(BOTH, v3_e3=90, v4_e5=10)
        self._in_flight(a_rollout(position=0, **changes), Phase.BAKING)

    def stands_by(self, live: Deployed, **changes: Any) -> None:
        """Version 4 serves all traffic, version 3 stands by."""
        self.world.given_endpoint(BOTH, v3_e3=0, v4_e5=100)
        rollout = a_rollout(position=1, promoted=True, **changes)
        self._in_flight(rollout, Phase.STANDING_BY, live=live)

    def _in_flight(self, rollout: Rollout, phase: Phase, **changes: Any) -> None:
        self.world.given(a_state(rollout, phase=phase, **PARKED, **changes))
        self.world.given_requests("v4-e5", 500, at=AT, minutes=12)
        self.world.given_requests("v3-e3", 4500, at=AT, minutes=12)
        self.world.start(rollout.id)
        self.watched(rollout.release)

    def watched(self, what: Deployed, state: str = "OK") -> str:
        """The release's own alarm is in this state; its name."""
        name = what.alarms[0]
        self._arns[name] = self.world.given_alarm(what, state, name=name)
        return name

    def watched_whole(self, state: str = "OK", *, name: str = "checkout-errors") -> str:
        """An alarm of somebody else on the whole endpoint is in this state; its name."""
        whole = STABLE.model_copy(update={"variant": ""})
        arn = self.world.given_alarm(whole, state, name=name)
        self.world.targets.watch(arn, Watched(target=TARGET, epoch=5))
        self._arns[name] = arn
        return name

    def fires(self, name: str, *, before: str = "OK", at: datetime | None = None) -> str:
        """CloudWatch tells that the alarm went into ALARM; what we did."""
        event = an_event("cloudwatch_alarm_single_metric")
        event |= {"resources": [self._arns[name]], "time": (at or after(5 * MINUTE)).isoformat()}
        event["detail"]["alarmName"] = name
        event["detail"]["previousState"]["value"] = before
        if name in self.world.mutes.active:
            event["detail"]["muteDetail"] = an_event("cloudwatch_alarm_muted")["detail"][
                "muteDetail"
            ]
        answer: str = self.world.call("handle_alarm", event)["answer"]
        return answer

    def watch(self, minute: float) -> dict[str, str]:
        """`watch_rollout` looks, that many minutes after the machine parked."""
        event = {**an_event("events_scheduled"), "time": after(minute * MINUTE).isoformat()}
        woken: dict[str, str] = self.world.call("watch_rollout", event)["woken"]
        return woken

    def tick(self, minute: float) -> list[str]:
        """The schedule's `reconcile_target` looks."""
        event = {**an_event("events_scheduled"), "time": after(minute * MINUTE).isoformat()}
        return self._reconcile(event)

    def _reconcile(self, event: dict[str, Any]) -> list[str]:
        answers: list[str] = self.world.call("reconcile_target", event)["answers"]
        return answers

    def asked(self, *, at: datetime) -> list[str]:
        """`handle_alarm` has asked for a look, as of the alarm's time."""
        return self._reconcile({"target": TARGET, "at": at.isoformat()})

    def changed(self, version: int, *, at: datetime) -> list[str]:
        """SageMaker tells that a package changed."""
        event = an_event("sagemaker_model_package_approved")
        event["detail"]["ModelPackageArn"] = a_package_arn(version)
        return self._reconcile({**event, "time": at.isoformat()})

    def woken(self) -> list[Rollout]:
        """What the machine was woken with, each time."""
        sent = self._wire.calls("SendTaskSuccess")
        return [Rollout.model_validate(json.loads(one["output"])) for one in sent]

    def takes_back(self) -> Rollout:
        """The machine follows what it was woken with: traffic back, outcome recorded."""
        rollout = self.woken()[-1]
        assert rollout.action is Action.ROLL_BACK
        return self.carries_out("settle_rollout", self.carries_out("shift_traffic", rollout))

    def carries_out(self, task: str, rollout: Rollout) -> Rollout:
        """A task of the machine, with this rollout."""
        event = {"rollout": dump_rollout(rollout), "at": after(6 * MINUTE).isoformat()}
        return Rollout.model_validate(self.world.call(task, event))

    def executions(self) -> set[str]:
        """The executions that were started since the drill began."""
        return set(self.world.executions()) - self._before

    def weight_changes(self) -> list[Any]:
        """Every change of weights that was asked of SageMaker."""
        return self._wire.calls("UpdateEndpointWeightsAndCapacities")

    def said(self, event: str = "AlarmIgnored") -> list[str]:
        """The reasons of such events in the target's history."""
        return [one.reason for one in self.world.targets.history(TARGET) if one.event == event]


def at_rest(drill: Drill, live: Deployed = STABLE, **changes: object) -> str:
    """The live release serves, version 2 served well before; the live one's own alarm."""
    defaults = {"live": live, "last_good": (live, OLD), "wanted": None}
    drill.world.given(a_state(**{**defaults, **changes}))
    drill.world.given_endpoint(live.endpoint_config, **{live.variant.replace("-", "_"): 100})
    return drill.watched(live)
