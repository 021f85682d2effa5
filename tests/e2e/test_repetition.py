"""Everything is delivered at least once: what came before must not happen again."""

from collections import Counter
from typing import Any

from tests.e2e.deliveries import deliver, recorded, uploads_handled
from tests.e2e.folders import USUAL, inference
from tests.e2e.line import Line

_READS = ("Describe", "List", "Get", "Head", "Query", "BatchGet", "InvokeEndpoint")


def test_all_events_delivered_once_more_change_nothing(churn: Line) -> None:
    with recorded(churn) as recording:
        churn.serve_first()
        churn.push(2, inference(2, fails_on=(USUAL,)))
        churn.approve(2)
        churn.until_event("Settled", 2)
        churn.until_ended()
        churn.until_serving({1: 100})
        churn.leave()
        events = recording.events()
    told = Counter((event["source"], event["detail-type"]) for event in events)
    assert {source for source, _ in told} == {
        "aws.s3",
        "aws.sagemaker",
        "aws.cloudwatch",
        "aws.states",
    }
    assert told["aws.s3", "Object Created"] == 12, "each of six came twice in the first place"
    before, since, handled = everything(churn), churn.now(), uploads_handled(churn)

    for event in reversed(events):
        deliver(churn, event)
    churn.until(
        "every upload is handled again", lambda: uploads_handled(churn) == handled + 12 or None
    )

    assert everything(churn) == before
    changes = [call for call in churn.stack.calls(churn.name, since) if not is_read(call["action"])]
    assert changes == []


def everything(line: Line) -> dict[str, Any]:
    """All that a person, a program or the ledger knows of the line."""
    return {
        "endpoint": line.endpoint(),
        "packages": [
            {name: value for name, value in one.items() if name != "ResponseMetadata"}
            for one in line.packages()
        ],
        "state": line.state(),
        "history": line.history(),
        "executions": line.executions(),
        "alarms": set(line.alarms()),
    }


def is_read(action: str) -> bool:
    """Whether an action changes nothing."""
    return action.partition(":")[2].startswith(_READS)
