"""`sluice push` of an uncompressed model: what its config lists, checked before it is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.uploads import Inbox
from sluice.domain.inbox import EVALUATION
from tests.builders import EVALUATION_RESULTS, a_config
from tests.integration.pushing import Bucket, push

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"model/a.bin": b"a" * 70, "model/deep/b.bin": b"b" * 30, "model/empty": b""}
LABELS = {"training-dataset-version": "v3.2", "git-sha": "9f8d111"}


def lists(model: Path, files: list[dict[str, Any]]) -> None:
    (model / "config.json").write_text(json.dumps(a_config(model_files=files)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "churn-v4"
    for name, body in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    (folder / EVALUATION).write_text(json.dumps(EVALUATION_RESULTS))
    (folder / "metadata.json").write_text(json.dumps(LABELS))
    lists(folder, [{"file": one[6:], "size": len(FILES[one])} for one in FILES])
    return folder


def test_the_listed_files_are_pushed_and_the_config_carries_the_labels(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "model" / "notes.txt").write_text("not listed")

    assert push(model) == 0

    folder = "models/churn-v4/"
    assert bucket.versions() == [
        *(f"{folder}{one}" for one in ("config.json", EVALUATION)),
        *(f"{folder}{one}" for one in FILES),
    ]
    assert {one: bucket.read(f"{folder}{one}") for one in FILES} == FILES
    assert bucket.head(f"{folder}config.json")["Metadata"] == LABELS
    assert bucket.head(f"{folder}model/a.bin")["Metadata"] == {}
    assert "model/notes.txt is not in model_files: it is not pushed" in capsys.readouterr().err


def test_what_lies_there_with_the_same_bytes_is_not_sent_again(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(model) == 0
    (model / "model/a.bin").write_bytes(b"A" * 70)

    assert push(model) == 0

    assert "1 of 5 files uploaded" in capsys.readouterr().out
    assert bucket.versions().count("models/churn-v4/model/a.bin") == 2


def test_the_config_is_the_last_to_go(
    model: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = list[str]()
    pushed = Inbox.push

    def noted(self: Inbox, file: Any, **more: Any) -> Any:
        order.append(file.name)
        return pushed(self, file, **more)

    monkeypatch.setattr(Inbox, "push", noted)
    assert push(model) == 0

    assert order[-1] == "config.json"
    assert set(order[:3]) == FILES.keys()


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        pytest.param(
            lambda folder: (folder / "model/a.bin").write_bytes(b"a" * 69),
            "FileMismatch: model/a.bin has 69 bytes, config.json lists 70",
            id="another size",
        ),
        pytest.param(
            lambda folder: (folder / "model/a.bin").unlink(),
            "model/a.bin is listed in config.json and is not there",
            id="a file is missing",
        ),
        pytest.param(
            lambda folder: lists(folder, [{"file": "a.bin", "size": 70, "sha256": "0" * 64}]),
            "model/a.bin has the SHA-256",
            id="other bytes",
        ),
        pytest.param(
            lambda folder: (folder / "model.tar.gz").write_bytes(b"x"), "TwoModels", id="a tar ball"
        ),
        pytest.param(
            lambda folder: (folder / "metadata.json").write_text('{"git-sha": "9f8d111"}'),
            "config.json carries no metadata training-dataset-version",
            id="labels",
        ),
    ],
)
def test_a_folder_that_would_be_refused_is_not_pushed(
    model: Path,
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    break_it: Callable[[Path], Any],
    said: str,
) -> None:
    break_it(model)

    assert push(model) == 1

    assert said in capsys.readouterr().err
    assert bucket.versions() == []


def test_what_to_list_can_be_printed(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(model, "--list-model-files") == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed["model_files"] == [
        {"file": one[6:], "size": len(FILES[one])} for one in sorted(FILES)
    ]
    assert bucket.versions() == []
    lists(model, printed["model_files"])
    assert push(model) == 0


def test_a_folder_that_no_config_lists_is_told_how_to_be(
    model: Path, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "config.json").write_text(json.dumps(a_config()))

    assert push(model) == 2

    assert "or list model/ in config.json as `--list-model-files` prints" in capsys.readouterr().err
    assert bucket.versions() == []
