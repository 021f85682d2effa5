"""`prepare_rollout` on an application: a release becomes a version, asked before users are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.rollout import Action, Kind, Rollout
from tests.integration.catalogue import MODEL_ID
from tests.integration.published import Application

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.catalogue import Catalogue
    from tests.integration.lambdas import Lambdas


type Making = Callable[..., Application]


def told(lambdas: Lambdas, number: str) -> dict[str, str]:
    variables: dict[str, str] = lambdas.versions[number]["Environment"]["Variables"]
    return variables


# Publication.


def test_a_release_becomes_a_version_of_its_function(support: Application) -> None:
    made = support.prepare(support.start())

    assert (made.action, made.provision_config) == (Action.UPDATE, "2+3")
    assert (made.release.variant, made.release.endpoint_config) == ("3", "3")
    assert made.release.model == "sluice-serve"
    ours = {"SLUICE_VERSION": support.serves(2), "SLUICE_ROLLOUT": made.id}
    assert told(support.lambdas, "3") == {"LOG": "INFO", **ours}
    assert support.lambdas.traffic() == {"2": 100}, "nobody is sent there yet"
    assert [step.weight for step in made.steps] == [10, 100]


def test_its_alarms_watch_the_number_it_got(support: Application) -> None:
    made = support.prepare(support.start())

    (name,) = made.release.alarms
    assert name == "sluice-application.support-v2-e2-errors"
    found = support.world.aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    said = str(found)
    assert "'Name': 'ExecutedVersion', 'Value': '3'" in said
    assert "'Value': 'sluice-serve:live'" in said


def test_the_first_deployment_leads_the_alias_there_all_at_once(support: Application) -> None:
    support.lambdas.leads_to(1)

    made = support.prepare(support.start(Kind.ALL_AT_ONCE))

    assert (made.action, made.provision_config) == (Action.CREATE, "3")


def test_a_repeated_task_finds_the_version_that_was_published(support: Application) -> None:
    rollout = support.start()

    first, second = support.prepare(rollout), support.prepare(rollout)

    assert first == second
    assert sorted(support.lambdas.versions) == ["1", "2", "3"]
    assert support.lambdas.calls("UpdateFunctionConfiguration") == 1


def test_a_release_that_is_tried_again_inherits_no_metrics(support: Application) -> None:
    first = support.prepare(support.start())
    support.epoch += 1

    second = support.prepare(support.start())

    assert first.id != second.id
    assert (first.release.variant, second.release.variant) == ("3", "4")


@pytest.mark.parametrize("operation", ["UpdateFunctionConfiguration", "PublishVersion"])
def test_a_lost_reply_publishes_no_second_version(support: Application, operation: str) -> None:
    support.lambdas.lose.add(operation)

    made = support.prepare(support.start())

    assert made.release.variant == "3"
    assert sorted(support.lambdas.versions) == ["1", "2", "3"]


@pytest.mark.parametrize("before", ["UpdateFunctionConfiguration", "PublishVersion"])
def test_somebody_elses_update_in_between_is_neither_lost_nor_published_without_the_release(
    support: Application, before: str
) -> None:
    support.lambdas.before[before] = lambda: support.lambdas.deploys(LOG="DEBUG", NEW="1")

    made = support.prepare(support.start())

    ours = {"SLUICE_VERSION": support.serves(2), "SLUICE_ROLLOUT": made.id}
    assert told(support.lambdas, made.release.variant) == {"LOG": "DEBUG", "NEW": "1", **ours}


def test_code_that_changes_just_before_it_is_published_is_not(support: Application) -> None:
    lambdas = support.lambdas
    lambdas.before["PublishVersion"] = lambda: lambdas.deploys("b3RoZXI=")

    made = support.prepare(support.start())

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith("CODE_CHANGED: the code of sluice-serve changed")
    assert sorted(lambdas.versions) == ["1", "2"]


def test_while_lambda_is_still_at_it_the_machine_comes_again(support: Application) -> None:
    rollout = support.start()
    support.lambdas.slow = 100

    with pytest.raises(EndpointBusyError):
        support.prepare(rollout)

    support.lambdas.slow = 0
    assert support.prepare(rollout).release.variant == "3"


def test_variables_that_lambda_cannot_read_are_not_replaced(support: Application) -> None:
    support.lambdas.latest["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException"}}

    made = support.prepare(support.start())

    assert made.reason.startswith("VARIABLES_UNREADABLE: ")
    assert support.lambdas.calls("UpdateFunctionConfiguration") == 0


def test_a_change_that_failed_is_not_published(support: Application) -> None:
    broken = {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no such key"}
    support.lambdas.latest |= broken

    made = support.prepare(support.start())

    assert made.reason == "FUNCTION_FAILED: sluice-serve: no such key"


def test_a_version_that_lambda_could_not_make_serves_nobody(support: Application) -> None:
    support.lambdas.fails = "the subnet has no address left"

    made = support.prepare(support.start())

    assert made.action is Action.ROLL_BACK
    assert made.reason == "FUNCTION_FAILED: version 3: the subnet has no address left"


# The smoke test.


def smoke_tested(support: Application) -> Rollout:
    """What the smoke test comes to, asked of the version that was just published."""
    made = support.prepare(support.start())
    asking = made.to(Action.SMOKE_TEST, "provisioned")
    return support.prepare(asking)


@pytest.fixture
def asked(making: Making) -> Application:
    return making(smoke_test={"question": "How long?", "contains": ["30 days"], "within_ms": 9000})


def test_the_version_is_asked_before_any_user_is(asked: Application) -> None:
    asked.lambdas.answers = {"2": {"answer": "no"}, "3": {"answer": "within 30 days"}}

    done = smoke_tested(asked)

    assert (done.action, done.position) == (Action.SHIFT, 0)
    (sent,) = [one for operation, one in asked.lambdas.asked if operation == "Invoke"]
    assert (sent["Qualifier"], sent["question"]) == ("3", "How long?")


def test_a_wrong_answer_is_the_versions_fault(asked: Application) -> None:
    asked.lambdas.answers = {"3": {"answer": "soon"}}

    done = smoke_tested(asked)

    assert (done.action, done.blames) == (Action.ROLL_BACK, True)
    assert done.reason.startswith("SMOKE_TEST_FAILED: its answer does not hold '30 days': 'soon'")


# The way back to a version that was published before.


def test_a_rollback_takes_the_version_that_served_well(support: Application) -> None:
    support.lambdas.publishes(3, support.serves(2))
    support.lambdas.publishes(4, "s3://of/another#release")
    support.lambdas.deploys("b3RoZXI=", layer="arn:of:another:4")

    made = support.prepare(support.start(Kind.ROLL_BACK))

    assert (made.action, made.provision_config, made.release.variant) == (Action.UPDATE, "3", "3")
    assert support.lambdas.calls("PublishVersion") == 0


@pytest.mark.parametrize("gone", ["deleted", "of another release"])
def test_a_rollback_publishes_again_what_is_not_there_any_more(
    support: Application, gone: str
) -> None:
    support.lambdas.publishes(4, "s3://of/another#release")
    if gone == "of another release":
        support.lambdas.publishes(3, "s3://of/another#release")

    made = support.prepare(support.start(Kind.ROLL_BACK))

    assert made.release.variant == "5"
    assert told(support.lambdas, "5")["SLUICE_VERSION"] == support.serves(2)


@pytest.mark.parametrize("code", ["ThrottlingException", "ModelTimeoutException"])
def test_a_rollback_is_not_kept_waiting_by_a_model_that_is_busy(
    support: Application, code: str
) -> None:
    support.catalogue.refuses[MODEL_ID] = (code, "too many requests")

    made = support.prepare(support.start(Kind.ROLL_BACK))

    assert made.action is Action.UPDATE


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(lambda catalogue: catalogue.has_model(MODEL_ID, status="LEGACY"), id="legacy"),
        pytest.param(lambda catalogue: catalogue.models.clear(), id="unlisted"),
        pytest.param(
            lambda catalogue: setattr(catalogue, "down", {"GetFoundationModel"}), id="unavailable"
        ),
    ],
)
def test_a_rollback_asks_the_model_and_not_the_catalogue(
    support: Application, since: Callable[[Catalogue], None]
) -> None:
    """A successor is often what a model is left for: the way back must not close with its age."""
    since(support.catalogue)

    made = support.prepare(support.start(Kind.ROLL_BACK))

    assert made.action is Action.UPDATE
    assert [one["modelId"] for one in support.catalogue.probed] == [MODEL_ID]
