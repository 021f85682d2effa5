"""How traffic is taken away from a release, however its endpoint stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.retreat import Delete, Reissue, Retreat, SetWeights, Stay, confirm, retreat
from sluice.domain.rollout import Kind, Rollout
from tests.builders import CANARY, STABLE, a_guarded, a_rollout, an_endpoint

if TYPE_CHECKING:
    from sluice.domain.watching import EndpointView

TO_STABLE = SetWeights({"v3-e3": 100, "v4-e5": 0})
FIRST = a_rollout(Kind.ALL_AT_ONCE)
OURS = CANARY.endpoint_config


@pytest.mark.parametrize(
    ("rollout", "endpoint", "way"),
    [
        pytest.param(a_rollout(), an_endpoint(v3_e3=90, v4_e5=10), TO_STABLE, id="canary at 10 %"),
        pytest.param(
            a_rollout(promoted=True), an_endpoint(v3_e3=0, v4_e5=100), TO_STABLE, id="promoted"
        ),
        pytest.param(
            a_rollout(),
            an_endpoint("UpdateRollbackFailed", v3_e3=50, v4_e5=50),
            Reissue(STABLE.endpoint_config),
            id="a mixed fleet: weights would prove nothing",
        ),
        pytest.param(
            a_rollout(),
            an_endpoint(v3_e3=100, v4_e5=0),
            Stay("v3-e3 has all traffic already"),
            id="gone back before",
        ),
        pytest.param(
            a_rollout(),
            an_endpoint(v3_e3=1),
            Stay("v3-e3 has all traffic already"),
            id="never provisioned",
        ),
        pytest.param(
            a_rollout(),
            an_endpoint(v2_e2=50, v3_e3=50),
            SetWeights({"v2-e2": 0, "v3-e3": 100}),
            id="never provisioned, and the failed update brought old weights back",
        ),
        pytest.param(
            a_rollout(),
            an_endpoint(v9_e9=1),
            Stay("v3-e3 is not on the endpoint", lost=True),
            id="stable was taken off by hand",
        ),
        pytest.param(
            a_rollout(promoted=True),
            an_endpoint(v4_e5=100),
            Stay("v3-e3 stands by no more", landed=True),
            id="promoted, and what stood by has been dropped",
        ),
        pytest.param(
            a_rollout(promoted=True),
            an_endpoint(v9_e9=100),
            Stay("v3-e3 is not on the endpoint", lost=True),
            id="promoted, and something else put there by hand",
        ),
        pytest.param(
            a_rollout(), None, Stay("there is no endpoint", lost=True), id="deleted by hand"
        ),
        pytest.param(
            a_rollout(),
            an_endpoint("Failed", v3_e3=1),
            Stay("the endpoint is Failed", lost=True),
            id="Failed: nothing but a delete is possible",
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK),
            an_endpoint(v2_e2=50, v3_e3=50),
            SetWeights({"v2-e2": 0, "v3-e3": 100}),
            id="a rollback that did not come up leaves what it should replace its traffic",
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK),
            an_endpoint(config=OURS, v4_e5=1),
            Stay("churn-v4 has taken over already", landed=True),
            id="a rollback that has taken over: what it replaced is gone",
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK, promoted=True),
            an_endpoint(v4_e5=100),
            Stay("no stable to return to"),
            id="a rollback keeps serving",
        ),
        pytest.param(
            a_guarded(),
            an_endpoint(config=OURS, serverless=1),
            Reissue("churn-v3-e3"),
            id="a serverless endpoint is updated back",
        ),
        pytest.param(
            a_guarded(promoted=True),
            an_endpoint(config=OURS, serverless=1),
            Reissue("churn-v3-e3"),
            id="after its promotion too",
        ),
        pytest.param(
            a_guarded(),
            an_endpoint(config="churn-v3-e3", serverless=1),
            Stay("churn-v3 serves already"),
            id="back already",
        ),
        pytest.param(
            a_guarded(),
            an_endpoint("Updating", config="churn-v3-e3", serverless=1),
            Reissue("churn-v3-e3"),
            id="an update on its way may yet bring it up",
        ),
        pytest.param(
            FIRST.model_copy(update={"promoted": True}),
            an_endpoint(config=OURS, v4_e5=1),
            Stay("no stable to return to"),
            id="a first deployment that was promoted keeps serving",
        ),
        pytest.param(FIRST, an_endpoint("Failed", config=OURS), Delete(), id="it never came up"),
        pytest.param(
            FIRST,
            an_endpoint("InService", config=OURS, v4_e5=1),
            Delete(),
            id="it came up, but was rejected or not ready in time: nobody may be served by it",
        ),
        pytest.param(
            FIRST,
            an_endpoint("Creating", config=OURS, v4_e5=1),
            Delete(),
            id="still on its way: left alone it would serve for ever",
        ),
        pytest.param(
            FIRST,
            an_endpoint("Failed", config="somebody-elses", v1=1),
            Stay("the endpoint is not this rollout's"),
            id="an endpoint that is not ours is never deleted",
        ),
    ],
)
def test_the_way_back(rollout: Rollout, endpoint: EndpointView | None, way: Retreat) -> None:
    assert retreat(rollout, endpoint) == way


def test_going_back_twice_changes_weights_once() -> None:
    way = retreat(a_rollout(), an_endpoint(v3_e3=90, v4_e5=10))
    assert isinstance(way, SetWeights)

    weights = {name.replace("-", "_"): float(weight) for name, weight in way.weights.items()}

    assert isinstance(retreat(a_rollout(), an_endpoint(**weights)), Stay)
    assert way.weights[STABLE.variant] == 100


@pytest.mark.parametrize(
    ("endpoint", "weights"),
    [
        pytest.param(an_endpoint(v4_e5=1), None, id="it stands alone"),
        pytest.param(an_endpoint(v3_e3=0, v4_e5=1), None, id="the other has nothing"),
        pytest.param(
            an_endpoint(v3_e3=100, v4_e5=0),
            SetWeights({"v3-e3": 0, "v4-e5": 100}),
            id="the failed update brought the first weights back",
        ),
        pytest.param(an_endpoint("Updating", v3_e3=100, v4_e5=0), None, id="not settled yet"),
        pytest.param(an_endpoint("UpdateRollbackFailed", v4_e5=1), None, id="no weights help"),
        pytest.param(None, None, id="no endpoint"),
    ],
)
def test_the_weights_are_asserted_again_after_an_update(
    endpoint: EndpointView | None, weights: SetWeights | None
) -> None:
    assert confirm(CANARY, endpoint) == weights


@pytest.mark.parametrize("kind", [Kind.CANARY, Kind.ROLL_BACK])
@pytest.mark.parametrize(
    ("endpoint", "way"),
    [
        pytest.param(
            an_endpoint(v3_e3=90, by_hand=10),
            Stay("nothing of this rollout was put there"),
            id="somebody put a variant there",
        ),
        pytest.param(
            an_endpoint("UpdateRollbackFailed", v3_e3=1),
            Reissue(STABLE.endpoint_config),
            id="a mix of fleets, whoever made it",
        ),
        pytest.param(
            an_endpoint(v9_e9=1),
            Stay("v3-e3 is not on the endpoint", lost=True),
            id="stable was taken off by hand",
        ),
    ],
)
def test_a_rollout_that_was_refused_takes_nothing_away(
    kind: Kind, endpoint: EndpointView, way: Retreat
) -> None:
    assert retreat(a_rollout(kind, provision_config=""), endpoint) == way
