"""Tasks in at `shift_traffic`, as tests of it say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain.rollout import Action, Kind, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import a_rollout

if TYPE_CHECKING:
    from tests.integration.rollouts import World

BOTH = "churn-v3-v4-e5-both"
ONWARD = a_rollout(position=0, action=Action.SHIFT)
BACK = a_rollout(position=0, action=Action.ROLL_BACK)
UPDATE = a_rollout(action=Action.UPDATE)
CREATE = a_rollout(Kind.ALL_AT_ONCE, action=Action.CREATE)
DROP = a_rollout(position=1, promoted=True, action=Action.SETTLE, settle_config="churn-v4-e5")
CONFIRM = DROP.to(Action.RELEASE, "approved")
EVERY = [CREATE, UPDATE, ONWARD, BACK, DROP, CONFIRM]
CHANGING = (
    "CreateEndpoint",
    "UpdateEndpoint",
    "UpdateEndpointWeightsAndCapacities",
    "DeleteEndpoint",
)

BUSY = 'Cannot update in-progress endpoint "churn".'


def shift(world: World, rollout: Rollout) -> dict[str, Any]:
    event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
    answer: dict[str, Any] = world.call("shift_traffic", event)
    return answer


def endpoints(world: World) -> list[str]:
    found = world.aws("sagemaker").list_endpoints()["Endpoints"]
    return [one["EndpointName"] for one in found]
