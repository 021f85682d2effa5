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


@pytest.mark.parametrize("edit", [one_variant_more, no_model], ids=lambda one: one.__name__)
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
