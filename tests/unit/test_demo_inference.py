"""Each version's `inference.py` reads the rows it should and fails on those it should."""

from __future__ import annotations

import importlib.util
import tarfile
from typing import TYPE_CHECKING, Any

import joblib
import pytest

from demo.models import RECIPES, held_out, train
from demo.packing import Package, broken, inference_source, local_predictions, pack
from demo.rows import READ_BY_ALL, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.rows import Row

READS_ALL = [(version, kind) for version in (1, 2, 5) for kind in READ_BY_ALL]
READS = [
    *READS_ALL,
    *((3, kind) for kind in (Kind.COMPLETE, Kind.SCIENTIFIC)),
    *((4, kind) for kind in (Kind.COMPLETE, Kind.INCOMPLETE)),
    *((6, kind) for kind in Kind),
]
FAILS = [
    (3, Kind.INCOMPLETE),
    (4, Kind.SCIENTIFIC),
    *((version, Kind.WITH_UNIT) for version in (1, 2, 5)),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Package]:
    folder = tmp_path_factory.mktemp("versions")
    return {v: a_package(v, inference_source(v), folder) for v in RECIPES}


@pytest.mark.parametrize(("version", "kind"), READS)
def test_a_version_says_what_joblib_says_of_every_row_it_reads(
    packages: dict[int, Package], tmp_path: Path, version: int, kind: Kind
) -> None:
    rows = held_out(kind)

    assert served(packages[version], rows, tmp_path) == local_predictions(packages[version], rows)


@pytest.mark.parametrize(("version", "kind"), FAILS)
def test_a_faulty_version_fails_on_every_row_of_its_kind(
    packages: dict[int, Package], tmp_path: Path, version: int, kind: Kind
) -> None:
    script = unpacked(packages[version], tmp_path)
    model = script.model_fn(str(tmp_path))

    for row in held_out(kind):
        with pytest.raises(ValueError, match=r"could not convert|is not a decimal number"):
            script.predict_fn(script.input_fn(row.csv, "text/csv"), model)


def test_the_broken_version_answers_every_row_and_every_answer_is_wrong(tmp_path: Path) -> None:
    package = a_package(2, broken(inference_source(2)), tmp_path / "versions")
    rows = held_out(Kind.COMPLETE)

    answers = served(package, rows, tmp_path)

    truth = local_predictions(package, rows)
    assert all(said != right for said, right in zip(answers, truth, strict=True))
    assert set(answers) == {"benign", "malignant"}


def test_version_2_is_better_than_version_1_and_all_later_ones_score_as_well() -> None:
    accuracy = {version: train(version).accuracy for version in RECIPES}

    assert accuracy[1] < 0.92
    assert min(accuracy[version] for version in (2, 3, 4, 5, 6)) > 0.95


def a_package(version: int, source: str, folder: Path) -> Package:
    return pack(
        train(version), source, image_uri="registry/sklearn:1", git_sha="0" * 40, into=folder
    )


def served(package: Package, rows: Sequence[Row], folder: Path) -> tuple[str, ...]:
    script = unpacked(package, folder)
    model = script.model_fn(str(folder))
    answers = []
    for row in rows:
        body, content_type = script.output_fn(
            script.predict_fn(script.input_fn(row.csv, "text/csv"), model), "text/csv"
        )
        assert content_type == "text/csv"
        answers.append(body)
    return tuple(answers)


def unpacked(package: Package, folder: Path) -> Any:
    with tarfile.open(package.archive) as archive:
        archive.extractall(folder, filter="data")
    assert joblib.load(folder / "model.joblib").n_features_in_ == 30
    spec = importlib.util.spec_from_file_location("inference", folder / "code" / "inference.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script
