"""`sluice push`: what is pushed of a model's folder, and what is refused before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import EVALUATION
from tests.builders import EVALUATION_RESULTS, WEIGHTS, a_config
from tests.integration.pushing import Bucket, push
from tests.integration.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.faults import Answer, Call, Faults

STAMP = "prompt_template_version"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder, outside of Git."""
    folder = tmp_path / "churn-v4"
    folder.mkdir()
    (folder / "model.tar.gz").write_bytes(WEIGHTS)
    (folder / "config.json").write_text(json.dumps(a_config()))
    (folder / EVALUATION).write_text(json.dumps(EVALUATION_RESULTS))
    (folder / "metadata.json").write_text(json.dumps({"training-dataset-version": "v3.2"}))
    return folder


def test_a_models_folder_is_pushed_with_its_labels(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(model, "--git-sha", "9f8d111", "--metadata", "base-model=xgboost-2.1") == 0

    assert bucket.versions() == [
        "models/churn-v4/config.json",
        "models/churn-v4/evaluation-results.json",
        "models/churn-v4/model.tar.gz",
    ]
    head = bucket.head("models/churn-v4/model.tar.gz")
    assert head["Metadata"] == {
        "training-dataset-version": "v3.2",
        "base-model": "xgboost-2.1",
        "git-sha": "9f8d111",
    }
    assert "ChecksumCRC64NVME" in head
    assert push(model, "--git-sha", "9f8d111", "--metadata", "base-model=xgboost-2.1") == 0
    assert "unchanged: nothing uploaded" in capsys.readouterr().out


def test_the_same_weights_under_other_labels_are_pushed_again(model: Path, bucket: Bucket) -> None:
    assert push(model, "--git-sha", "9f8d111") == 0
    assert push(model, "--git-sha", "9f8d112") == 0

    assert bucket.versions().count("models/churn-v4/model.tar.gz") == 2
    assert bucket.head("models/churn-v4/model.tar.gz")["Metadata"]["git-sha"] == "9f8d112"


def test_a_models_commit_is_the_one_checked_out_if_nothing_was_changed_since(
    tmp_path: Path, model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = Repository(tmp_path)
    repository.write(".gitignore", "model.tar.gz\n")
    commit = repository.commit()

    assert push(model) == 0
    assert bucket.head("models/churn-v4/model.tar.gz")["Metadata"]["git-sha"] == commit
    (model / "config.json").write_text(json.dumps(a_config(instance_count=2)))
    assert push(model) == 1
    assert "churn-v4/config.json: changed since commit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("break_it", "code", "said"),
    [
        pytest.param(
            lambda folder: (folder / "model.tar.gz").write_bytes(b"zip"), 1, "NotGzip", id="zip"
        ),
        pytest.param(
            lambda folder: (folder / "metadata.json").unlink(), 1, "MissingMetadata", id="labels"
        ),
        pytest.param(
            lambda folder: (folder / "config.json").write_text("{}"), 1, "InvalidConfig", id="cfg"
        ),
        pytest.param(
            lambda folder: (folder / EVALUATION).unlink(), 2, "cannot be read", id="evaluation"
        ),
        pytest.param(
            lambda folder: (folder / "metadata.json").write_text('{"Größe": "1"}'),
            2,
            "S3 takes lower-case names",
            id="a label that S3 does not take",
        ),
    ],
)
def test_a_model_that_would_be_refused_is_not_pushed(
    model: Path,
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    break_it: Callable[[Path], Any],
    code: int,
    said: str,
) -> None:
    break_it(model)

    assert push(model, "--git-sha", "9f8d111") == code
    assert said in capsys.readouterr().err
    assert bucket.versions() == []


def test_a_folder_that_no_version_is_named_like_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert push(tmp_path, "--git-sha", "9f8d111") == 2
    assert "call the folder GROUP-vN" in capsys.readouterr().err

    assert push(tmp_path / "gone") == 2
    assert "does not exist" in capsys.readouterr().err
    (tmp_path / "config.json").unlink()
    assert push(tmp_path) == 2
    assert "holds neither" in capsys.readouterr().err


def test_weights_of_several_parts_are_pushed_and_found_again(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    part = 64 * 1024 * 1024
    with (model / "model.tar.gz").open("r+b") as weights:
        weights.truncate(part + 5)

    assert push(model, "--git-sha", "9f8d111") == 0
    head = bucket.head("models/churn-v4/model.tar.gz")
    assert head["ETag"].endswith('-2"')
    assert head["ContentLength"] == part + 5


def test_a_role_that_may_not_list_the_bucket_pushes_all_the_same(
    repository: Repository, bucket: Bucket, faults: Faults
) -> None:
    with faults.at_every_call(_blind_while(lambda: not bucket.versions())):
        assert push(repository.config) == 0

    assert len(bucket.versions()) == 4


def test_what_stands_there_and_cannot_be_read_is_not_taken_for_the_same(
    repository: Repository,
    bucket: Bucket,
    faults: Faults,
    capsys: pytest.CaptureFixture[str],
) -> None:
    push(repository.config)
    before = bucket.versions()

    with faults.at_every_call(_blind_while(lambda: True)):
        assert push(repository.config) == 2

    assert "s3:GetObject tells whether it is the same" in capsys.readouterr().err
    assert bucket.versions() == before


def _blind_while(blind: Callable[[], bool]) -> Callable[[str, Call], Answer]:
    """S3 denies HeadObject: so it answers for what is not there, without s3:ListBucket."""
    from botocore.awsrequest import AWSResponse

    class Empty:
        def stream(self) -> list[bytes]:
            return []

    def fault(operation: str, call: Call) -> Answer:
        if operation != "HeadObject" or not blind():
            return call()
        meta = {"HTTPStatusCode": 403, "HTTPHeaders": {}}
        error = {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": meta}
        return (AWSResponse("https://s3.example", 403, {}, Empty()), error), None

    return fault
