"""A model and a config that move together: half-way and back, then both, then back again."""

from tests.e2e.application import SMALL_MODEL_ID, TEMPLATE, TOO_LONG, Application
from tests.e2e.folders import plan
from tests.e2e.line import Line

STANDS_BY = plan(standby_minutes=600)
"""The old model is there for as long as the test lasts."""


def test_a_joint_release_that_fails_half_way_goes_back_and_one_that_does_not_moves_both(
    churn: Line, support: Application
) -> None:
    users = churn.serve_first()
    support.serve_first(model_id=SMALL_MODEL_ID)
    churn.push(2, rollout=STANDS_BY)

    fails_half_way(churn, support)
    assert support.weights() == {1: 100}

    moves_both(churn, support)
    assert support.weights() == {3: 100}
    assert churn.weights() == {1: 0, 2: 100}, "the old model still stands by"

    goes_back(churn, support)
    assert support.weights() == {1: 100}
    assert users.errors == [], "whoever asked the model was answered all the time"


def fails_half_way(churn: Line, support: Application) -> None:
    """The model waits, then is promoted; its config's canary is bad, so both are back."""
    moves = {"model_id": SMALL_MODEL_ID, "moves_with": f"{churn.name}-v2"}
    support.push(2, TOO_LONG + TEMPLATE, **moves)
    churn.approve(2)
    waits = churn.until_event("Waits", 2)
    assert f"{support.name}-v2 to be approved" in waits["reason"]
    assert churn.weights() == {1: 100}

    support.line.approve(2)
    churn.until_event("Promoted", 2)
    support.line.until_event("Aborted", 2)
    back = churn.until_event("RolledBack", 2)
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert f"{support.name}-v2, which it moves with" in back["reason"]
    assert churn.package(2)["ModelApprovalStatus"] == "Approved", "nothing is wrong with it"
    assert "bad" not in churn.state()
    assert support.line.package(2)["ModelApprovalStatus"] == "Rejected"


def moves_both(churn: Line, support: Application) -> None:
    """The model is given to a corrected config, both are approved, and the config is promoted."""
    support.push(3, model_id=SMALL_MODEL_ID, moves_with=f"{churn.name}-v2")
    support.line.approve(3)
    churn.approve_again(2)
    support.line.until_event("Settled", 3)


def goes_back(churn: Line, support: Application) -> None:
    """The config is rejected while it serves: it goes back, and then its model."""
    count = churn.history()[-1]["n"]
    support.line.reject(3)
    rolled = support.line.until_event("RolledBack", 1)
    churn.until_event("RolledBack", 2, after=count)
    churn.until_serving({1: 100})
    support.line.until_event("Settled", 1, after=rolled["n"])
