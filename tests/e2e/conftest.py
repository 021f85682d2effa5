"""The stack on a local cloud, and lines of versions for each test."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.application import Application, own_function
from tests.e2e.line import Line
from tests.e2e.stack import DEFAULT_APPLICATION, Stack, shared_stack

HERE = Path(__file__).parent
_TURNS = {HERE / "test_recovery.py": 0, HERE / "test_registration.py": 2}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first and what is soon done comes last: no worker waits long."""
    items.sort(key=lambda item: _TURNS.get(item.path, 1))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack; one for all pytest-xdist workers of a run."""
    with shared_stack(_folder(tmp_path_factory)) as running:
        yield running


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes that share the stack meet; `SLUICE_E2E_FOLDER` names one that is up."""
    if "SLUICE_E2E_FOLDER" in os.environ:
        return Path(os.environ["SLUICE_E2E_FOLDER"])
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # what the workers of one run have in common
    return folder / "e2e"


@pytest.fixture
def churn(stack: Stack) -> Iterator[Line]:
    """A line of versions."""
    yield from _line(stack, "churn")


@pytest.fixture
def fraud(stack: Stack) -> Iterator[Line]:
    """Another line of versions, for tests that need two."""
    yield from _line(stack, "fraud")


@pytest.fixture
def gated(stack: Stack) -> Iterator[Line]:
    """A line of versions that the evaluation policy of these tests names."""
    yield from _line(stack, "gated")


@pytest.fixture
def support(stack: Stack) -> Iterator[Application]:
    """A Bedrock application with a function of its own."""
    name = stack.take_application()
    yield from _application(stack, name, own_function(stack, name))


@pytest.fixture
def stacks_own(stack: Stack) -> Iterator[Application]:
    """The application that the stack's own function answers for; for one test alone."""
    yield from _application(stack, DEFAULT_APPLICATION, stack.resources["ServeBedrockFunction"])


def _application(stack: Stack, name: str, function: str) -> Iterator[Application]:
    application = Application(stack, name, function)
    try:
        yield application
    finally:
        application.leave()
    application.line.assert_sound()
    application.line.vanish()


def _line(stack: Stack, name: str) -> Iterator[Line]:
    line = Line(stack, f"{name}-{uuid.uuid4().hex[:8]}")
    try:
        yield line
    finally:
        line.leave()
    line.assert_sound()
    line.vanish()
