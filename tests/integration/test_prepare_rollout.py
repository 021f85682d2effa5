"""`prepare_rollout`: a bare rollout in; models, alarms, configurations and a plan out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sluice.adapters.ledger.evidence import Evidences
from sluice.adapters.ledger.table import Item, Table
from sluice.domain.rollout import Action, Kind, Trial
from tests.builders import BUCKET, TARGET, a_quota, after, watches
from tests.integration.captured import Captured
from tests.integration.conftest import OWN_ROLE
from tests.integration.rollouts import ROLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World


@pytest.fixture(autouse=True)
def _enough_instances(wire: Wire) -> None:
    """A hundred of the usual type are allowed; moto knows no quota of SageMaker."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])


@pytest.fixture
def captured(world: World, inbox: Inbox) -> Captured:
    return Captured(world, inbox)


def test_a_canary_is_made_ready_beside_stable(captured: Captured) -> None:
    made = captured.prepare(captured.start())

    assert (made.action, made.provision_config) == (Action.UPDATE, "churn-v1-v2-e2-both")
    assert captured.variants("churn-v1-v2-e2-both") == {
        "v1-e1": ("churn-v1-e1", 100.0, 1),
        "v2-e2": ("churn-v2-e2", 0.0, 1),
    }
    assert captured.variants("churn-v2-e2") == {"v2-e2": ("churn-v2-e2", 100.0, 1)}
    assert [step.weight for step in made.steps] == [10, 100]
    assert made.standby_seconds == 3600


def test_the_model_is_the_captured_bytes_and_the_image_by_digest(captured: Captured) -> None:
    captured.prepare(captured.start())

    model = captured.world.aws("sagemaker").describe_model(ModelName="churn-v2-e2")
    container = model["PrimaryContainer"]
    digest = captured.release(2).digest[:12]
    assert container["ModelDataUrl"] == f"s3://{BUCKET}/releases/churn/v2-{digest}/model.tar.gz"
    assert "@sha256:" in container["Image"]
    assert model["ExecutionRoleArn"] == ROLE


def test_a_model_runs_as_its_own_role_where_the_operator_allows_it(
    world: World, inbox: Inbox
) -> None:
    captured = Captured(world, inbox, execution_role_arn=OWN_ROLE)

    captured.prepare(captured.start())

    model = world.aws("sagemaker").describe_model(ModelName="churn-v2-e2")
    assert model["ExecutionRoleArn"] == OWN_ROLE


def test_a_role_that_the_operator_took_off_the_list_since_runs_no_model(
    world: World,
    inbox: Inbox,
    wire: Wire,
    function: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    captured = Captured(world, inbox, execution_role_arn=OWN_ROLE)
    app = function("prepare_rollout")
    fleets = app.preparing.grounds.fleets
    strict = replace(fleets, checking=replace(fleets.checking, execution_roles=()))
    grounds = replace(app.preparing.grounds, fleets=strict)
    monkeypatch.setattr(app, "preparing", replace(app.preparing, grounds=grounds))
    wire.asked.clear()

    made = captured.prepare(captured.start())

    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert made.reason == f"ROLE_NOT_ALLOWED: {OWN_ROLE} is not in execution_roles any more"
    assert wire.calls("CreateModel") == []


SERVERLESS = {
    "instance_type": ...,
    "serverless": {"memory_size_mb": 2048, "max_concurrency": 5},
    "rollout": {"strategy": "guardrail"},
}


def test_a_serverless_endpoint_is_made_ready_to_be_updated(
    world: World, inbox: Inbox, wire: Wire
) -> None:
    captured = Captured(world, inbox, **SERVERLESS)
    wire.asked.clear()

    made = captured.prepare(captured.start())

    assert (made.kind, made.provision_config) == (Kind.GUARDRAIL, "churn-v2-e2")
    (config,) = wire.calls("CreateEndpointConfig")
    assert config["ProductionVariants"] == [
        {
            "VariantName": "serverless",
            "ModelName": "churn-v2-e2",
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            "InitialVariantWeight": 100.0,
        }
    ]
    assert made.release.alarms == ("sluice-churn-v2-e2-errors", "sluice-churn-v2-e2-latency")
    for alarm in world.aws("cloudwatch").describe_alarms()["MetricAlarms"]:
        assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {
            "EndpointName": "churn",
            "VariantName": "serverless",
            "EndpointConfigName": "churn-v2-e2",
        }
    assert world.state.rollout == made, "whoever takes over must know the way back"


def test_a_smoke_test_is_to_be_asked_where_the_config_has_one(world: World, inbox: Inbox) -> None:
    smoked = Captured(world, inbox, smoke_test={"body": "{}"})

    assert smoked.prepare(smoked.start()).trial == Trial()


def test_alarms_watch_the_variant_and_the_ledger_knows_which(captured: Captured) -> None:
    made = captured.prepare(captured.start())

    expected = {"sluice-churn-v2-e2-errors", "sluice-churn-v2-e2-latency"}
    assert set(made.release.alarms) == expected == captured.world.alarms()
    described = captured.world.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    for alarm in described:
        assert captured.world.targets.watched_by(alarm["AlarmArn"]) == (watches(made.release),)


def test_a_first_deployment_is_created(captured: Captured) -> None:
    captured.world.aws("sagemaker").delete_endpoint(EndpointName="churn")

    made = captured.prepare(captured.start(Kind.ALL_AT_ONCE))

    assert (made.action, made.provision_config) == (Action.CREATE, "churn-v2-e2")
    assert made.steps == ()


def test_a_rollback_is_one_update(captured: Captured) -> None:
    made = captured.prepare(captured.start(Kind.ROLL_BACK))

    assert (made.action, made.provision_config) == (Action.UPDATE, "churn-v2-e2")


def test_what_a_release_was_captured_as_is_read_once(captured: Captured) -> None:
    rollout, asked = captured.start(), list[str]()
    read = Table.get

    def counted(table: Table, pk: str, sk: str) -> Item | None:
        asked.append(sk)
        return read(table, pk, sk)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Table, "get", counted)
        captured.prepare(rollout)

    assert sorted(one for one in asked if one.startswith("CAPTURE#")) == [
        "CAPTURE#000001",
        "CAPTURE#000002",
    ]


def test_preparing_twice_makes_the_same_things(captured: Captured) -> None:
    rollout = captured.start()

    assert captured.prepare(rollout) == captured.prepare(rollout)
    assert len(captured.world.alarms()) == 2


def test_what_serves_now_is_never_replaced_by_fewer_instances(captured: Captured) -> None:
    captured.world.aws("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "v1-e1", "DesiredWeight": 100.0, "DesiredInstanceCount": 4}
        ],
    )

    made = captured.prepare(captured.start())

    counts = {name: count for name, (*_, count) in captured.variants(made.provision_config).items()}
    assert counts == {"v1-e1": 4, "v2-e2": 4}


# Alarms of others on the whole endpoint.


@pytest.fixture
def watching(world: World, inbox: Inbox) -> Captured:
    """Both versions name an alarm of somebody else."""
    return Captured(world, inbox, watched={"watch": ["checkout-errors"], "auto_rollback_hours": 24})


def test_an_alarm_that_the_config_names_watches_the_whole_endpoint(watching: Captured) -> None:
    arn = watching.world.given_alarm(watching.stable, name="checkout-errors")

    made = watching.prepare(watching.start())

    assert made.action is Action.UPDATE
    assert made.watch == made.release.watch == ("checkout-errors",)
    assert made.release.auto_rollback_seconds == 24 * 3600
    found = {one.variant: one.target for one in watching.world.targets.watched_by(arn)}
    assert found == {"": TARGET}, "it blames no variant"


def test_a_rollout_whose_config_names_an_alarm_that_does_not_exist_must_not_begin(
    watching: Captured,
) -> None:
    made = watching.prepare(watching.start())

    assert made.action is Action.ROLL_BACK
    assert made.reason == ("ALARM_MISSING: its config names checkout-errors, which does not exist")
    assert watching.world.alarms() == set()


def test_an_alarm_that_was_deleted_does_not_stand_in_the_way_of_a_rollback(
    watching: Captured,
) -> None:
    made = watching.prepare(watching.start(Kind.ROLL_BACK))

    assert (made.action, made.watch) == (Action.UPDATE, ())


def test_what_is_in_alarm_before_the_rollout_is_held_against_nobody(watching: Captured) -> None:
    world, own = watching.world, "sluice-churn-v1-e1-errors"
    watching.stable = watching.stable.model_copy(update={"alarms": (own,)})
    for name in ("checkout-errors", own):
        world.given_alarm(watching.stable, "ALARM", name=name)

    watching.prepare(watching.start())
    watching.prepare(world.state.rollout or watching.start())

    assert set(world.state.disarmed) == {"checkout-errors", own}
    (said,) = [one for one in world.targets.history(TARGET) if one.event == "AlarmsDisarmed"]
    assert "checkout-errors" in said.reason


def test_what_is_ok_before_the_rollout_counts(watching: Captured) -> None:
    watching.world.given_alarm(watching.stable, name="checkout-errors")

    watching.prepare(watching.start())

    assert watching.world.state.disarmed == {}


def test_what_the_steps_can_show_is_foreseen_told_and_kept(
    captured: Captured, wire: Wire, told: Callable[[], list[str]]
) -> None:
    captured.world.given_requests("v1-e1", 10, at=after(-180 * 60), minutes=180)
    rollout = captured.start()

    captured.prepare(rollout)
    captured.prepare(rollout)

    forecast = Evidences(captured.world.table).forecast(rollout.target, rollout.id)
    assert forecast
    assert forecast.requests_per_minute == pytest.approx(10, rel=0.02)
    assert "will be held: proof needs about" in forecast.warnings[0]
    (event,) = [one for kind, one in captured.world.announced() if kind == "RolloutForeseen"]
    assert event["warnings"] == list(forecast.warnings)
    (mail,) = [one for one in told() if "will be held" in one]
    assert mail.startswith("churn-v2 on churn\n")
    asked = [len(one["MetricDataQueries"]) for one in wire.calls("GetMetricData")]
    assert asked == [2], "a task that runs twice tells it once"


def test_a_forecast_that_cannot_be_made_keeps_no_rollout_waiting(
    captured: Captured, faults: Faults
) -> None:
    with faults.refusing("GetMetricData", "AccessDenied"):
        made = captured.prepare(captured.start())

    assert made.action is Action.UPDATE
