"""`verify_targets`: what a schedule's look finds is told once, to machines and to people."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.values import iso
from tests.builders import AT, BUCKET, TARGET, a_state, an_event
from tests.integration.rollouts import ROLE, Wire
from tests.integration.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

HOUR = timedelta(hours=1)
IMAGE = "image of churn-v1 in its repository"


@pytest.fixture
def churn(world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> Serving:
    """Version 1 serves its endpoint, as it was captured and approved."""
    found = Serving(world, inbox, capsys)
    world.announced()
    return found


def look(churn: Serving, hours: float = 0) -> list[str]:
    """The events that a look at the target sends, so many hours after the first."""
    body = json.dumps({"target": TARGET, "at": iso(AT + hours * HOUR)})
    batch = {"Records": [{"messageId": "m-1", "body": body, "eventSource": "aws:sqs"}]}
    told: list[str] = churn.world.call("verify_targets", batch)["told"]
    return told


def delete_image(churn: Serving) -> None:
    churn.aws("ecr").batch_delete_image(repositoryName="churn", imageIds=[{"imageTag": "1.4"}])


def test_the_schedule_asks_for_each_target_in_a_message_of_its_own(churn: Serving) -> None:
    churn.world.given(a_state(target="endpoint/fraud", live=churn.live))

    assert churn.world.call("verify_targets", an_event("events_scheduled")) == {"told": []}

    sqs, url = churn.aws("sqs"), os.environ["VERIFICATIONS_QUEUE_URL"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {json.loads(one["Body"])["target"] for one in found} == {TARGET, "endpoint/fraud"}


def test_what_serves_as_it_was_approved_and_can_be_restored_is_nothing_to_tell(
    churn: Serving, told: Callable[[], list[str]], wire: Wire
) -> None:
    wire.asked.clear()

    assert look(churn) == []

    assert told() == []
    assert churn.world.announced() == []
    changing = ("Create", "Put", "Update", "Delete", "Send", "Publish")
    assert [one for one, _ in wire.asked if one.startswith(changing)] == []


def test_a_model_that_somebody_made_anew_is_told_with_both_values(
    churn: Serving, told: Callable[[], list[str]]
) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})

    assert look(churn) == ["DriftDetected"]

    ((event, detail),) = churn.world.announced()
    (finding,) = detail["findings"]
    assert (event, detail["target"], detail["live"]) == ("DriftDetected", TARGET, "churn-v1")
    assert finding == {
        "what": "environment of the model churn-v1-e1",
        "expected": '{"LEVEL": "1"}',
        "found": '{"LEVEL": "9"}',
        "severity": "drift",
    }
    (mail,) = told()
    assert 'environment of the model churn-v1-e1: expected {"LEVEL": "1"}, found' in mail


def test_drift_is_told_once_again_when_it_changes_after_a_day_and_when_it_ends(
    churn: Serving,
) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})
    assert look(churn) == ["DriftDetected"]
    assert look(churn) == [], "the same message again"
    assert look(churn, 4) == []

    churn.runs(churn.live, Environment={"LEVEL": "8"})
    assert look(churn, 8) == ["DriftDetected"]
    assert look(churn, 31) == []
    assert look(churn, 32) == ["DriftDetected"]

    churn.runs(churn.live)
    assert look(churn, 30) == [], "a message that is late"
    assert look(churn, 36) == ["DriftEnded"]
    assert look(churn, 80) == []


def test_what_could_not_be_told_is_told_by_the_next_look(churn: Serving, wire: Wire) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})
    wire.refuse("PutEvents", "AccessDeniedException", "not now")

    with pytest.raises(Exception, match="not now"):
        look(churn)

    assert look(churn) == ["DriftDetected"]
    assert look(churn) == []


def test_what_could_not_be_read_is_no_drift_and_is_counted(
    churn: Serving, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.refuse("DescribeModel", "AccessDeniedException", "not for you")

    assert look(churn) == []

    assert churn.world.announced() == []
    (line,) = [one for one in capsys.readouterr().out.splitlines() if '"_aws"' in one]
    counted: Any = json.loads(line)
    assert (counted["VerificationsUnread"], counted["DriftFound"]) == ([1.0], [0.0])


def test_drift_that_cannot_be_read_now_is_not_over(churn: Serving, wire: Wire) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})
    assert look(churn) == ["DriftDetected"]
    wire.refuse("DescribeModel", "AccessDeniedException", "not for you")

    assert look(churn, 4) == []
    assert look(churn, 8) == []


def test_drift_that_ended_is_told_though_something_else_can_never_be_read(
    churn: Serving, wire: Wire
) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})

    def refused(hours: float) -> list[str]:
        for _ in range(2):  # of what serves, and of where it could go back to
            wire.refuse("DescribeImages", "AccessDeniedException", "of another account")
        return look(churn, hours)

    assert refused(0) == ["DriftDetected"]
    churn.runs(churn.live)
    assert refused(4) == ["DriftEnded"]
    assert refused(8) == []


def test_drift_that_stays_is_told_every_day_though_some_of_it_cannot_be_read_any_more(
    churn: Serving, wire: Wire
) -> None:
    churn.runs(churn.live, Environment={"LEVEL": "9"})
    churn.edits("RELEASE#churn", "V#000002", "capture", {"S": "Unheard"})
    assert look(churn) == ["DriftDetected"]

    def refused(hours: float) -> list[str]:
        wire.refuse("DescribeModel", "AccessDeniedException", "not for you")
        return look(churn, hours)

    assert refused(4) == []
    assert refused(24) == ["DriftDetected"]
    churn.edits("RELEASE#churn", "V#000002", "capture", {"S": "Registered"})
    assert refused(28) == [], "nobody knows what the model is made of"
    churn.runs(churn.live)
    assert look(churn, 32) == ["DriftEnded"]


def test_what_it_was_captured_as_is_one_finding_when_it_was_edited(churn: Serving) -> None:
    churn.edits("RELEASE#churn", "CAPTURE#000001", "copies", {"S": "nonsense"})

    assert look(churn) == ["DriftDetected", "RollbackNotReady"]

    ((_, detail), _) = churn.world.announced()
    assert [one["what"] for one in detail["findings"]] == ["manifest of churn-v1 in the ledger"]


def test_a_target_that_is_moved_while_it_is_looked_at_is_looked_at_again(
    churn: Serving, monkeypatch: pytest.MonkeyPatch, function: Callable[[str], Any]
) -> None:
    """A read before and a read after somebody's change do not belong together."""
    overseeing = function("verify_targets").overseeing
    reads = list[int]()

    def moved(target: str) -> Any:
        state = churn.world.targets.read(target)
        assert state
        reads.append(state.revision)
        churn.world.given(state)
        return state

    monkeypatch.setattr(overseeing.targets, "read", moved)
    churn.runs(churn.live, Environment={"LEVEL": "9"})

    assert look(churn) == []
    assert len(reads) == 6


def test_a_rollback_that_could_not_be_deployed_is_told_by_what_is_missing(
    churn: Serving, told: Callable[[], list[str]]
) -> None:
    delete_image(churn)

    assert look(churn) == ["DriftDetected", "RollbackNotReady"]

    ((_, _), (_, detail)) = churn.world.announced()
    assert detail["restorable"] == []
    ((release, (finding,)),) = [(one["release"], one["findings"]) for one in detail["releases"]]
    assert (release, finding["what"], finding["severity"]) == ("churn-v1", IMAGE, "gone")
    assert any("It could go back to nothing" in mail and IMAGE in mail for mail in told())


def test_a_disabled_key_is_named_as_such_and_nothing_else_is(churn: Serving, wire: Wire) -> None:
    said = "arn:aws:kms:us-east-1:123456789012:key/k is disabled."
    for _ in range(3):  # the key is asked for; manifests are read for what serves and what could
        wire.refuse("GetObject", "KMS.DisabledException", said)

    assert look(churn) == ["RollbackNotReady"]

    ((_, detail),) = churn.world.announced()
    ((_, (finding,)),) = [(one["release"], one["findings"]) for one in detail["releases"]]
    assert finding["what"] == "encryption key of churn-v1 in the vault"
    assert finding["found"] == f"KMS.DisabledException: {said}"


def test_a_role_that_was_deleted_is_named(churn: Serving) -> None:
    churn.aws("iam").delete_role(RoleName=ROLE.rpartition("/")[2])

    assert look(churn) == ["RollbackNotReady"]

    ((_, detail),) = churn.world.announced()
    ((_, (finding,)),) = [(one["release"], one["findings"]) for one in detail["releases"]]
    assert (finding["what"], finding["expected"]) == ("role of churn-v1", ROLE)


def test_a_release_that_a_person_rejected_is_no_way_back_that_is_missed(churn: Serving) -> None:
    second = churn.deployed(2, epoch=0)
    churn.world.given(a_state(live=churn.live, last_good=(churn.live, second)))
    key = second.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    churn.aws("s3").put_object(Bucket=BUCKET, Key=f"{key}/model.tar.gz", Body=b"other")
    assert look(churn) == ["RollbackNotReady"]
    ((_, detail),) = churn.world.announced()
    assert (detail["restorable"], detail["releases"][0]["release"]) == (["churn-v1"], "churn-v2")

    churn.world.decide(second.package_arn, "Rejected")

    assert look(churn, 4) == ["RollbackReady"]


def test_a_record_that_somebody_edited_is_drift_and_no_way_back_until_it_is_put_right(
    churn: Serving,
) -> None:
    churn.edits("RELEASE#churn", "V#000001", "capture", {"S": "Unheard"})

    assert look(churn) == ["DriftDetected", "RollbackNotReady"]
    assert look(churn, 4) == []

    ((_, detail), _) = churn.world.announced()
    (finding,) = detail["findings"]
    assert (finding["what"], finding["severity"]) == ("record of churn-v1 in the ledger", "drift")
    said = "RELEASE#churn / V#000001 in the ledger cannot be read: capture: Input should be 'Cl"
    assert finding["found"].startswith(said)
    churn.edits("RELEASE#churn", "V#000001", "capture", {"S": "Registered"})
    assert look(churn, 8) == ["DriftEnded", "RollbackReady"]


def test_an_edited_record_of_a_release_that_stands_nowhere_is_named_too(churn: Serving) -> None:
    """Nobody could deploy it: whoever approves it would wait in vain."""
    churn.edits("RELEASE#churn", "V#000002", "capture", {"S": "Unheard"})

    assert look(churn) == ["DriftDetected"]

    ((_, detail),) = churn.world.announced()
    assert [one["what"] for one in detail["findings"]] == ["record of churn-v2 in the ledger"]


def test_a_capture_that_is_gone_from_the_ledger_is_told_before_a_rollback_needs_it(
    churn: Serving,
) -> None:
    table = churn.world.table
    table.write(table.delete("RELEASE#churn", "CAPTURE#000001"))

    assert look(churn) == ["DriftDetected", "RollbackNotReady"]

    (_, (_, detail)) = churn.world.announced()
    (release,) = detail["releases"]
    assert {one["what"] for one in release["findings"]} == {
        "manifest of churn-v1 in the ledger",
        *(f"copy of {name} of churn-v1 in the ledger" for name in (MODEL, CONFIG, EVALUATION)),
    }
