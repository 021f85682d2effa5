"""`sluice history --at` and `sluice diff` tell what a version is made of, and by whose hands."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import EVALUATION_RESULTS, a_config, a_release_name, deployed, seen
from tests.integration.catalogue import MODEL_ID
from tests.integration.configs import push_config
from tests.integration.conftest import TABLE
from tests.integration.observed import record
from tests.integration.own_stack import YAML
from tests.integration.trailed import ADA, MIA, decided, recorded
from tests.pasts import live_through

if TYPE_CHECKING:
    import pytest

    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

SCRIPT = b"def input_fn(body):\n    return body\n"


def asked(capsys: pytest.CaptureFixture[str], *what: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*what, "--table", TABLE]) == code
    return capsys.readouterr().out


def push(inbox: Inbox, *, folder: str = "churn-v1") -> list[dict[str, Any]]:
    """A version with a script beside it."""
    scripts = [{"file": "code/pre.py", "version": "2.1"}]
    config = a_config(inference_scripts=scripts, environment={"THREADS": "4"})
    return [
        inbox.put(f"models/{folder}/code/pre.py", SCRIPT),
        inbox.push(MODEL, folder=folder),
        inbox.push(CONFIG, config, folder=folder),
        inbox.push(EVALUATION, folder=folder),
    ]


def serve(
    world: World,
    text: str = "churn-v1",
    *,
    actor: str = "unknown",
    target: str = "endpoint/churn",
) -> None:
    """The release was approved and serves."""
    release = Releases(world.table).get(a_release_name(text))
    assert release
    record(world.table, release, seen(modified=-10, actor=actor))
    known = {"digest": release.digest, "manifest_uri": release.manifest_uri}
    named = {"release": release.name, "package_arn": release.package_arn}
    serves = deployed(release.package_version, **known, **named)
    live_through(world.targets, target, stable=serves)


def test_everything_that_a_version_is_made_of_is_told(
    world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.deliver(*push(inbox))
    serve(world)

    answer = json.loads(asked(capsys, "history", "churn", "--at", "2026-05-03T14:03Z", "--json"))

    report = json.dumps(EVALUATION_RESULTS).encode()
    image = answer["made_of"].pop("image")
    assert image.endswith(f"/churn@{inbox.image}")
    assert answer["made_of"] == {
        "commit": "9f8d111c0ffee",
        "training_dataset_version": "v3.2",
        "training_date": "2026-03-25",
        "base_model": "xgboost-2.1",
        "environment": {"THREADS": "4"},
        "instances": {"type": "ml.m5.large", "count": 1},
        "scripts": [
            {
                "file": "code/pre.py",
                "version": "2.1",
                "sha256": hashlib.sha256(SCRIPT).hexdigest(),
            }
        ],
        "evaluation": {
            "scores": EVALUATION_RESULTS,
            "sha256": hashlib.sha256(report).hexdigest(),
        },
        "infrastructure": answer["made_of"]["infrastructure"],
    }
    template = hashlib.sha256(YAML.encode()).hexdigest()
    assert answer["made_of"]["infrastructure"]["template_sha256"] == template
    said = asked(capsys, "history", "churn", "--at", "2026-05-03T14:03Z")
    assert f"script code/pre.py, version 2.1, sha256 {hashlib.sha256(SCRIPT).hexdigest()}" in said
    assert "captured by stack sluice, infrastructure commit 4f2a91c0ffee-dirty, " in said
    assert f"template sha256 {template}" in said
    assert "pushed by somebody unknown: CloudTrail does not record it" in said
    assert "approved by somebody unknown: CloudTrail does not record it" in said


def test_who_pushed_and_who_approved_are_told_by_cloudtrail_where_it_is(
    world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = push(inbox)
    other = {"userIdentity": {"arn": ADA}}
    inbox.deliver(*pushed, *map(recorded, pushed[:3]), recorded(pushed[3], **other))
    inbox.deliver(decided(1, eventTime="2026-05-03T13:50:00Z", **other))
    serve(world, actor="arn:aws:iam::123456789012:user/whoever-edited-it-last")

    answer = json.loads(asked(capsys, "history", "churn", "--at", "2026-05-03T14:03Z", "--json"))

    assert {one["object"]: one["by"] for one in answer["pushed"]} == {
        "code/pre.py": MIA,
        CONFIG: MIA,
        MODEL: MIA,
        EVALUATION: ADA,
    }
    approver = answer["approved"]["approver"]
    assert (approver["by"], approver["source"]) == (ADA, "CloudTrail")
    said = asked(capsys, "history", "churn", "--at", "2026-05-03T14:03Z")
    assert f"by {MIA} for mia@example.com (CloudTrail)" in said
    assert f"approved by {ADA} (CloudTrail)" in said


def test_two_releases_are_told_with_their_people_and_what_captured_them(
    world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    first = push(inbox)
    inbox.deliver(*first, *map(recorded, first))
    second = push(inbox, folder="churn-v2")
    inbox.deliver(*second)
    serve(world, actor="arn:aws:iam::123456789012:user/bob")

    answer = json.loads(asked(capsys, "diff", "churn-v1", "churn-v2", "--json"))

    assert {one["by"] for one in answer["before"]["pushed"]} == {MIA}
    assert {one["source"] for one in answer["after"]["pushed"]} == {
        "unknown: CloudTrail does not record it"
    }
    assert answer["before"]["approver"] == {
        "by": "arn:aws:iam::123456789012:user/bob",
        "source": "said by SageMaker's last modifier",
    }
    assert answer["after"]["approver"] is None
    said = asked(capsys, "diff", "churn-v1", "churn-v2")
    assert "user/bob (said by SageMaker's last modifier)" in said
    assert "somebody unknown: CloudTrail does not record it; not approved" in said


def test_an_application_is_told_by_its_texts_its_parameters_and_its_code(
    world: World, inbox: Inbox, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.deliver(*push_config(inbox))
    serve(world, "assistant-v1", target="application/assistant")
    at = ["history", "application/assistant", "--at", "2026-05-03T14:02Z"]

    answer = json.loads(asked(capsys, *at, "--json"))

    made = answer["made_of"]
    assert made["base_model"] == MODEL_ID
    assert all(len(one["sha256"]) == 64 for one in made["texts"])
    assert made["texts"]
    assert made["code"]["sha256"]
    assert made["infrastructure"]["stack"] == "sluice"
    said = asked(capsys, *at)
    assert f"code {made['code']['sha256']}" in said
    assert all(f"text {one['file']}, sha256 {one['sha256']}" in said for one in made["texts"])
