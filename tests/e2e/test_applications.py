"""An application, from an approval to the answers of its alias, and back."""

from collections.abc import Iterator

import pytest

from tests.e2e.application import Application
from tests.e2e.folders import plan
from tests.e2e.stack import Stack

TEMPLATE = "{{context}}\nQuestion: {{question}}"
OTHERWISE = "Be brief.\n{{context}}\nQuestion: {{question}}"
QUICK = plan(
    strategy="all_at_once",
    bake_minutes={"min": 1, "max": 2, "last": 1},
    standby_minutes=1,
    on_inconclusive="promote",
)
SMOKE = {"question": "Who keeps the keys?", "contains": ["do not know"], "within_ms": 20000}


@pytest.fixture
def support(stack: Stack) -> Iterator[Application]:
    """The application that the stack serves by default."""
    application = Application(stack)
    yield application
    application.line.assert_sound()
    application.line.vanish()


def test_an_approved_config_answers_and_a_rejected_one_gives_its_place_back(
    support: Application,
) -> None:
    line = support.line
    support.push(1, TEMPLATE, smoke_test=SMOKE)
    line.approve(1)
    line.until_serving({1: 100})
    support.asked_until_settled(1)
    first = support.led_to()
    assert line.last_good() == [1], line.picture()
    said = support.ask("Who keeps the keys?", "Ada keeps the keys.")
    assert (said["answer"], said["version"]) == ("Ada keeps the keys. [1]", "support-v1")

    support.push(2, OTHERWISE, rollout=QUICK, smoke_test=SMOKE)
    line.approve(2)
    support.asked_until_settled(2)
    assert support.weights() == {2: 100}
    assert support.ask("Who?", "Ada keeps the keys.")["version"] == "support-v2"

    line.reject(2)
    line.until_event("RolledBack", 1)
    line.until_event("Settled", 1, after=line.history()[-1]["n"] - 1)

    assert support.led_to() == first, "the version that served before, not another one"
    assert {name.split("-v")[-1].split("-")[0] for name in line.alarms()} == {"1"}
    assert set(line.executions().values()) == {"SUCCEEDED"}
