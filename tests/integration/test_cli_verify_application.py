"""`sluice verify`: what answers for an application is held against what was approved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.domain.approval import new_target
from sluice.domain.rollout import Phase
from tests.builders import AT, BUCKET, a_rollout
from tests.integration.catalogue import MODEL_ID
from tests.integration.conftest import TABLE
from tests.integration.published import APPLICATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.published import Application
    from tests.integration.rollouts import Wire

pytestmark = pytest.mark.usefixtures("trusting")

type Finds = Callable[..., list[tuple[str, str]]]
VERSION = "version 2 of sluice-serve"


@pytest.fixture
def served(support: Application) -> Application:
    """Version 1 of `support` is live, as the ledger says."""
    state = new_target(APPLICATION).model_copy(update={"owner": "support", "live": support.stable})
    support.world.given(state)
    return support


@pytest.fixture
def found(served: Application, capsys: pytest.CaptureFixture[str]) -> Finds:
    """Severity and name of each finding."""

    def ask(*, code: int) -> list[tuple[str, str]]:
        capsys.readouterr()
        assert main(["verify", APPLICATION, "--json", "--table", TABLE]) == code
        (target,) = json.loads(capsys.readouterr().out)["targets"]
        return [(one["severity"], one["what"]) for one in target["findings"]]

    return ask


def test_an_application_as_it_was_approved_is_said_to(
    served: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["verify", "--all", "--table", TABLE]) == 0

    said = capsys.readouterr().out
    assert said == f"{APPLICATION}: as approved; by the ledger support-v1 serves\n"


def test_an_alias_led_elsewhere_by_hand_is_found(served: Application, found: Finds) -> None:
    served.lambdas.publishes(3, served.serves(2))
    served.lambdas.leads_to(3)
    assert found(code=1) == [("drift", f"traffic of alias live of {APPLICATION}")]

    served.lambdas.leads_to(2, v3=0.1)
    assert found(code=1) == [("drift", f"traffic of alias live of {APPLICATION}")]


def test_an_alias_that_leads_to_no_release_is_gone(served: Application, found: Finds) -> None:
    served.lambdas.leads_to(1)

    assert found(code=1) == [("gone", f"alias live of {APPLICATION}")]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"CodeSha256": "b3RoZXI="}, "code"),
        ({"Layers": []}, "layers"),
        ({"Environment": {"Variables": {"SLUICE_VERSION": "s3://b/k#0"}}}, "SLUICE_VERSION"),
    ],
)
def test_a_version_that_is_another_is_found(
    served: Application, found: Finds, changes: dict[str, Any], what: str
) -> None:
    served.lambdas.versions["2"].update(changes)

    assert found(code=1) == [("drift", f"{what} of {VERSION}")]


def test_variables_that_nobody_may_read_are_not_taken_for_right(
    served: Application, found: Finds
) -> None:
    served.lambdas.versions["2"]["Environment"] = {"Error": {"ErrorCode": "AccessDenied"}}

    assert found(code=3) == [("unreadable", f"SLUICE_VERSION of {VERSION}")]


def test_a_prompt_that_changed_in_the_vault_is_found(served: Application, found: Finds) -> None:
    folder = served.stable.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    name = "prompts/rag-prompt-template.txt"
    served.world.aws("s3").put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=b"other")

    assert found(code=1) == [("drift", f"{name} of support-v1 in the vault")]


def test_a_model_that_the_catalogue_lost_or_ended_is_gone(
    served: Application, found: Finds
) -> None:
    served.catalogue.has_model(MODEL_ID, endOfLifeTime=AT)
    assert found(code=1) == [("gone", f"model {MODEL_ID} of support-v1")]

    del served.catalogue.models[MODEL_ID]
    assert found(code=1) == [("gone", f"model {MODEL_ID} of support-v1")]


def test_a_legacy_model_that_answers_is_no_drift(served: Application, found: Finds) -> None:
    served.catalogue.has_model(MODEL_ID, status="LEGACY")

    assert found(code=0) == []


def test_a_catalogue_that_cannot_be_asked_is_not_fine(served: Application, found: Finds) -> None:
    served.catalogue.down.add("GetFoundationModel")

    assert found(code=3) == [("unreadable", f"model {MODEL_ID} of support-v1")]


def test_a_package_that_was_deleted_or_given_a_container_is_found(
    served: Application, found: Finds, wire: Wire
) -> None:
    sagemaker, arn = served.world.aws("sagemaker"), served.stable.package_arn
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    container = {"Containers": [{"Image": "i"}], "SupportedContentTypes": []}
    wire.once("DescribeModelPackage", **{**described, "InferenceSpecification": container})
    assert found(code=1) == [("drift", "containers of the package of support-v1")]

    wire.deletes_package(arn)
    assert found(code=1) == [("gone", "package of support-v1")]


def test_a_rollout_in_flight_is_no_drift(served: Application, found: Finds) -> None:
    served.lambdas.publishes(3, served.serves(2))
    served.lambdas.leads_to(2, v3=0.1)
    release = served.deployed(2, epoch=2, number="3")
    rollout = a_rollout(
        target=APPLICATION,
        release=release,
        stable=served.stable,
        position=0,
        provision_config="2+3",
    )
    held = {"holder": rollout.id, "rollout": rollout, "phase": Phase.HELD, "token": "parked"}
    state = new_target(APPLICATION).model_copy(
        update={"owner": "support", "live": served.stable, **held}
    )
    served.world.given(state)
    assert found(code=0) == []

    served.lambdas.leads_to(2, v3=0.5)
    assert found(code=1) == [("drift", f"traffic of alias live of {APPLICATION}")]
    served.lambdas.leads_to(2, v3=0.1)
    served.lambdas.versions["3"]["CodeSha256"] = "b3RoZXI="
    assert found(code=1) == [("drift", "code of version 3 of sluice-serve")]


def test_nothing_but_reads_is_asked_of_lambda(served: Application, found: Finds) -> None:
    served.lambdas.asked.clear()

    assert found(code=0) == []

    assert {one for one, _ in served.lambdas.asked} == {"GetAlias", "GetFunctionConfiguration"}
    assert served.catalogue.probed == []
