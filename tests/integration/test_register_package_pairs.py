"""A config that names a model release to move with: what is recorded, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.release import Pair, Release, ReleaseName
from tests.builders import (
    CANARY,
    a_release,
    a_release_name,
    a_rollout,
    a_state,
    deployed,
    seen,
)
from tests.integration.configs import captured_manifest, push_config
from tests.integration.observed import record, retired
from tests.integration.test_register_package_bedrock import commit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

MODEL = ReleaseName(group="churn", version=4)
REJECTED = seen(status=a_release().approval.REJECTED, modified=60)


@pytest.fixture(autouse=True)
def _catalogue(catalogue: Catalogue) -> None:
    """Bedrock answers."""


def release_of(world: World, name: str) -> Release:
    release = Releases(world.table).get(a_release_name(name))
    assert release
    return release


def push(inbox: Inbox, number: int = 1, **changes: Any) -> str:
    """Push a config that names a model release; what became of it."""
    changes = {"moves_with": "churn-v4", "application": "support", **changes}
    inbox.deliver(*push_config(inbox, commit=commit(number), **changes))
    return inbox.records()[f"configs/{commit(number)}/bedrock-config.json 1"]


def pair_with(config: str, **changes: Any) -> Pair:
    values = {
        "model": MODEL,
        "digest": a_release().digest,
        "model_target": "endpoint/churn",
        "config": a_release_name(config),
        "config_target": "application/support",
        **changes,
    }
    return Pair(**values)


def test_the_pair_stands_on_both_sides_and_in_the_manifest_with_the_models_digest(
    inbox: Inbox, world: World, told: Callable[[], list[str]]
) -> None:
    for event in inbox.push_folder():
        inbox.deliver(event)
    digest = release_of(world, "churn-v4").digest

    told()
    assert push(inbox) == "Registered"

    pair = pair_with("support-v1", digest=digest)
    assert release_of(world, "support-v1").pair == pair
    assert release_of(world, "churn-v4").pair == pair
    assert any("It moves with churn-v4: neither is rolled out" in one for one in told())
    (config,) = inbox.packages("support")
    assert config["CustomerMetadataProperties"]["moves-with"] == "churn-v4"
    kept = [one for one in inbox.releases() if one["system"] == "Bedrock"]
    inbox.releases = lambda: kept  # type: ignore[method-assign]
    partner = captured_manifest(inbox).partner
    assert partner
    assert (str(partner.release), partner.digest, partner.target) == ("churn-v4", digest, "churn")


@pytest.mark.parametrize("on_its_way", [False, True])
def test_a_model_that_serves_or_is_on_its_way_is_needed_and_not_moved(
    inbox: Inbox, world: World, on_its_way: bool
) -> None:
    world.given_release(a_release())
    world.given(a_state(a_rollout()) if on_its_way else a_state(live=CANARY))

    assert push(inbox) == "Registered"

    pair = release_of(world, "support-v1").pair
    assert pair
    assert not pair.moves
    assert release_of(world, "churn-v4").pair is None


def test_a_model_whose_canary_was_taken_back_is_moved(inbox: Inbox, world: World) -> None:
    world.given_release(a_release())
    world.given(a_state(a_rollout(taken_back=True)))

    assert push(inbox) == "Registered"
    assert release_of(world, "churn-v4").pair == pair_with("support-v1")


def test_a_release_that_is_not_registered_cannot_be_named(inbox: Inbox, world: World) -> None:
    claimed = a_release(capture="Claimed", package_arn="", package_version=0)

    assert push(inbox) == "Rejected PartnerNotFound"
    world.given_release(claimed)
    assert push(inbox, 2) == "Rejected PartnerNotFound"
    assert inbox.packages("support") == []


def test_a_retired_model_cannot_be_named(inbox: Inbox, world: World) -> None:
    world.given_release(a_release())
    retired(world.table, release_of(world, "churn-v4"))

    assert push(inbox) == "Rejected PartnerNotFound"
    assert "sluice retention --undo churn-v4" in inbox.details()["bedrock-config.json"]


def test_a_release_of_an_application_cannot_be_named(inbox: Inbox, world: World) -> None:
    world.given_release(a_release(system="Bedrock"))

    assert push(inbox) == "Rejected PartnerNoModel"


def test_a_model_waits_for_one_config_alone_until_that_is_rejected(
    inbox: Inbox, world: World
) -> None:
    world.given_release(a_release())
    assert push(inbox) == "Registered"

    assert push(inbox, 2) == "Rejected PartnerTaken"
    record(world.table, release_of(world, "support-v1"), REJECTED)
    assert push(inbox, 3) == "Registered"

    assert release_of(world, "churn-v4").pair == pair_with("support-v2")
    assert release_of(world, "support-v1").pair == pair_with("support-v1")


def test_an_endpoint_that_belongs_to_another_group_cannot_be_moved(
    inbox: Inbox, world: World
) -> None:
    world.given_release(a_release())
    world.given(a_state(owner="fraud"))

    assert push(inbox) == "Rejected PartnerBound"
    assert "belongs to the group fraud" in inbox.details()["bedrock-config.json"]


def test_an_endpoint_that_moves_with_another_application_cannot_be_moved(
    inbox: Inbox, world: World
) -> None:
    world.given_release(a_release())
    theirs = pair_with(
        "desk-v7", model=a_release_name("churn-v3"), config_target="application/desk"
    )
    world.given(a_state(live=deployed(3, epoch=3, pair=theirs)))

    assert push(inbox) == "Rejected PartnerBound"


@pytest.mark.parametrize("name", ["churn", "churn-v0", "churn-v04", "churn/v4", "-v4"])
def test_only_the_name_of_a_release_can_be_named(inbox: Inbox, name: str) -> None:
    assert push(inbox, moves_with=name) == "Rejected InvalidConfig"


def test_a_model_that_goes_live_while_its_config_is_claimed_is_judged_again(
    inbox: Inbox, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.given_release(a_release())
    world.given(a_state())
    real, raced = Releases.claim, list[bool]()

    def late(self: Releases, *args: Any, **more: Any) -> None:
        if not raced:
            raced.append(True)
            world.given(a_state(live=CANARY))
        real(self, *args, **more)

    monkeypatch.setattr(Releases, "claim", late)
    assert push(inbox) == "Registered"

    pair = release_of(world, "support-v1").pair
    assert pair
    assert not pair.moves
    assert release_of(world, "churn-v4").pair is None


def test_an_approval_that_was_decided_on_before_the_pair_does_not_wipe_it_out(
    inbox: Inbox, world: World
) -> None:
    world.given_release(a_release())
    before = release_of(world, "churn-v4")
    assert push(inbox) == "Registered"

    with pytest.raises(ConditionFailedError):
        record(world.table, before, seen())
    again = release_of(world, "churn-v4")
    record(world.table, again, seen())

    assert release_of(world, "churn-v4").pair == pair_with("support-v1")


def test_a_record_from_before_there_were_pairs_is_read_as_one_without() -> None:
    old = a_release().model_dump(mode="json", exclude={"pair"})

    assert Release.model_validate(old).pair is None
