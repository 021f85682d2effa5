"""`sluice push`: what is pushed of a commit, and what is refused before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import EVALUATION
from tests.builders import BUCKET, EVALUATION_RESULTS
from tests.integration.faults import Crash
from tests.integration.pushing import Bucket, push
from tests.integration.repository import SYSTEM, TEMPLATE, Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.faults import Answer, Call, Faults

STAMP = "prompt_template_version"


def test_a_commit_is_pushed_stamped_and_its_file_left_alone(
    repository: Repository, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    before, commit = repository.config.read_bytes(), repository.git("rev-parse", "HEAD")

    assert push(repository.config) == 0

    folder = f"configs/{commit}"
    assert bucket.versions() == [
        f"{folder}/bedrock-config.json",
        f"{folder}/evaluation-results.json",
        f"{folder}/prompts/rag-prompt-template.txt",
        f"{folder}/prompts/system-prompt.txt",
    ]
    pushed = json.loads(bucket.read(f"{folder}/bedrock-config.json"))
    assert pushed == {**json.loads(before), STAMP: commit}
    assert bucket.read(f"{folder}/prompts/rag-prompt-template.txt") == TEMPLATE.encode()
    assert bucket.read(f"{folder}/prompts/system-prompt.txt") == SYSTEM.encode()
    assert repository.config.read_bytes() == before
    assert repository.git("status", "--porcelain") == ""
    assert f"s3://{BUCKET}/{folder}/" in capsys.readouterr().out


@pytest.mark.parametrize(
    "said", [..., "", None, "git-sha-here", "9f8d111c0ffee9f8d111c0ffee9f8d111c0ffee0"]
)
def test_whatever_stands_for_the_commit_in_git_is_replaced(
    repository: Repository, bucket: Bucket, said: Any
) -> None:
    config = json.loads(repository.config.read_bytes()) | {STAMP: said}
    repository.write(
        "config/bedrock-config.json", {k: v for k, v in config.items() if v is not ...}
    )
    commit = repository.commit()

    assert push(repository.config.parent) == 0
    assert json.loads(bucket.read(f"configs/{commit}/bedrock-config.json"))[STAMP] == commit


def test_the_config_comes_last_and_s3_verifies_every_file(
    repository: Repository, bucket: Bucket, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(repository.config) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[3].endswith("/bedrock-config.json")
    assert all("ChecksumSHA256" in bucket.head(key) for key in bucket.versions())


def test_a_push_of_the_same_bytes_uploads_nothing_and_says_so(
    repository: Repository, bucket: Bucket, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    push(repository.config)
    before = bucket.versions()
    capsys.readouterr()

    with faults.recorded() as called:
        assert push(repository.config) == 0

    assert "PutObject" not in called
    assert bucket.versions() == before
    assert "unchanged: nothing uploaded" in capsys.readouterr().out


def test_files_that_came_with_another_checksum_are_compared_themselves(
    repository: Repository, bucket: Bucket
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    key = f"configs/{commit}/prompts/system-prompt.txt"
    bucket.s3.put_object(Bucket=BUCKET, Key=key, Body=SYSTEM.encode())

    assert push(repository.config) == 0
    assert bucket.versions().count(key) == 1


def test_a_detached_head_in_a_shallow_clone_pushes_its_commit(
    repository: Repository, bucket: Bucket, tmp_path: Path
) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit("nothing that is pushed")
    clone = Repository(tmp_path / "clone")
    clone.git("fetch", "--quiet", "--depth=1", f"file://{repository.folder}", first)
    clone.git("checkout", "--quiet", "FETCH_HEAD")

    assert push(clone.config) == 0
    assert {key.split("/")[1] for key in bucket.versions()} == {first}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param(
            "prompts/system-prompt.txt",
            "other",
            "prompts/system-prompt.txt has changes that are not committed",
            id="a prompt",
        ),
        pytest.param(
            "config/bedrock-config.json",
            "{}",
            "config/bedrock-config.json has changes that are not committed",
            id="the config",
        ),
        pytest.param(
            EVALUATION,
            {"accuracy": 1.0},
            "evaluation-results.json has changes that are not committed",
            id="the evaluation that Git has",
        ),
        pytest.param(
            "config/prompts/system-prompt.txt",
            "nearer",
            "config/prompts/system-prompt.txt is not in commit",
            id="untracked, and nearer than the one that is committed",
        ),
    ],
)
def test_what_the_commit_does_not_have_is_refused_by_name(
    repository: Repository,
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: Any,
    said: str,
) -> None:
    repository.write(name, content)

    assert push(repository.config) == 1
    assert said in capsys.readouterr().err
    assert bucket.versions() == []


@pytest.mark.parametrize("how", ["staged", "ignored", "assumed unchanged"])
def test_changes_that_hide_are_found(
    repository: Repository, bucket: Bucket, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    name = "prompts/system-prompt.txt"
    if how == "assumed unchanged":
        repository.git("update-index", "--assume-unchanged", name)
    if how == "ignored":
        repository.git("rm", "--quiet", "--cached", name)
        repository.write(".gitignore", "system-prompt.txt\n")
        repository.commit()
    repository.write(name, "other")
    if how == "staged":
        repository.git("add", name)

    assert push(repository.config) == 1
    assert name in capsys.readouterr().err
    assert bucket.versions() == []


def test_changes_beside_what_is_pushed_do_not_matter(
    repository: Repository, bucket: Bucket
) -> None:
    repository.write("notes.txt", "a thought")
    repository.write("prompts/evaluation-prompt.txt", "another")

    assert push(repository.config) == 0
    assert len(bucket.versions()) == 4


def test_line_ends_that_a_checkout_changes_do_not_change_what_is_pushed(
    repository: Repository, bucket: Bucket
) -> None:
    repository.write(".gitattributes", "prompts/*.txt text eol=crlf\n")
    commit = repository.commit()
    (repository.folder / "prompts/system-prompt.txt").unlink()
    repository.git("checkout", "--", "prompts")
    assert b"\r\n" in (repository.folder / "prompts/system-prompt.txt").read_bytes()

    assert push(repository.config) == 0
    assert bucket.read(f"configs/{commit}/prompts/system-prompt.txt") == SYSTEM.encode()


def test_a_link_is_not_followed(
    repository: Repository, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = repository.folder / "prompts/system-prompt.txt"
    prompt.unlink()
    prompt.symlink_to("rag-prompt-template.txt")
    repository.commit()

    assert push(repository.config) == 1
    assert "prompts/system-prompt.txt is a symbolic link" in capsys.readouterr().err


def test_a_missing_file_and_everything_else_that_is_wrong_is_told_at_once(
    repository: Repository, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("prompts/rag-prompt-template.txt", b"caf\xe9 {{question}}")
    (repository.folder / "prompts/system-prompt.txt").unlink()
    repository.write("config/bedrock-config.json", _changed(repository, model_id="claude-latest"))
    repository.write(EVALUATION, {"accuracy": "high"})
    repository.commit()

    assert push(repository.config) == 1

    said = capsys.readouterr().err
    assert "prompts/system-prompt.txt is named by the config and is neither in" in said
    assert "NotText: prompts/rag-prompt-template.txt is not UTF-8 at byte 3" in said
    assert "Unpinned: model_id: 'claude-latest' means whatever is the latest" in said
    assert "InvalidEvaluation: it holds no number" in said
    assert bucket.versions() == []


def test_a_malformed_config_is_told_as_registration_would(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("config/bedrock-config.json", _changed(repository, rollout={"steps": []}))
    repository.commit()

    assert push(repository.config) == 1
    assert "refused: InvalidConfig: rollout.steps" in capsys.readouterr().err


def test_results_of_a_build_name_the_commit_that_they_evaluated(
    repository: Repository, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("rm", "--quiet", EVALUATION)
    commit = repository.commit()
    results = tmp_path / "results.json"

    assert push(repository.config) == 1
    assert "say with --evaluation where its results are" in capsys.readouterr().err
    results.write_text(json.dumps(EVALUATION_RESULTS))
    assert push(repository.config, "--evaluation", str(results)) == 1
    assert f'write "{STAMP}": "{commit}" into it' in capsys.readouterr().err
    results.write_text(json.dumps({**EVALUATION_RESULTS, STAMP: commit}))
    assert push(repository.config, "--evaluation", str(results)) == 0
    assert json.loads(bucket.read(f"configs/{commit}/{EVALUATION}"))[STAMP] == commit


def test_committed_results_of_another_commit_are_refused(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository.git("rev-parse", "HEAD")
    repository.write(EVALUATION, {**EVALUATION_RESULTS, STAMP: other})
    repository.commit()

    assert push(repository.config) == 1
    assert "OtherCommit: evaluation-results.json" in capsys.readouterr().err


def test_results_are_corrected_and_a_commits_own_files_are_not(
    repository: Repository, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("rm", "--quiet", EVALUATION)
    commit = repository.commit()
    results = tmp_path / "results.json"
    for accuracy in (0.1, 0.9):
        results.write_text(json.dumps({"accuracy": accuracy, STAMP: commit}))
        assert push(repository.config, "--evaluation", str(results)) == 0
    assert json.loads(bucket.read(f"configs/{commit}/{EVALUATION}"))["accuracy"] == 0.9

    template = f"configs/{commit}/prompts/rag-prompt-template.txt"
    bucket.s3.put_object(Bucket=BUCKET, Key=template, Body=b"by hand")
    before = bucket.versions()
    assert push(repository.config, "--evaluation", str(results)) == 1
    assert f"{template}: other bytes were pushed for this commit" in capsys.readouterr().err
    assert bucket.versions() == before


def test_braces_that_nothing_fills_in_are_warned_of(
    repository: Repository, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("prompts/rag-prompt-template.txt", "{{ question }} {{context}} {{x}} {y}")
    repository.commit()

    assert push(repository.config) == 0

    warned = [one for one in capsys.readouterr().err.splitlines() if "warning" in one]
    assert len(warned) == 3
    assert "{{ question }} is no placeholder" in warned[0]
    assert "{{x}} is no placeholder" in warned[1]
    assert "holds no {{question}}" in warned[2]


def test_without_a_commit_nothing_is_pushed(
    tmp_path: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "bedrock-config.json"
    config.write_text("{}")
    assert push(config) == 2
    assert "not a git repository" in capsys.readouterr().err

    empty = Repository(tmp_path / "empty")
    empty.write("bedrock-config.json", {})
    assert push(empty.folder) == 2
    assert "named after its Git commit, and there is none" in capsys.readouterr().err
    assert bucket.versions() == []


def test_without_git_it_is_said(
    repository: Repository,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert push(repository.config) == 2
    assert "git cannot be run" in capsys.readouterr().err


@pytest.mark.parametrize("position", range(4))
def test_a_push_that_was_interrupted_is_completed_by_the_next(
    repository: Repository, bucket: Bucket, faults: Faults, position: int
) -> None:
    with faults.crash(position), pytest.raises(Crash):
        push(repository.config)
    assert len(bucket.versions()) == position + 1

    assert push(repository.config) == 0
    assert len(bucket.versions()) == 4


def test_a_lost_reply_leaves_one_version_of_each_file(
    repository: Repository, bucket: Bucket, faults: Faults
) -> None:
    with faults.at_every_call(_replies_lost()):
        assert push(repository.config) == 0

    assert len(bucket.versions()) == 4


def test_another_push_meanwhile_is_not_overwritten_unawares(
    repository: Repository, bucket: Bucket, faults: Faults, tmp_path: Path
) -> None:
    repository.git("rm", "--quiet", EVALUATION)
    commit = repository.commit()
    ours = tmp_path / "results.json"
    ours.write_text(json.dumps({"accuracy": 0.9, STAMP: commit}))
    key, met = f"configs/{commit}/{EVALUATION}", list[str]()

    def another(operation: str, call: Call) -> Answer:
        met.extend([operation] * (operation == "PutObject"))
        if operation == "PutObject" and len(met) == 3:  # two prompts come before the results
            bucket.s3.put_object(Bucket=BUCKET, Key=key, Body=ours.read_bytes())
        return call()

    with faults.at_every_call(another):
        assert push(repository.config, "--evaluation", str(ours)) == 0

    assert bucket.versions().count(key) == 1


def _changed(repository: Repository, **changes: Any) -> dict[str, Any]:
    return {**json.loads(repository.config.read_bytes()), **changes}


def _replies_lost() -> Callable[[str, Call], Answer]:
    """Every write is carried out, and its first answer lost."""
    from botocore.exceptions import ConnectionClosedError

    lost = list[str]()

    def fault(operation: str, call: Call) -> Answer:
        answer = call()
        if operation == "PutObject" and len(lost) % 2 == 0:
            lost.append(operation)
            return None, ConnectionClosedError(endpoint_url="https://s3.example")
        if operation == "PutObject":
            lost.append(operation)
        return answer

    return fault
