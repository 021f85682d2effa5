"""A version below the evaluation policy: registered whole, as Rejected, with the numbers."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.evaluation_policy import POLICY, PolicyError, parse_policy
from sluice.domain.inbox import EVALUATION, MODEL
from sluice.domain.target import Change
from tests.builders import METADATA, a_release_name, a_state, deployed
from tests.integration.gated import APP, GATES, deployed_with, evaluation, push
from tests.integration.reconciling import reconcile, tick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import Release
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

PERSON = "arn:aws:iam::123456789012:user/alice"


def release(table: Table, text: str = "churn-v4") -> Release:
    found = Releases(table).get(a_release_name(text))
    assert found
    return found


def manifest_of(inbox: Inbox, version: int = 4) -> dict[str, Any]:
    (text,) = [
        data
        for key, data in inbox.vault().items()
        if f"/v{version}-" in key and key.endswith("/manifest.json")
    ]
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def gates_of(inbox: Inbox, version: int = 4) -> dict[str, Any]:
    gates: dict[str, Any] = manifest_of(inbox, version)["gates"]
    return gates


def let_serve(table: Table, text: str, **changes: Any) -> None:
    """A release that was registered serves `endpoint/churn`."""
    ours = release(table, text)
    live = deployed(ours.package_version, digest=ours.digest, release=ours.name, **changes)
    Targets(table).change("endpoint/churn", lambda _: Change(a_state(live=live, revision=0)))


def test_what_reaches_every_gate_waits_for_approval_as_ever(
    gated: Inbox, told: Callable[[], list[str]]
) -> None:
    assert gated.deliver(*push(gated)) == []

    (package,) = gated.every_package()
    gates = gates_of(gated)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert gates["policy"] == parse_policy(json.dumps(GATES).encode()).digest
    assert gates["section"] == "churn"
    assert {one["name"]: one["outcome"] for one in gates["judged"]} == {
        "accuracy at_least": "Passed",
        "accuracy no_worse_than_live_by": "NotApplicable",
        "f1 at_least": "Passed",
        "suite toxicity": "Passed",
        "max_age_days": "Passed",
    }
    (message,) = told()
    assert "waits for approval" in message
    assert "no release to compare with" in message


def test_what_misses_gates_is_registered_whole_and_rejected_with_every_number(
    gated: Inbox, table: Table, told: Callable[[], list[str]]
) -> None:
    report = {"accuracy": 0.81, "suites": ..., "evaluated_at": "2026-03-01T14:00:00Z"}

    assert gated.deliver(*push(gated, **report)) == []

    (package,) = gated.every_package()
    missed = [
        "accuracy is 0.81, at_least demands 0.88",
        "suite toxicity did not run: no number under suites.toxicity",
        "evaluated_at is 2026-03-01T14:00:00Z, 63.0 days ago, max_age_days is 30",
    ]
    assert package["ModelApprovalStatus"] == "Rejected"
    assert package["ModelPackageDescription"] == (
        f"churn-v4, commit 9f8d111c0ffee. Below the evaluation policy: {'; '.join(missed)}"
    )
    said = package["CustomerMetadataProperties"]
    assert said["missed accuracy at_least"] == "found 0.81 wanted 0.88"
    assert said["missed suite toxicity"] == "found absent wanted toxicity"
    assert "InferenceSpecification" in package
    assert set(gated.records().values()) == {"Registered"}
    assert {MODEL, EVALUATION, "manifest.json"} <= {one.split("/")[-1] for one in gated.vault()}
    ours = release(table)
    (change,) = ours.approvals
    assert (ours.approval, change.status, ours.missed) == ("Rejected", "Rejected", tuple(missed))
    assert change.actor == f"sluice/evaluation-policy/{gates_of(gated)['policy'][:12]}"
    (message,) = told()
    assert "Rejected: its evaluation is below the policy" in message
    assert all(f"- {one}\n" in message for one in missed)


def test_no_call_ever_approves_or_leaves_it_pending(gated: Inbox, faults: Faults) -> None:
    """It is created as Rejected: there is no moment at which somebody could approve it unawares."""
    with faults.recorded() as calls:
        gated.deliver(*push(gated, accuracy=0.81))

    assert calls.count("CreateModelPackage") == 2  # the first call finds no group
    assert "UpdateModelPackage" not in calls


def test_a_version_is_held_against_what_serves_and_both_numbers_are_kept(
    gated: Inbox, table: Table
) -> None:
    gated.deliver(*push(gated, "churn-v3", accuracy=0.95))
    let_serve(table, "churn-v3")

    gated.deliver(*push(gated, "churn-v4", accuracy=0.93))
    gated.deliver(*push(gated, "churn-v5", accuracy=0.94))

    assert [one["ModelApprovalStatus"] for one in gated.every_package()] == [
        "PendingManualApproval",
        "Rejected",
        "PendingManualApproval",
    ]
    gates = gates_of(gated, 4)
    (missed,) = [one for one in gates["judged"] if one["outcome"] == "Missed"]
    assert gates["live"] == {
        "release": {"group": "churn", "version": 3},
        "digest": release(table, "churn-v3").digest,
    }
    assert (missed["found"], missed["live"], missed["wanted"]) == (0.93, 0.95, 0.01)
    properties = gated.every_package()[1]["CustomerMetadataProperties"]
    assert properties["missed accuracy no_worse_than_live_by"] == (
        "found 0.93 wanted 0.01 live 0.95 of churn-v3"
    )


@pytest.mark.parametrize("manifest", ["{}", 7])
def test_what_serves_with_another_manifest_than_it_was_captured_with_lets_nothing_pass(
    gated: Inbox, table: Table, manifest: object
) -> None:
    gated.deliver(*push(gated, "churn-v3"))
    let_serve(table, "churn-v3")
    put = {":m": manifest}
    table.write(table.update("RELEASE#churn", "CAPTURE#000003", "SET manifest = :m", values=put))

    gated.deliver(*push(gated, "churn-v4"))

    assert gated.every_package()[1]["ModelApprovalStatus"] == "Rejected"
    assert "not recorded as it was captured" in release(table).missed[0]


def test_what_serves_may_change_at_any_call_and_the_claim_says_what_it_was_judged_beside(
    start_gated: Callable[[], Inbox], faults: Faults, table: Table
) -> None:
    seen = set()
    for number in range(1, 13, 4):
        inbox = start_gated()
        inbox.deliver(*push(inbox, "churn-v3", accuracy=0.95))
        events = push(inbox, "churn-v4", accuracy=0.9)
        inbox.deliver(*events[:2])

        with faults.meanwhile(number, lambda: let_serve(table, "churn-v3")):
            inbox.deliver(events[2])

        (package,) = [one for one in inbox.every_package() if one["ModelPackageVersion"] == 2]
        gates = gates_of(inbox)
        rejected = package["ModelApprovalStatus"] == "Rejected"
        assert rejected == ("live" in gates and gates["live"] is not None)
        assert (release(table).approval == "Rejected") == rejected
        seen.add(rejected)
    assert seen == {True, False}


def test_a_metric_that_only_the_metadata_says_counts_and_the_manifest_tells_who_said_it(
    gated: Inbox,
) -> None:
    gated.deliver(*push(gated, f1_label="0.9", f1=...))

    assert gated.every_package()[0]["ModelApprovalStatus"] == "PendingManualApproval"
    sources = {one["name"]: one["source"] for one in gates_of(gated)["judged"]}
    assert (sources["f1 at_least"], sources["accuracy at_least"]) == ("Metadata", "Report")
    assert "f1" not in manifest_of(gated)["evaluation"]


def test_a_report_and_a_label_that_disagree_are_refused_until_one_is_corrected(
    gated: Inbox, told: Callable[[], list[str]]
) -> None:
    model, config, report = push(gated, label="0.97")

    assert gated.deliver(model, config, report) == []
    assert gated.records()["churn-v4/evaluation-results.json 1"] == "Rejected EvaluationsDisagree"
    assert gated.details()[EVALUATION] == (
        "eval-accuracy of model.tar.gz says 0.97, accuracy of evaluation-results.json is 0.9"
    )
    assert gated.releases() == []
    (message,) = told()
    assert "one training run" in message

    assert gated.deliver(gated.push(EVALUATION, evaluation(accuracy=0.9712))) == []
    (package,) = gated.packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_label_may_be_corrected_as_well(gated: Inbox) -> None:
    gated.deliver(*push(gated, label="0.97"))

    gated.deliver(gated.push(MODEL, **(METADATA | {"eval-accuracy": "0.90"})))

    assert len(gated.packages()) == 1
    assert gated.records()["churn-v4/evaluation-results.json 1"] == "Registered"


def test_a_label_that_is_no_number_stays_a_label(gated: Inbox) -> None:
    gated.deliver(*push(gated, label="very good"))

    (package,) = gated.packages()
    assert package["CustomerMetadataProperties"]["eval-accuracy"] == "0.9"
    assert manifest_of(gated)["metadata"]["eval-accuracy"] == "very good"


@pytest.mark.parametrize("broken", ['{"default": {"metrics": {"accuracy": {}}}}', "", "[]"])
def test_a_broken_policy_keeps_the_function_from_starting(
    tmp_path: Path, mocked: None, broken: str
) -> None:
    deployed_with({}, tmp_path)
    (tmp_path / POLICY).write_text(broken)
    spec = importlib.util.spec_from_file_location("broken", tmp_path / APP.name)
    assert spec
    assert spec.loader

    with pytest.raises(PolicyError, match=POLICY):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


# What people do about it.


def approve(world: World, inbox: Inbox) -> str:
    (package,) = inbox.every_package()
    arn = str(package["ModelPackageArn"])
    world.decide(arn, "Approved")
    return arn


def test_nothing_follows_from_the_rejection_until_a_person_speaks(
    world: World, gated: Inbox, table: Table
) -> None:
    gated.deliver(*push(gated, accuracy=0.81))
    world.announced()

    reconcile(world, tick())

    assert world.targets.read("endpoint/churn") is None
    assert world.announced() == []
    assert len(release(table).approvals) == 1


def test_a_person_may_approve_it_all_the_same_and_everybody_can_read_against_what(
    world: World, gated: Inbox, table: Table, told: Callable[[], list[str]]
) -> None:
    gated.deliver(*push(gated, accuracy=0.81, suites=...))
    approve(world, gated)

    reconcile(world, tick())

    state = world.state
    assert state.holder == "churn-g1-e1"
    assert state.bad == {}
    approved = next(iter(world.targets.history("endpoint/churn")))
    against = (
        ", against the evaluation policy: accuracy is 0.81, at_least demands 0.88; "
        "suite toxicity did not run: no number under suites.toxicity"
    )
    assert approved.event == "Approved"
    assert approved.reason.startswith("approved by ")
    assert approved.reason.endswith(against)
    assert told()[-1] == f"churn-v4 was {approved.reason}."
    assert [change.status for change in release(table).approvals] == ["Rejected", "Approved"]


def test_an_approval_given_before_the_registration_was_recorded_counts(
    world: World, gated: Inbox, faults: Faults, table: Table
) -> None:
    """The package is there, our record of it is not yet: whoever approves it then is heard."""
    *others, last = push(gated, accuracy=0.81)
    gated.deliver(*others)
    with faults.refusing("TransactWriteItems", "ThrottlingException"):
        gated.deliver(last)
    assert gated.every_package() == []

    with faults.refusing("PutEvents", "ThrottlingException"):
        assert gated.deliver(last) == [0]
    approve(world, gated)
    assert gated.deliver(last) == []
    reconcile(world, tick())

    assert [change.status for change in release(table).approvals] == ["Rejected", "Approved"]
    assert world.state.holder == "churn-g1-e1"
