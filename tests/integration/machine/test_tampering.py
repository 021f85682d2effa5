"""What somebody changed by hand refuses the rollouts that build upon it, until it is put right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.table import decode, encode
from tests.integration.machine.courses import BOTH

if TYPE_CHECKING:
    from tests.integration.machine.world import World

TRAFFIC = {
    "CreateEndpoint",
    "UpdateEndpoint",
    "UpdateEndpointWeightsAndCapacities",
    "DeleteEndpoint",
    "CreateModel",
    "CreateEndpointConfig",
    "PublishVersion",
    "UpdateAlias",
}


def edit_target(world: World) -> str:
    """Somebody changes what serves, with a view to nothing in particular; how that is told."""
    if world.of_application:
        function = world.account.function
        function.versions["9"] = function.versions[function.main]
        function.others, function.alias_revision = {"9": 0.0}, 99
        return 'ALIAS_CHANGED: variants of application/churn: expected ["2"], found ["2", "9"]. '
    endpoint = world.account.sagemaker.endpoints["churn"]
    world.account.sagemaker.configs["by-hand"] = world.account.sagemaker.configs[endpoint.config]
    endpoint.config = "by-hand"
    return "ENDPOINT_CHANGED: configuration of endpoint/churn: expected churn-v1-e1, found by-hand"


def put_back(world: World) -> None:
    if world.of_application:
        world.account.function.others = {}
    else:
        world.account.sagemaker.endpoints["churn"].config = "churn-v1-e1"


def approve_again(world: World, version: int) -> None:
    world.decide(version, "PendingManualApproval")
    world.pass_time(60)
    world.decide(version, "Approved")


def refused(world: World, event: str = "Aborted churn-v2") -> str:
    """Why the rollout of version 2 came to its end; it changed nothing that serves."""
    begun = len(world.history())
    world.wire.calls.clear()
    world.settle()
    told = [one for one in world.history()[begun:] if one["event"] == event.partition(" ")[0]]
    assert [one for one in world.wire.calls if one.operation in TRAFFIC] == []
    assert all(one.status == "SUCCEEDED" for one in world.account.states.executions.values())
    return str(told[-1]["reason"])


@BOTH
def test_nothing_begins_upon_what_was_changed_by_hand_until_it_is_put_back(serving: World) -> None:
    difference = edit_target(serving)
    serving.decide(2, "Approved")

    assert refused(serving).startswith(difference)
    put_back(serving)
    approve_again(serving, 2)
    serving.settle()

    assert "Promoted churn-v2" in serving.events()
    assert serving.state.edited == ""


@BOTH
def test_what_serves_is_put_up_as_it_was_approved_when_it_is_approved_again(
    serving: World,
) -> None:
    difference = edit_target(serving)
    serving.decide(2, "Approved")
    assert refused(serving).startswith(difference)
    assert serving.state.edited

    approve_again(serving, 1)
    serving.settle()

    assert "RolledBack churn-v1" in serving.events()
    assert (serving.state.edited, serving.state.rolled_back_at) == ("", None)
    assert list(serving.traffic().values()) == [100.0]
    assert serving.state.live
    assert set(serving.state.live.alarms) <= set(serving.account.cloudwatch.alarms)
    assert serving.state.live.alarms
    approve_again(serving, 2)
    serving.settle()
    assert "Promoted churn-v2" in serving.events()


def entry(world: World, number: int) -> tuple[str, str]:
    return f"TARGET#{world.account.target}", f"HISTORY#{number:08d}"


def test_nothing_is_built_upon_a_history_that_lacks_an_entry_until_that_is_back(
    serving: World,
) -> None:
    kept = serving.account.ledger.items.pop(entry(serving, 2))
    serving.decide(2, "Approved")

    assert refused(serving).startswith("HISTORY_BROKEN: entry 2: entry 2 is missing (between ")
    approve_again(serving, 2)
    assert refused(serving).startswith("HISTORY_BROKEN: ")
    serving.account.ledger.items[entry(serving, 2)] = kept
    approve_again(serving, 2)
    serving.settle()

    assert "Promoted churn-v2" in serving.events()


def edit(world: World, pk: str, sk: str, **changes: Any) -> None:
    item = decode(world.account.ledger.items[pk, sk])
    world.account.ledger.items[pk, sk] = encode({**item, **changes})


@pytest.mark.parametrize(
    ("sk", "changes"),
    [
        ("V#000002", {"digest": "e" * 64}),
        ("V#000001", {"digest": "e" * 64}),
        ("CAPTURE#000002", {"manifest": "{}"}),
    ],
)
def test_a_ledger_that_contradicts_itself_ends_the_rollout_with_its_reason(
    serving: World, sk: str, changes: dict[str, Any]
) -> None:
    edit(serving, "RELEASE#churn", sk, **changes)
    serving.decide(2, "Approved")

    assert refused(serving).startswith("LEDGER_CHANGED: ")


def promoted(world: World, version: int) -> None:
    world.decide(version, "Approved")
    world.settle()
    assert f"Promoted churn-v{version}" in world.events()


def test_a_rollback_passes_over_a_good_release_that_was_edited(serving: World) -> None:
    promoted(serving, 2)
    promoted(serving, 3)
    pk, sk = serving.stored_as
    good = decode(serving.account.ledger.items[pk, sk])["last_good"]
    assert [one["release"]["version"] for one in good] == [3, 2, 1]
    edit(serving, pk, sk, last_good=[good[0], {**good[1], "digest": "e" * 64}, good[2]])

    serving.decide(3, "Rejected")
    serving.settle()

    failed = next(one for one in serving.history() if one["event"] == "Failed")
    assert failed["release"]["version"] == 2
    assert failed["reason"].startswith("LEDGER_CHANGED: digest of churn-v2 in STATE: expected ")
    assert "RolledBack churn-v1" in serving.events()


def test_a_rollback_goes_on_from_an_edited_target_with_a_broken_history(serving: World) -> None:
    promoted(serving, 2)
    del serving.account.ledger.items[entry(serving, 3)]
    endpoint = serving.account.sagemaker.endpoints["churn"]
    serving.account.sagemaker.configs["by-hand"] = serving.account.sagemaker.configs[
        endpoint.config
    ]
    endpoint.config = "by-hand"

    serving.decide(2, "Rejected")
    serving.settle()

    back = next(one for one in serving.history() if one["event"] == "RolledBack")
    assert back["release"]["version"] == 1
    assert "; all the same, HISTORY_BROKEN: entry 3: entry 3 is missing" in back["reason"]
