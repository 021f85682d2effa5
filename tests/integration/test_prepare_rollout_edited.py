"""`prepare_rollout`: what somebody changed by hand is told, and nothing is begun upon it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.making import container
from sluice.domain.rollout import Action, Kind
from sluice.domain.target import Leftover
from tests.builders import AT, TARGET, a_quota
from tests.integration.captured import Captured
from tests.integration.rollouts import ROLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

CONFIG, MODEL, VARIANT = "churn-v1-e1", "churn-v1-e1", "v1-e1"
WHAT_TO_DO = (
    ". Put that back and approve the new version again; or set churn-v1 to pending and approve it "
    "again, which puts it up as it was approved"
)


@pytest.fixture(autouse=True)
def _enough_instances(wire: Wire) -> None:
    """A hundred of the usual type are allowed; moto knows no quota of SageMaker."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])


@pytest.fixture
def captured(world: World, inbox: Inbox) -> Captured:
    return Captured(world, inbox)


def given_config(captured: Captured, name: str, **variants: str) -> None:
    """A configuration of these variants, `v1_e1="churn-v1-e1"`, each on one instance."""
    fleet = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
    named = {one.replace("_", "-"): model for one, model in variants.items()}
    captured.world.aws("sagemaker").create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": one, "ModelName": model, **fleet} for one, model in named.items()
        ],
    )


def given_model(captured: Captured, name: str, **changes: Any) -> None:
    """A model of stable's captured container, but for the changes."""
    runs = container(captured.manifest(1), captured.stable.digest)
    captured.world.aws("sagemaker").create_model(
        ModelName=name, PrimaryContainer={**runs, **changes}, ExecutionRoleArn=ROLE
    )


def put_on(captured: Captured, config: str) -> None:
    """As an UpdateEndpoint would, which moto does not know."""
    sagemaker = captured.world.aws("sagemaker")
    sagemaker.delete_endpoint(EndpointName="churn")
    sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)


def another_config(captured: Captured) -> str:
    given_config(captured, "by-hand", v1_e1=MODEL)
    put_on(captured, "by-hand")
    return f"configuration of {TARGET}: expected {CONFIG}, found by-hand"


def another_model(captured: Captured) -> str:
    """Under the names that the ledger knows: the configuration was made anew."""
    given_model(captured, "hot-fix")
    captured.world.aws("sagemaker").delete_endpoint_config(EndpointConfigName=CONFIG)
    given_config(captured, CONFIG, v1_e1="hot-fix")
    return f"model behind variant {VARIANT}: expected {MODEL}, found hot-fix"


def other_weights(captured: Captured) -> str:
    """Under its own name: the model was made anew."""
    captured.world.aws("sagemaker").delete_model(ModelName=MODEL)
    given_model(captured, MODEL, ModelDataUrl="s3://elsewhere/model.tar.gz")
    before = container(captured.manifest(1), captured.stable.digest)["ModelDataUrl"]
    return (
        f"ModelDataUrl of the model {MODEL}: expected {before}, found s3://elsewhere/model.tar.gz"
    )


def no_model(captured: Captured) -> str:
    captured.world.aws("sagemaker").delete_model(ModelName=MODEL)
    return f"model {MODEL}: expected churn-v1, found nothing"


def one_variant_more(captured: Captured) -> str:
    given_config(captured, "by-hand", v1_e1=MODEL, shadow=MODEL)
    put_on(captured, "by-hand")
    return (
        f"configuration of {TARGET}: expected {CONFIG}, found by-hand; variants of {TARGET}: "
        f'expected ["{VARIANT}"], found ["shadow", "{VARIANT}"]'
    )


EDITS: tuple[Callable[[Captured], str], ...] = (
    another_config,
    another_model,
    other_weights,
    no_model,
    one_variant_more,
)


@pytest.mark.parametrize("edit", EDITS, ids=lambda one: one.__name__)
def test_a_canary_begins_from_nothing_that_was_changed_by_hand(
    captured: Captured, wire: Wire, edit: Callable[[Captured], str]
) -> None:
    rollout = captured.start()
    difference = edit(captured)
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert made.reason == f"ENDPOINT_CHANGED: {difference}{WHAT_TO_DO}"
    assert (made.action, made.blames, made.edited) == (Action.ROLL_BACK, False, True)
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []


@pytest.mark.parametrize("edit", EDITS, ids=lambda one: one.__name__)
def test_a_rollback_is_not_kept_by_what_was_changed_by_hand(
    captured: Captured, edit: Callable[[Captured], str]
) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    edit(captured)

    assert captured.prepare(rollout).action is Action.UPDATE


def test_what_an_earlier_rollout_left_there_was_put_there_by_nobodys_hand(
    captured: Captured,
) -> None:
    rollout = captured.start()
    given_config(captured, "churn-v1-v9-e1-both", v1_e1=MODEL, v9_e1=MODEL)
    put_on(captured, "churn-v1-v9-e1-both")
    left = Leftover(variants=("v9-e1",), attempts=1, not_before=AT)
    state = captured.world.state
    captured.world.given(state.model_copy(update={"settle_owed": left}))

    assert captured.prepare(rollout).action is Action.UPDATE


def test_what_autoscaling_did_to_an_endpoint_is_no_change_by_hand(captured: Captured) -> None:
    rollout = captured.start()
    captured.world.aws("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": VARIANT, "DesiredWeight": 7.0, "DesiredInstanceCount": 5}
        ],
    )

    assert captured.prepare(rollout).action is Action.UPDATE


# The ledger.


def edit_item(captured: Captured, pk: str, sk: str, **changes: Any) -> None:
    item = captured.world.table.get(pk, sk)
    assert item
    captured.world.table.write(captured.world.table.put({**item, **changes}))


RECORD = ("RELEASE#churn", "V#000001")


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        pytest.param(
            {"digest": "e" * 64}, f"digest of churn-v1 in its record: expected @, found {'e' * 64}"
        ),
        pytest.param({"package_arn": "arn:x"}, "package of churn-v1 in STATE: expected arn:x"),
        pytest.param({"manifest_uri": "s3://b/k"}, "place of churn-v1 in its record: expected s3"),
        pytest.param({"capture": "Nonsense"}, "record of churn-v1 in the ledger: expected @"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_a_record_that_was_edited_is_told(
    captured: Captured, wire: Wire, changes: dict[str, Any], difference: str
) -> None:
    rollout = captured.start()
    edit_item(captured, *RECORD, **changes)
    wire.asked.clear()

    made = captured.prepare(rollout)

    told = difference.replace("@", captured.stable.digest)
    assert made.reason.startswith(f"LEDGER_CHANGED: {told}")
    assert made.action is Action.ROLL_BACK
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []


def test_a_manifest_that_is_gone_from_the_ledger_is_told(captured: Captured) -> None:
    rollout = captured.start()
    table = captured.world.table
    table.write(table.delete("RELEASE#churn", "CAPTURE#000001"))

    assert captured.prepare(rollout).reason.startswith(
        f"LEDGER_CHANGED: manifest of churn-v1 in the ledger: expected {captured.stable.digest}, "
        "found nothing. "
    )


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        pytest.param({"digest": "e" * 64}, "digest of churn-v2 in STATE: expected "),
        pytest.param({"package_arn": "arn:x"}, "package of churn-v2 in STATE: expected arn:aws"),
        pytest.param({"manifest_uri": "s3://b/k"}, "place of churn-v2 in STATE: expected s3://sl"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_a_rollback_lands_on_no_good_release_that_was_edited(
    captured: Captured, changes: dict[str, Any], difference: str
) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    release = rollout.release.model_copy(update=changes)
    forged = rollout.model_copy(update={"release": release})

    made = captured.prepare(forged)

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith(f"LEDGER_CHANGED: {difference}")


def test_a_rollback_needs_one_true_manifest(captured: Captured) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    edit_item(captured, "RELEASE#churn", "CAPTURE#000002", manifest="{}")

    assert captured.prepare(rollout).action is Action.UPDATE


# The history.


def delete_entry(captured: Captured, number: int) -> dict[str, Any]:
    table, key = captured.world.table, (f"TARGET#{TARGET}", f"HISTORY#{number:08d}")
    item = table.get(*key)
    assert item
    table.write(table.delete(*key))
    return item


def tell(captured: Captured) -> None:
    """Two entries more."""
    state = captured.world.state
    event = captured.started.events[0]
    captured.world.given(state, event, event)


def test_a_canary_is_not_built_upon_a_history_that_lacks_an_entry(
    captured: Captured, wire: Wire
) -> None:
    rollout = captured.start()
    tell(captured)
    item = delete_entry(captured, 2)
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert (made.action, made.blames, made.edited) == (Action.ROLL_BACK, False, False)
    assert made.reason == (
        "HISTORY_BROKEN: entry 2: entry 2 is missing (between entry 1 and entry 3). Restore it "
        "from a bundle of sluice audit or a backup, and approve the version again"
    )
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []
    captured.world.table.write(captured.world.table.put(item))
    assert captured.prepare(rollout).action is Action.UPDATE


def test_a_rewritten_entry_and_a_state_that_names_another_are_told(captured: Captured) -> None:
    rollout = captured.start()
    tell(captured)
    edit_item(captured, f"TARGET#{TARGET}", "HISTORY#00000002", reason="nothing happened")
    edit_item(captured, f"TARGET#{TARGET}", "STATE", history_hash="e" * 64)

    reason = captured.prepare(rollout).reason

    assert reason.startswith("HISTORY_BROKEN: entry 2: its content has the hash ")
    assert f"entry 3: STATE holds '{'e' * 64}' as the newest entry's hash" in reason


def test_a_rollback_goes_on_with_a_broken_history_and_says_so(captured: Captured) -> None:
    rollout = captured.start(Kind.ROLL_BACK)
    tell(captured)
    delete_entry(captured, 1)

    made = captured.prepare(rollout)

    assert made.action is Action.UPDATE
    assert made.reason.startswith(
        f"{rollout.reason}; all the same, HISTORY_BROKEN: entry 1: entry 1 is missing"
    )
