"""`sluice gates`, and what `sluice push` warns of: the policy asked before the push."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.target import Change
from tests.builders import WEIGHTS, a_config, a_release_name, a_state, deployed
from tests.integration import gated
from tests.integration.conftest import TABLE
from tests.integration.pushing import Bucket, push

if TYPE_CHECKING:
    from pathlib import Path

    from sluice.adapters.ledger.table import Table
    from tests.integration.inbox import Inbox

BY = "no_worse_than_live_by is 0.01"
POLICY = {
    "groups": {
        "churn": {
            "metrics": {
                "accuracy": {"at_least": 0.8, "no_worse_than_live_by": 0.01, "better": "higher"}
            }
        }
    }
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY))
    return path


def evaluated(folder: Path, **report: Any) -> Path:
    path = folder / "evaluation-results.json"
    path.write_text(json.dumps(report))
    return path


def test_gates_are_told_with_their_numbers(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["gates", "--group", "churn", "--policy", str(policy)]

    assert main([*asked, str(evaluated(tmp_path, accuracy=0.81))]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(", section churn")
    assert said[1:] == [
        "  Passed         accuracy is 0.81, at_least demands 0.8",
        f"  NotApplicable  accuracy is 0.81, {BY}: no release to compare with",
        "0 of 2 gates are missed",
    ]

    assert main([*asked, str(evaluated(tmp_path, f1=0.9)), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["missed"] == [
        "accuracy is absent, at_least demands 0.8",
        "accuracy is absent, no_worse_than_live_by is 0.01",
    ]


def test_a_group_that_the_policy_does_not_name_meets_it(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["gates", "--group", "fraud", "--policy", str(policy)]

    assert main([*asked, str(evaluated(tmp_path, accuracy=0.1))]) == 0
    assert capsys.readouterr().out.endswith("the policy demands nothing of fraud\n")


def test_the_policy_of_the_repository_is_the_one_that_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gates", "--group", "churn", str(evaluated(tmp_path, accuracy=0.1))]) == 0
    assert ", section default\n" in capsys.readouterr().out


def test_with_live_it_is_held_against_what_serves(
    tmp_path: Path,
    policy: Path,
    inbox: Inbox,
    table: Table,
    capsys: pytest.CaptureFixture[str],
) -> None:
    inbox.deliver(*gated.push(inbox, "churn-v3", accuracy=0.9))
    ours = Releases(table).get(a_release_name("churn-v3"))
    assert ours
    live = deployed(1, digest=ours.digest, release=ours.name)
    Targets(table).change("endpoint/churn", lambda _: Change(a_state(live=live, revision=0)))
    asked = ["gates", "--group", "churn", "--policy", str(policy), "--table", TABLE]
    report = str(evaluated(tmp_path, accuracy=0.88))

    assert main([*asked, "--live", "churn", report]) == 1
    said = capsys.readouterr().out
    assert ", section churn, beside churn-v3\n" in said
    assert "(higher is better): churn-v3, which serves, has 0.9\n" in said
    assert main([*asked, "--live", "endpoint/another", report]) == 0


@pytest.mark.parametrize(
    ("policy", "report", "said"),
    [
        ("{", b'{"accuracy": 1}', "policy.json: Expecting"),
        ("{}", b"{", "report.json: Expecting"),
        ("{}", b'{"note": "none"}', "it holds no number"),
    ],
)
def test_what_cannot_be_asked_is_no_answer(
    tmp_path: Path, policy: str, report: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.json").write_text(policy)
    (tmp_path / "report.json").write_bytes(report)
    asked = ["gates", "--group", "churn", "--policy", str(tmp_path / "policy.json")]

    assert main([*asked, str(tmp_path / "report.json")]) == 2
    assert said in capsys.readouterr().err
    assert main([*asked, str(tmp_path / "absent.json")]) == 2


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder whose evaluation is below the policy."""
    folder = tmp_path / "churn-v4"
    folder.mkdir()
    (folder / "model.tar.gz").write_bytes(WEIGHTS)
    (folder / "config.json").write_text(json.dumps(a_config()))
    (folder / "metadata.json").write_text(json.dumps({"training-dataset-version": "v3.2"}))
    evaluated(folder, accuracy=0.71)
    return folder


def test_a_push_warns_of_what_will_be_rejected_and_pushes(
    model: Path, policy: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(model, "--git-sha", "9f8d111", "--policy", str(policy)) == 0

    assert (
        "sluice: warning: below the evaluation policy, so it will be Rejected: "
        "accuracy is 0.71, at_least demands 0.8\n"
    ) in capsys.readouterr().err
    assert len(bucket.versions()) == 3


def test_a_push_of_labels_that_contradict_the_report_is_refused_before_anything_is_sent(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(model, "--git-sha", "9f8d111", "--metadata", "eval-accuracy=0.97") == 1

    assert "eval-accuracy of model.tar.gz says 0.97" in capsys.readouterr().err
    assert bucket.versions() == []
