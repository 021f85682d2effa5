"""What the demo pushes has the shape that the inbox takes."""

from __future__ import annotations

import json
import math
import tarfile
from typing import TYPE_CHECKING

import pytest

from demo.models import Trained, held_out, train
from demo.packing import Package, pack
from demo.rows import Kind

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1.9"


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(1)


@pytest.fixture
def package(trained: Trained, tmp_path: Path) -> Package:
    return pack(trained, "code = 1\n", image_uri=IMAGE, git_sha="abc123", into=tmp_path)


def test_the_archive_holds_the_weights_and_the_code_that_serves_them(package: Package) -> None:
    with tarfile.open(package.archive) as archive:
        code = archive.extractfile("code/inference.py")

        assert archive.getnames() == ["model.joblib", "code/inference.py"]
        assert code is not None
        assert code.read() == b"code = 1\n"


def test_the_metadata_has_the_keys_an_upload_needs(package: Package, trained: Trained) -> None:
    assert package.metadata == {
        "git-sha": "abc123",
        "training-date": "2026-03-25",
        "base-model": "DecisionTreeClassifier",
        "training-dataset-version": "breast-cancer-wisconsin",
        "eval-accuracy": str(round(trained.accuracy, 4)),
    }


def test_the_documents_say_where_it_serves_and_how_it_scored(
    package: Package, trained: Trained
) -> None:
    config, evaluation = (json.loads(document.read_text()) for document in package.documents)

    assert config["image_uri"] == IMAGE
    assert config["endpoint_name"] == "tumours"
    assert config["rollout"]["steps"] == [5, 25, 50, 100]
    assert evaluation["accuracy"] == pytest.approx(trained.accuracy, abs=5e-5)
    assert package.prefix == "models/tumours-v1"


@pytest.mark.parametrize("kind", Kind)
def test_a_row_on_the_wire_reads_back_as_its_measurements(kind: Kind) -> None:
    for row in held_out(kind):
        read = tuple(
            float(cell.removesuffix("mm")) if cell else math.nan for cell in row.csv.split(",")
        )

        assert [*map(repr, read)] == [*map(repr, row.measurements)]


def test_kinds_of_rows_differ_in_how_they_are_written() -> None:
    complete, incomplete, scientific, with_unit = (held_out(kind)[3].csv for kind in Kind)

    assert "" not in complete.split(",")
    assert incomplete.split(",").count("") == 1
    assert all("e" in cell for cell in scientific.split(","))
    assert "e" not in complete
    assert all(cell.endswith("mm") for cell in with_unit.split(","))
