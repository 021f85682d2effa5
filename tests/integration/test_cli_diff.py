"""`sluice diff`: what differs between two captured releases, their texts read from the vault."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import digest_of
from sluice.domain.release import Capture
from tests.builders import (
    BUCKET,
    COMMIT,
    METADATA,
    WEIGHTS,
    a_config,
    a_release_name,
    a_state,
    deployed,
)
from tests.integration.configs import push_config, push_file
from tests.integration.conftest import TABLE
from tests.integration.rollouts import Wire
from tests.integration.unpacked import FILES, push_unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.table import Table
    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox

OTHER = "a" * 40
ASKED = ["--table", TABLE]
UNSCORED = {name: text for name, text in METADATA.items() if name != "eval-accuracy"}


def push_model(inbox: Inbox, folder: str, *, weights: bytes = WEIGHTS, **changes: Any) -> None:
    """A version of `churn` is pushed and captured, with a script beside it."""
    script = changes.pop("script", b"def input_fn(body):\n    return body\n")
    scores = changes.pop("scores", {"accuracy": 0.87, "f1": 0.84})
    scripts = [{"file": "code/pre.py", "version": "1"}]
    config = a_config(inference_scripts=scripts, **changes)
    events = [
        inbox.put(f"models/{folder}/code/pre.py", script),
        inbox.push(MODEL, weights, folder=folder, **UNSCORED),
        inbox.push(CONFIG, config, folder=folder),
        inbox.push(EVALUATION, scores, folder=folder),
    ]
    assert inbox.deliver(*events) == []


def asked(capsys: pytest.CaptureFixture[str], *what: str, code: int) -> str:
    capsys.readouterr()
    assert main(["diff", *what, *ASKED]) == code
    return capsys.readouterr().out


def answered(capsys: pytest.CaptureFixture[str], *what: str, code: int) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(asked(capsys, *what, "--json", code=code))
    return answer


def overwrite(aws: Callable[[str], Any], table: Table, release: str, name: str) -> None:
    """Somebody puts other bytes of the same size into the vault."""
    found = Releases(table).get(a_release_name(release))
    assert found
    folder = found.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    s3, key = aws("s3"), f"{folder}/{name}"
    size = s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)


def test_what_was_pushed_twice_is_the_same_but_for_its_names(
    inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    push_model(inbox, "churn-v1")
    push_model(inbox, "churn-v2")

    said = asked(capsys, "churn-v1", "churn-v2", code=0)
    assert "the same but for their names and how they were captured" in said
    assert "release.version: 1 -> 2" in said
    assert (
        "objects:\n  the same: code/pre.py, config.json, evaluation-results.json, model.tar" in said
    )
    assert "source_key" not in said, "where it was pushed says nothing of the bytes"
    assert "the same release" in asked(capsys, "churn-v2", "churn-v2", code=0)
    answer = answered(capsys, "churn-v1", "churn-v2", code=0)
    assert answer["same"]
    assert {one["likeness"] for one in answer["objects"]} == {"Same"}


def test_what_differs_is_told_by_meaning(inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    push_model(inbox, "churn-v1", environment={"API_TOKEN": "t0ken", "LEVEL": "1"})
    push_model(
        inbox,
        "churn-v2",
        weights=WEIGHTS + WEIGHTS,
        script=b"def input_fn(body):\n    return body.strip()\n",
        scores={"accuracy": 0.89, "f1": 0.84},
        environment={"API_TOKEN": "other", "LEVEL": "1"},
        rollout={"steps": [10, 100]},
        instance_count=2,
    )

    answer = answered(capsys, "churn-v1", "churn-v2", code=1)
    told = {(one["section"], *one["path"]): one for one in answer["differences"]}

    assert not answer["same"]
    assert told["instances", "config", "instance_count"]["after"] == 2
    secret = told["environment", "config", "environment", "API_TOKEN"]
    assert (secret["before"], secret["after"]) == ("t0ken", "other")
    assert told["rollout plan", "config", "rollout", "steps", 0]["before"] == 5
    assert "after" not in told["rollout plan", "config", "rollout", "steps", 2]
    accuracy = told["evaluation", "evaluation", "accuracy"]
    assert (accuracy["before"], accuracy["after"], accuracy["delta"]) == (0.87, 0.89, 0.02)
    objects = {one["name"]: one for one in answer["objects"]}
    assert objects[MODEL]["likeness"] == "Changed"
    assert objects[MODEL]["size_after"] == 2 * objects[MODEL]["size_before"]
    (script,) = answer["texts"]
    assert script["role"] == "script code/pre.py"
    assert script["diff"][-2:] == ["-    return body", "+    return body.strip()"]

    said = asked(capsys, "churn-v1", "churn-v2", code=1)
    assert "\ndifferent\n" in said
    assert "  evaluation.accuracy: 0.87 -> 0.89 (+0.02)\n" in said
    assert '  config.environment.API_TOKEN: "t0ken" -> "other"\n' in said
    assert "\n+    return body.strip()\n" in said


def test_files_of_a_model_are_told_by_name_and_digest_and_once(
    inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**FILES, "model/weights-1.bin": b"v" * 900, "model/a.bin": b"new"}
    del other["model/empty"]
    push_model(inbox, "churn-v1")
    inbox.deliver(*push_unpacked(inbox, folder="churn-v2"))
    inbox.deliver(*push_unpacked(inbox, other, folder="churn-v3"))

    said = asked(capsys, "churn-v2", "churn-v3", code=1)

    digests = [hashlib.sha256(one["model/weights-1.bin"]).hexdigest() for one in (FILES, other)]
    objects = said.partition("\ndifferent\nobjects:\n")[2].partition("\nnames:\n")[0]
    config, *lines = objects.splitlines()
    assert config.startswith("  config.json: changed, ")
    assert lines == [
        f"  model/empty: removed, 0 bytes, sha256 {hashlib.sha256(b'').hexdigest()}",
        f"  model/weights-1.bin: changed, 900 bytes, sha256 {' -> '.join(digests)}",
        f"  model/a.bin: added, 3 bytes, sha256 {hashlib.sha256(b'new').hexdigest()}",
        "  the same: evaluation-results.json, model/code/inference.py, model/weights-2.bin",
    ]
    packed = asked(capsys, "churn-v1", "churn-v3", code=1)
    assert "model_files" not in said + packed
    assert "  model.tar.gz: removed, " in packed
    told = answered(capsys, "churn-v2", "churn-v3", code=1)["differences"]
    assert {one["section"] for one in told} == {"model files", "names"}


@pytest.fixture
def prompts(inbox: Inbox, catalogue: Catalogue) -> None:
    """Two versions of `assistant` that differ in their prompts and parameters."""
    for commit, prompt, system in (
        (COMMIT, b"Answer {{question}}.\nUse {{context}}.\n", b"Be brief.\n"),
        (OTHER, b"Answer {{question}}.\nUse \x1b[1m{{context}} only.\n", b"Be kind.\n"),
    ):
        temperature = 0.1 if commit == COMMIT else 0.2
        changes = {
            "system_prompt_file": "prompts/system.txt",
            "inference_config": {"temperature": temperature, "max_tokens": 2048},
        }
        events = push_config(inbox, commit=commit, prompt=prompt, **changes)
        events.append(push_file(inbox, "prompts/system.txt", system, commit=commit))
        assert inbox.deliver(*events) == []


def test_prompts_of_an_application_are_compared_line_by_line(
    prompts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answered(capsys, "assistant-v1", "assistant-v2", code=1)

    prompt, system = answer["texts"]
    assert (prompt["role"], system["role"]) == ("prompt template", "system prompt")
    assert prompt["diff"] == [
        "--- assistant-v1/prompts/rag-prompt-template.txt",
        "+++ assistant-v2/prompts/rag-prompt-template.txt",
        "@@ -1,2 +1,2 @@",
        " Answer {{question}}.",
        "-Use {{context}}.",
        "+Use \x1b[1m{{context}} only.",
    ]
    assert system["diff"][-2:] == ["-Be brief.", "+Be kind."]
    told = {one["section"]: one for one in answer["differences"]}
    assert (told["commit"]["before"], told["commit"]["after"]) == (COMMIT, OTHER)
    parameters = told["inference parameters"]
    assert parameters["path"] == ["config", "inference_config", "temperature"]
    assert (parameters["before"], parameters["after"]) == (0.1, 0.2)
    assert "+Use \\x1b[1m{{context}} only." in asked(capsys, "assistant-v1", "assistant-v2", code=1)


def test_a_release_is_compared_with_what_serves(
    prompts: None, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    release = Releases(table).get(a_release_name("assistant-v1"))
    assert release
    live = deployed(
        1, release=release.name, digest=release.digest, manifest_uri=release.manifest_uri
    )
    state = a_state(target="application/assistant", live=live, last_good=())
    item = json.loads(state.model_dump_json(exclude_none=True))
    table.write(table.put({"pk": "TARGET#application/assistant", "sk": "STATE", **item}))

    answer = answered(capsys, "assistant-v2", "--live", "application/assistant", code=1)
    assert (answer["before"]["release"], answer["after"]["release"]) == (
        "assistant-v1",
        "assistant-v2",
    )
    asked(capsys, "--live", "application/assistant", "assistant-v1", code=0)
    assert Targets(table).read("application/assistant") == state


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prompts/system.txt", "prompts/system.txt of assistant-v2 is not in the vault as it was"),
        ("manifest.json", "has not the digest"),
    ],
)
def test_other_bytes_in_the_vault_are_not_taken_for_the_release(
    prompts: None,
    table: Table,
    aws: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
    name: str,
    told: str,
) -> None:
    overwrite(aws, table, "assistant-v2", name)

    assert main(["diff", "assistant-v1", "assistant-v2", *ASKED]) == 2

    assert told in capsys.readouterr().err


def test_a_script_is_held_against_its_copy(
    inbox: Inbox, table: Table, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    push_model(inbox, "churn-v1")
    push_model(inbox, "churn-v2", script=b"other")
    overwrite(aws, table, "churn-v2", "code/pre.py")

    assert main(["diff", "churn-v1", "churn-v2", *ASKED]) == 2
    assert "code/pre.py of churn-v2 is not in the vault as it was" in capsys.readouterr().err


def test_a_manifest_of_an_older_sluice_is_compared(
    inbox: Inbox, table: Table, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    push_model(inbox, "churn-v1")
    releases = Releases(table)
    release = releases.get(a_release_name("churn-v1"))
    assert release
    manifest = json.loads(releases.captured(release.name).manifest)
    del manifest["config"]["rollout"], manifest["config"]["alarms"]
    text = json.dumps(manifest)
    key = "releases/churn/v2-old/manifest.json"
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    older = release.model_copy(
        update={
            "name": a_release_name("churn-v2"),
            "digest": digest_of(text),
            "manifest_uri": f"s3://{BUCKET}/{key}",
        }
    )
    item = older.model_dump(mode="json", exclude_none=True)
    table.write(table.put({"pk": "RELEASE#churn", "sk": "V#000002", **item}))

    answer = answered(capsys, "churn-v2", "churn-v1", code=1)

    assert {one["section"]: "before" in one for one in answer["differences"]} == {
        "rollout plan": False,
        "alarms": False,
    }
    assert "config.alarms: not recorded -> {" in asked(capsys, "churn-v2", "churn-v1", code=1)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (["churn-v1"], "give two releases"),
        (["churn-v1", "churn-v1", "churn-v1"], "give two releases"),
        (["--live", "churn", "churn-v1", "churn-v1"], "or --live TARGET and one"),
        (["churn-v1", "churn-v9"], "the ledger knows no release 'churn-v9'"),
        (["churn-v1", "churn"], "'churn' names no release: write its group and number, churn-v4"),
        (["--live", "churn", "churn-v1"], "nothing serves endpoint/churn"),
        (["--live", "endpoints/x", "churn-v1"], "no target is called"),
    ],
)
def test_what_cannot_be_compared_says_what_to_write(
    inbox: Inbox, capsys: pytest.CaptureFixture[str], what: list[str], said: str
) -> None:
    push_model(inbox, "churn-v1")

    assert main(["diff", *what, *ASKED]) == 2
    assert said in capsys.readouterr().err


def test_a_release_whose_capture_goes_on_is_not_compared(
    inbox: Inbox, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    push_model(inbox, "churn-v1")
    release = Releases(table).get(a_release_name("churn-v1"))
    assert release
    claimed = release.model_copy(update={"capture": Capture.CLAIMED})
    item = claimed.model_dump(mode="json", exclude_none=True)
    table.write(table.put({"pk": "RELEASE#churn", "sk": "V#000001", **item}))

    assert main(["diff", "churn-v1", "churn-v1", *ASKED]) == 2
    assert "churn-v1 is not registered yet" in capsys.readouterr().err


def test_nothing_but_reads_is_asked_of_aws(prompts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)

    assert main(["diff", "assistant-v1", "assistant-v2", *ASKED]) == 1

    assert {operation for operation, _ in wire.asked} == {"GetItem", "GetObject", "Query"}
