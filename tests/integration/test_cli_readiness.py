"""`sluice readiness`: could the target be taken back, and what stands in the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from tests.builders import TARGET, a_state
from tests.integration.serving import ASKED, Serving

if TYPE_CHECKING:
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

pytestmark = pytest.mark.usefixtures("trusting")


@pytest.fixture
def churn(world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> Serving:
    """Version 1 serves, version 2 was good before; both are as they were captured."""
    found = Serving(world, inbox, capsys)
    second = found.deployed(2, epoch=0)
    world.given(a_state(live=found.live, last_good=(found.live, second)))
    return found


def answer(capsys: pytest.CaptureFixture[str], *, code: int) -> Any:
    capsys.readouterr()
    assert main(["readiness", "churn", "--json", *ASKED]) == code
    said = json.loads(capsys.readouterr().out)
    assert said["ready"] is (code == 0)
    (target,) = said["targets"]
    return target


def test_each_release_is_told_in_the_order_it_would_be_gone_back_to(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    assert churn.live

    target = answer(capsys, code=0)

    assert (target["target"], target["restorable"]) == (TARGET, ["churn-v1", "churn-v2"])
    assert main(["readiness", "--all", *ASKED]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{TARGET}: can go back to churn-v1, churn-v2",
        "  churn-v1: restorable",
        "  churn-v2: restorable",
    ]


def test_what_is_missing_is_named_for_each_release(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    key = churn.key("model.tar.gz")
    churn.aws("s3").delete_object(Bucket="sluice-artifacts", Key=key)

    target = answer(capsys, code=1)

    assert target["restorable"] == ["churn-v2"]
    assert [one["restorable"] for one in target["releases"]] == [False, True]
    (finding,) = target["releases"][0]["findings"]
    assert finding["what"] == "model.tar.gz of churn-v1 in the vault"
    assert (finding["expected"], finding["severity"]) == (key, "gone")


def test_what_could_not_be_read_is_3_and_not_fine(
    churn: Serving, capsys: pytest.CaptureFixture[str], wire: Wire
) -> None:
    assert churn.live
    wire.refuse("GetRole", "AccessDenied", "not for you")

    target = answer(capsys, code=3)

    assert target["restorable"] == ["churn-v2"]
    assert target["releases"][0]["findings"][0]["severity"] == "unreadable"


def test_before_its_first_version_a_target_is_not_ready_and_nothing_is_amiss(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    churn.world.given(a_state(live=None, last_good=()))

    target = answer(capsys, code=4)

    assert (target["answer"], target["releases"], target["findings"]) == ("NothingYet", [], [])
    assert main(["readiness", "churn", *ASKED]) == 4
    told = f"{TARGET}: nothing to go back to yet: no release has served it\n"
    assert capsys.readouterr().out == told


def test_where_all_that_served_was_rejected_nothing_is_left(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    for served in churn.world.state.last_good:
        churn.aws("sagemaker").update_model_package(
            ModelPackageArn=served.package_arn, ModelApprovalStatus="Rejected"
        )

    target = answer(capsys, code=4)

    assert (target["answer"], target["restorable"]) == ("NothingLeft", [])
    assert main(["readiness", "churn", *ASKED]) == 4
    assert f"{TARGET}: nothing left to go back to" in capsys.readouterr().out


def test_what_is_lacking_elsewhere_goes_before_a_target_that_has_nothing(
    churn: Serving, capsys: pytest.CaptureFixture[str], wire: Wire
) -> None:
    new = a_state(live=None, last_good=()).model_copy(update={"target": "endpoint/fraud"})
    churn.world.given(new)
    both = ["readiness", "churn", "fraud", "--json", *ASKED]

    def answers(code: int) -> list[str]:
        capsys.readouterr()
        assert main(both) == code
        said = json.loads(capsys.readouterr().out)
        assert said["ready"] is False
        return [one["answer"] for one in said["targets"]]

    assert answers(code=4) == ["Restorable", "NothingYet"]
    wire.refuse("GetRole", "AccessDenied", "not for you")
    assert answers(code=3) == ["Unread", "NothingYet"]
    churn.aws("s3").delete_object(Bucket="sluice-artifacts", Key=churn.key("model.tar.gz"))
    assert answers(code=1) == ["NotReady", "NothingYet"]


def test_nothing_is_changed_by_asking(
    churn: Serving, capsys: pytest.CaptureFixture[str], wire: Wire
) -> None:
    assert churn.live
    wire.asked.clear()

    answer(capsys, code=0)

    reading = ("Describe", "Get", "Head", "List", "Query", "Verify")
    assert [one for one, _ in wire.asked if not one.startswith(reading)] == []
