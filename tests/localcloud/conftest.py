"""One local cloud for all contract tests, sixty times as fast as the world."""

import collections
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.launcher import LocalCloud

SPEED = 60.0

_session: Any = boto3.session.Session()


class Clients:
    """Makes clients: as the account's root, or with other keys."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def __call__(self, service: str, **keys: str) -> Any:
        """A client of `service` that tries once."""
        return _session.client(
            service,
            region_name="us-east-1",
            endpoint_url=self._endpoint_url,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            **(keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )

    def as_role(self, service: str, role_arn: str) -> Any:
        """A client of `service` with a session of the role."""
        session = self("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return self(
            service,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The local cloud of this test session."""
    with LocalCloud(tmp_path_factory.mktemp("localcloud"), speed=SPEED) as running:
        yield running


@pytest.fixture(scope="session")
def client(cloud: LocalCloud) -> Clients:
    """Clients of this session's local cloud."""
    return Clients(cloud.endpoint_url)


@pytest.fixture(autouse=True)
def _answers_have_the_shapes_of_aws(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every answer that anybody got during a test is one AWS's service models allow."""
    if not {"cloud", "client"} & set(request.fixturenames):
        yield
        return
    running: LocalCloud = request.getfixturevalue("cloud")
    before = _faults(running)
    yield
    assert _faults(running) - before == collections.Counter()


def _faults(cloud: LocalCloud) -> collections.Counter[str]:
    told = cloud.control("answers")["faults"]
    return collections.Counter({f"{one['operation']}: {one['fault']}": one["seen"] for one in told})


@pytest.fixture
def unique() -> str:
    """A name no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
