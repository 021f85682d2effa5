"""`sluice history` tells what served from release, manifest and approval, as they were kept."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from cli.__main__ import main
from cli.facts import Facts
from cli.stack import Connection
from sluice.adapters.ledger.releases import Releases
from sluice.domain.history import Entry
from tests.builders import AT, BUCKET, COMMIT, TARGET, a_release_name, deployed, seen
from tests.integration.captured import Captured
from tests.integration.catalogue import MODEL_ID
from tests.integration.configs import push_config
from tests.integration.conftest import TABLE
from tests.integration.observed import record
from tests.pasts import live_through

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from sluice.adapters.ledger.table import Table
    from sluice.domain.rollout import Deployed
    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

ASKED = ["history", "churn", "--table", TABLE]


def told(capsys: pytest.CaptureFixture[str], *asked: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*ASKED, *asked]) == code
    return capsys.readouterr().out


def answered(capsys: pytest.CaptureFixture[str], *asked: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told(capsys, *asked, "--json", code=code))
    return answer


def captured(table: Table, text: str, **where: Any) -> Deployed:
    """A release that was captured, as it serves."""
    release = Releases(table).get(a_release_name(text))
    assert release
    known = {"digest": release.digest, "manifest_uri": release.manifest_uri}
    named = {"release": release.name, "package_arn": release.package_arn}
    return deployed(release.package_version, **known, **named, **where)


def approve(table: Table, text: str, *, modified: float, actor: str) -> None:
    """The ledger observed an approval of the release."""
    release = Releases(table).get(a_release_name(text))
    assert release
    record(table, release, seen(modified=modified, actor=actor))


def test_what_served_is_told_with_all_it_was_made_from(
    world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    Captured(world, inbox)
    one, two = captured(world.table, "churn-v1"), captured(world.table, "churn-v2")
    approve(world.table, "churn-v1", modified=-10, actor="alice")
    approve(world.table, "churn-v2", modified=200, actor="bob")
    live_through(world.targets, stable=one, canary=two)

    answer = answered(capsys, "--at", "2026-05-03T14:07:30Z")

    approved, began = answer.pop("approved"), answer.pop("began_with")
    assert answer.pop("made_of")["commit"] == "9f8d111c0ffee"
    assert {one["by"] for one in answer.pop("pushed")} == {None}
    assert answer == {
        "target": TARGET,
        "sound": True,
        "at": "2026-05-03T14:07:30.000Z",
        "serves": "churn-v2",
        "since": "2026-05-03T14:07:00.000Z",
        "until": "2026-05-03T14:08:00.000Z",
        "digest": two.digest,
        "package_arn": two.package_arn,
        "manifest_uri": two.manifest_uri,
        "variant": two.variant,
        "commit": "9f8d111c0ffee",
        "training_dataset_version": "v3.2",
        "halted": None,
        "rollout": answer["rollout"],
        "weights": answer["weights"],
    }
    assert (answer["rollout"]["n"], answer["weights"]["reason"]) == (6, "v3-e3 90 %, v4-e5 10 %")
    assert approved == {
        "by": "bob",
        "at": "2026-05-03T14:03:20.000Z",
        "seen_at": "2026-05-03T14:04:00.000Z",
        "entry": 5,
        "approver": {"by": "bob", "source": "said by SageMaker's last modifier"},
    }
    assert (began["n"], began["event"], began["reason"]) == (8, "Promoted", "every step passed")
    said = told(capsys, "--at", "2026-05-03T16:07:30+02:00")
    assert "churn-v2 served, since 2026-05-03T14:07:00.000Z, until 2026-05-03T14:08" in said
    assert "commit 9f8d111c0ffee, training data v3.2" in said
    assert "approved by bob (said by SageMaker's last modifier) at 2026-05-03T14:03:20.000Z" in said


def test_a_manifest_that_the_ledger_lost_is_read_from_the_vault(
    world: World, inbox: Inbox, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Captured(world, inbox)
    one = captured(world.table, "churn-v1")
    live_through(world.targets, stable=one)
    world.table.write(world.table.delete("RELEASE#churn", "CAPTURE#000001"))

    assert answered(capsys, "--at", "2026-05-03T14:03Z")["commit"] == "9f8d111c0ffee"

    key = one.manifest_uri.removeprefix(f"s3://{BUCKET}/")
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    answer = answered(capsys, "--at", "2026-05-03T14:03Z")
    assert answer["commit"] is None
    assert "has not the digest" in answer["unknown"]


def test_an_application_is_told_by_its_model(
    world: World, inbox: Inbox, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inbox.deliver(*push_config(inbox)) == []
    serves = captured(world.table, "assistant-v1")
    live_through(world.targets, "application/assistant", stable=serves)
    asked = ["history", "application/assistant", "--table", TABLE, "--at", "2026-05-03T14:02Z"]
    capsys.readouterr()

    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert main(asked) == 0

    assert (answer["serves"], answer["commit"]) == ("assistant-v1", COMMIT)
    assert (answer["model"]["id"], answer["knowledge"]) == (MODEL_ID, None)
    assert f"commit {COMMIT}, model {MODEL_ID} of its provider" in capsys.readouterr().out


def test_who_approved_is_told_apart_from_what_of_the_policy_was_missed(table: Table) -> None:
    entry = Entry(
        n=4,
        at=AT,
        event="Approved",
        reason="approved by bob, against the evaluation policy: f1 is 0.7, at_least demands 0.8",
        release=a_release_name("churn-v4"),
        epoch=1,
        execution="",
        previous="",
    )

    found = Facts(Connection(Namespace(stack="", table=TABLE, region=None))).approved(entry)

    assert found
    assert (found["by"], found["against"]) == ("bob", "f1 is 0.7, at_least demands 0.8")
