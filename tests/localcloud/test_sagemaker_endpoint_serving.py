"""Endpoints answer from the artifact's own code, split traffic and report errors as SageMaker does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World


@pytest.fixture
def world(client: Callable[..., Any], unique: str) -> World:
    return World(client, unique)


def test_an_endpoint_answers_from_its_artifacts_code_with_its_containers_environment(
    world: World,
) -> None:
    """SageMaker hosting: the artifact is unpacked, code/inference.py is imported, Environment is set."""
    world.endpoint(world.config("one", AllTraffic=(world.model("a"), 1.0)))

    answer = world.invoke()

    assert answer["Body"]["model"] == "a"
    assert answer["Body"]["greeting"] == "hello from a"
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
