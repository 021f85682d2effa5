"""Names say what they name, fit AWS's limits, and never name two things alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluice.domain import names
from sluice.domain.release import System

SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
EXECUTION_NAME = re.compile(r"[a-zA-Z0-9._-]{1,80}")
endpoints = st.lists(
    st.sampled_from(["churn", "v2", "e4", "both", "x"]), min_size=1, max_size=6
).map("-".join)
versions = st.integers(1, 99_999)
epochs = st.integers(1, 99_999)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        pytest.param(names.target_of("churn"), "endpoint/churn", id="target"),
        pytest.param(
            names.execution("endpoint/churn", generation=1, epoch=4), "churn-g1-e4", id="execution"
        ),
        pytest.param(
            names.target_of("support", System.BEDROCK), "application/support", id="application"
        ),
        pytest.param(
            names.execution("application/support", generation=1, epoch=4),
            "application.support-g1-e4",
            id="execution of an application",
        ),
        pytest.param(names.variant(3, epoch=4), "v3-e4", id="variant"),
        pytest.param(names.model("churn", 3, epoch=4), "churn-v3-e4", id="model"),
        pytest.param(names.alone("churn", 3, epoch=4), "churn-v3-e4", id="one variant alone"),
        pytest.param(
            names.beside("churn", stable=2, canary=3, epoch=4),
            "churn-v2-v3-e4-both",
            id="canary beside stable",
        ),
        pytest.param(
            names.alarm("endpoint/churn", "v3-e4", "errors"),
            "sluice-churn-v3-e4-errors",
            id="alarm",
        ),
    ],
)
def test_a_name_says_what_it_names(name: str, spelled: str) -> None:
    assert name == spelled


@given(endpoints, st.sampled_from(System), versions, versions, epochs)
@example("e" * names.MAX_ENDPOINT_NAME, System.SAGEMAKER, 99_999, 99_999, 99_999)
@example("a" * names.MAX_ENDPOINT_NAME, System.BEDROCK, 99_999, 99_999, 99_999)
def test_every_name_fits_aws(
    endpoint: str, system: System, stable: int, canary: int, epoch: int
) -> None:
    variant = names.variant(canary, epoch=epoch)
    sagemaker = [
        variant,
        names.model(endpoint, canary, epoch=epoch),
        names.alone(endpoint, canary, epoch=epoch),
        names.beside(endpoint, stable=stable, canary=canary, epoch=epoch),
    ]

    assert [name for name in sagemaker if not SAGEMAKER_NAME.fullmatch(name)] == []
    target = names.target_of(endpoint, system)
    execution = names.execution(target, generation=999, epoch=epoch)
    assert EXECUTION_NAME.fullmatch(execution), execution
    assert len(names.alarm(target, variant, "model-errors")) <= 255


def test_an_endpoint_called_like_a_version_shares_no_configuration_with_another() -> None:
    of_churn = names.beside("churn", stable=2, canary=3, epoch=4)
    of_churn_v2 = names.alone("churn-v2", 3, epoch=4)

    assert of_churn != of_churn_v2


@given(st.tuples(endpoints, versions, versions, epochs), st.tuples(endpoints, versions, epochs))
def test_no_two_configurations_are_called_alike(
    pair: tuple[str, int, int, int], single: tuple[str, int, int]
) -> None:
    endpoint, stable, canary, epoch = pair
    both = names.beside(endpoint, stable=stable, canary=canary, epoch=epoch)
    other, version, other_epoch = single

    assert both != names.alone(other, version, epoch=other_epoch)
    # What a configuration is called can be read back, so it names one thing only.
    read = re.fullmatch(r"(.+)-v(\d+)-v(\d+)-e(\d+)-both", both)
    assert read
    assert read.groups() == (endpoint, str(stable), str(canary), str(epoch))


@given(endpoints, endpoints)
@example("application", "application")
def test_an_endpoint_and_an_application_of_any_names_share_no_execution_and_no_alarm(
    endpoint: str, application: str
) -> None:
    first, second = names.target_of(endpoint), names.target_of(application, System.BEDROCK)

    assert names.execution(first, generation=1, epoch=2) != names.execution(
        second, generation=1, epoch=2
    )
    assert names.alarm(first, "v1-e2", "errors") != names.alarm(second, "v1-e2", "errors")


@given(endpoints, st.sampled_from(System))
def test_a_target_says_what_it_is_and_what_it_is_called(name: str, system: System) -> None:
    target = names.target_of(name, system)

    assert (names.name_of(target), names.system_of(target)) == (name, system)


@pytest.mark.parametrize("system", System)
@pytest.mark.parametrize("name", ["churn", "churn-v2", "a-v1-e1", "sluice-x", "application"])
@pytest.mark.parametrize("subject", ["errors", "model-errors", "latency"])
def test_an_alarms_name_says_what_it_watches(name: str, system: System, subject: str) -> None:
    target = names.target_of(name, system)
    alarm = names.alarm(target, names.variant(3, epoch=14), subject)

    assert names.watched_variant(alarm) == (target, "v3-e14")


@pytest.mark.parametrize("name", ["sluice-churn-errors", "churn-v3-e4-errors", "sluice--v3-e4"])
def test_the_name_of_another_alarm_says_nothing(name: str) -> None:
    assert names.watched_variant(name) is None
