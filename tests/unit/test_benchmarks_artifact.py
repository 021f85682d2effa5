"""Whether the byte code in an artifact is what Lambda will run."""

from __future__ import annotations

import importlib.util
import py_compile
from pathlib import Path

import pytest

from benchmarks.artifact import is_compiled, size_of

Mode = py_compile.PycInvalidationMode


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source file."""
    file = tmp_path / "thing.py"
    file.write_text("answer = 42\n")
    return file


def compiled(source: Path, mode: Mode) -> Path:
    """The source's byte code, just made."""
    return Path(str(py_compile.compile(str(source), invalidation_mode=mode)))


def test_byte_code_by_unchecked_hash_is_what_runs(source: Path) -> None:
    compiled(source, Mode.UNCHECKED_HASH)

    assert is_compiled(source)


@pytest.mark.parametrize("mode", [Mode.TIMESTAMP, Mode.CHECKED_HASH])
def test_byte_code_that_is_compared_with_its_source_does_not_count(
    source: Path, mode: Mode
) -> None:
    compiled(source, mode)

    assert not is_compiled(source)


def test_a_source_without_byte_code_does_not_count(source: Path) -> None:
    assert not is_compiled(source)


def test_byte_code_of_another_source_does_not_count(source: Path) -> None:
    compiled(source, Mode.UNCHECKED_HASH)
    source.write_text("answer = 43\n")

    assert not is_compiled(source)


def test_byte_code_of_another_python_does_not_count(source: Path) -> None:
    file = compiled(source, Mode.UNCHECKED_HASH)
    magic = importlib.util.MAGIC_NUMBER
    file.write_bytes(b"\0" * len(magic) + file.read_bytes()[len(magic) :])

    assert not is_compiled(source)


def test_a_folder_is_counted_file_by_file(source: Path) -> None:
    compiled(source, Mode.UNCHECKED_HASH)
    (source.parent / "data.json").write_text("{}")

    size = size_of(source.parent)

    assert (size.files, size.sources, size.compiled) == (3, 1, 1)
    assert size.bytes == sum(file.stat().st_size for file in source.parent.rglob("*.*"))
    assert size.zipped_bytes > 0
