"""The stack on a local cloud, and lines of versions for each test."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.line import Line
from tests.e2e.stack import Stack, shared_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack; one for all pytest-xdist workers of a run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # what the workers of one run have in common
    with shared_stack(folder / "e2e") as running:
        yield running


@pytest.fixture
def churn(stack: Stack) -> Iterator[Line]:
    """A line of versions."""
    yield from _line(stack, "churn")


@pytest.fixture
def fraud(stack: Stack) -> Iterator[Line]:
    """Another line of versions, for tests that need two."""
    yield from _line(stack, "fraud")


def _line(stack: Stack, name: str) -> Iterator[Line]:
    line = Line(stack, name)
    try:
        yield line
    finally:
        line.leave()
    line.assert_sound()
