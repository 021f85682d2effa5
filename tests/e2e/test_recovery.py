"""A cloud that is killed in the middle of a rollout: whoever starts it again has nothing to do."""

import pytest

from localcloud.launcher import LocalCloud
from tests.e2e.folders import plan
from tests.e2e.line import Line
from tests.e2e.stack import SPEED, deployed


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    """A local cloud of this test alone, which it may kill: its state is kept."""
    return LocalCloud(tmp_path_factory.mktemp("killed"), speed=SPEED, keep=True)


def test_a_rollout_whose_cloud_was_killed_while_it_baked_ends_without_a_human(
    cloud: LocalCloud,
) -> None:
    with cloud:
        line = Line(deployed(cloud), "churn-survivor")
        line.serve_first()
        line.push(2, rollout=plan(bake_minutes={"min": 3, "max": 10, "last": 3}))
        line.approve(2)
        line.until_phase("Baking")
        holder = line.state()["holder"]
        line.leave()
        history = line.history()

        cloud.kill()
        cloud.start()

        assert line.history()[: len(history)] == history, "nothing that was written is lost"
        line.until_event("HolderReplaced", 2, minutes=60)
        line.until_event("Aborted", 2, minutes=60)
        line.until_event("Settled", 2, minutes=60)
        line.until_serving({1: 100})
        assert line.state()["phase"] == "Idle"
        assert line.state().get("holder") is None
        assert "bad" not in line.state(), "nobody is to blame"
        assert line.last_good() == [1]
        executions = line.until_ended()
        assert executions[holder.rpartition(":")[2]] == "ABORTED", executions
        assert "SUCCEEDED" in executions.values(), "another execution finished its work"
        line.assert_sound()
