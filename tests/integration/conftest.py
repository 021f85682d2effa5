"""One mocked AWS for all integration tests, emptied before each of them.

Clients and functions are made once: the mock stands in front of every client of the process, and
emptying it takes milliseconds where rebuilding clients takes half a second.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from sluice.adapters.ledger.table import Table
from tests.builders import ACCOUNT, BUCKET, REGION, a_quota
from tests.integration import beginnings, mocking, own_stack, signing
from tests.integration.applications import Bedrock, Function, put_release
from tests.integration.captured import Captured
from tests.integration.catalogue import Catalogue
from tests.integration.faults import Faults
from tests.integration.gated import GATES, deployed_with
from tests.integration.inbox import Inbox
from tests.integration.lambdas import APPLICATIONS, Lambdas
from tests.integration.published import Application
from tests.integration.pushing import Bucket
from tests.integration.repository import Repository
from tests.integration.scaled import Scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.rollouts import Wire, World

ROOT = Path(__file__).parent.parent.parent
TABLE = "sluice-ledger"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:sluice-notifications"
UPLOADS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/uploads"
SURVEYS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/surveys"
VERIFICATIONS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/verifications"
LOOKS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/looks"
TOLD = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/told"

ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
"""What models run as whose config names no role."""
OWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/churn-own"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "ACCOUNT": ACCOUNT,
    "ARTIFACTS_BUCKET": BUCKET,
    "LEDGER_TABLE": TABLE,
    "NOTIFICATIONS_TOPIC_ARN": TOPIC,
    "EXECUTION_ROLE_ARNS": OWN_ROLE,
    "STACK_ID": own_stack.STACK_ID,
    "OWN_ROLE_ARNS": f"arn:aws:iam::{ACCOUNT}:role/sluice-RegisterPackageRole",
    "INFRASTRUCTURE_COMMIT": "4f2a91c0ffee-dirty",
    "SIGNING_KEY_ARN": signing.SIGNING_KEY,
    "TRUSTED_KEY_ARNS": signing.FORMER_KEY,
    "UPLOADS_QUEUE_URL": UPLOADS,
    "LOOKS_QUEUE_URL": LOOKS,
    "SURVEYS_QUEUE_URL": SURVEYS,
    "VERIFICATIONS_QUEUE_URL": VERIFICATIONS,
    "EVALUATION_FLOORS": "accuracy=0.8",
    "REQUIRED_ALARMS": "error_rate",
    "DEFAULT_APPLICATION": "assistant",
    "APPLICATION_FUNCTIONS": ",".join(f"{one}=sluice-serve" for one in APPLICATIONS),
    "POWERTOOLS_SERVICE_NAME": "sluice",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "POWERTOOLS_LOG_LEVEL": "ERROR",
}


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """What the template would set, and credentials of nobody."""
    assert DEFAULT_ACCOUNT_ID == ACCOUNT
    before = dict(os.environ)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def mocked(environment: None) -> Iterator[None]:
    """Every boto3 client of this process talks to moto."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        mocking.remember(patched)
        own_stack.play(patched)
        signing.as_kms(patched)
        with beginnings.attending(patched):
            yield


@pytest.fixture(scope="session")
def clients(mocked: None) -> Callable[[str], Any]:
    """A client for a service, made once."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
        return made[service]

    return client


@pytest.fixture
def aws(clients: Callable[[str], Any]) -> Callable[[str], Any]:
    """An AWS with nothing in it but the ledger's table, the artifact bucket and the topic."""
    _start_over(clients)
    return clients


@pytest.fixture
def table(aws: Callable[[str], Any]) -> Table:
    """The ledger's table, empty."""
    return Table(aws("dynamodb"), TABLE)


@pytest.fixture(scope="session")
def function(mocked: None) -> Callable[[str], ModuleType]:
    """The `app` of a function, loaded once, as Lambda would load it."""
    loaded: dict[str, ModuleType] = {}

    def load(name: str) -> ModuleType:
        if name not in loaded:
            path = ROOT / "functions" / name / "app.py"
            spec = importlib.util.spec_from_file_location(f"functions.{name}.app", path)
            assert spec
            assert spec.loader
            loaded[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded[name])
        return loaded[name]

    return load


@pytest.fixture
def context() -> SimpleNamespace:
    """A Lambda context."""
    return SimpleNamespace(
        function_name="sluice",
        memory_limit_in_mb=256,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sluice",
        aws_request_id="52fdfc07-2182-154f-163f-5f0f9a621d72",
        log_group_name="/aws/lambda/sluice",
        get_remaining_time_in_millis=lambda: 900_000,
    )


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators say which keys they trust, where there is no stack to ask."""
    monkeypatch.setenv("SLUICE_TRUSTED_KEYS", f"{signing.SIGNING_KEY},{signing.FORMER_KEY}")


@pytest.fixture
def envelopes(aws: Callable[[str], Any]) -> signing.Envelopes:
    """The envelopes in the vault."""
    return signing.Envelopes(aws("s3"))


@pytest.fixture
def told(aws: Callable[[str], Any]) -> Callable[[], list[str]]:
    """What people were told, oldest first; call it as often as you like."""
    aws("sqs").create_queue(QueueName="told")
    aws("sns").subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"
    )
    heard: list[str] = []

    def listen() -> list[str]:
        while (
            messages := aws("sqs")
            .receive_message(QueueUrl=TOLD, MaxNumberOfMessages=10)
            .get("Messages")
        ):
            for message in messages:
                heard.append(json.loads(message["Body"])["Message"])
                aws("sqs").delete_message(QueueUrl=TOLD, ReceiptHandle=message["ReceiptHandle"])
        return list(heard)

    return listen


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What can go wrong at any AWS call."""
    return Faults(monkeypatch)


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """What Bedrock knows: one model, and what a test adds; the function of two applications."""
    Lambdas(monkeypatch)
    return Catalogue(monkeypatch)


@pytest.fixture
def inbox(
    aws: Callable[[str], Any], function: Callable[[str], ModuleType], context: SimpleNamespace
) -> Inbox:
    """The artifact bucket's inbox, an image in ECR, and the function behind them."""
    return Inbox(aws, function("register_package"), context)


@pytest.fixture
def start_over(
    clients: Callable[[str], Any], function: Callable[[str], ModuleType], context: SimpleNamespace
) -> Callable[[], Inbox]:
    """The same inbox in an AWS emptied again, for tests that go through many cases."""

    def start() -> Inbox:
        _start_over(clients)
        return Inbox(clients, function("register_package"), context)

    return start


@pytest.fixture(scope="session")
def judging(mocked: None, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """`register_package` with an evaluation policy."""
    return deployed_with(GATES, tmp_path_factory.mktemp("register_package"))


@pytest.fixture
def gated(aws: Callable[[str], Any], judging: ModuleType, context: SimpleNamespace) -> Inbox:
    """An inbox whose function has an evaluation policy."""
    return Inbox(aws, judging, context)


@pytest.fixture
def start_gated(
    clients: Callable[[str], Any], judging: ModuleType, context: SimpleNamespace
) -> Callable[[], Inbox]:
    """The same inbox in an AWS emptied again."""

    def start() -> Inbox:
        _start_over(clients)
        return Inbox(clients, judging, context)

    return start


def _start_over(clients: Callable[[str], Any]) -> None:
    beginnings.empty()

    def set_up() -> None:
        _set_up(clients)

    beginnings.begin(set_up)


def _set_up(clients: Callable[[str], Any]) -> None:
    signing.put_keys()
    clients("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    clients("s3").create_bucket(Bucket=BUCKET)
    clients("s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    for role in (ROLE, OWN_ROLE):
        clients("iam").create_role(
            RoleName=role.rpartition("/")[2], AssumeRolePolicyDocument='{"Version": "2012-10-17"}'
        )
    clients("sns").create_topic(Name="sluice-notifications")
    for queue in (UPLOADS, LOOKS, SURVEYS, VERIFICATIONS):
        clients("sqs").create_queue(QueueName=queue.rpartition("/")[2])


@pytest.fixture
def bedrock(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Bedrock:
    """Bedrock's runtimes, answering."""
    return Bedrock(monkeypatch)


@pytest.fixture
def ask(bedrock: Bedrock, context: SimpleNamespace) -> Function:
    """The function that answers, not started yet."""
    return Function(context)


@pytest.fixture
def release(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Put a release into the vault and make it what the function's version serves."""

    def put(texts: dict[str, bytes] | None = None, **changes: Any) -> str:
        said = put_release(aws("s3"), texts, **changes)
        monkeypatch.setenv("SLUICE_VERSION", said)
        return said

    return put


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """What the one invocation put into CloudWatch."""

    def read() -> dict[str, Any]:
        (line,) = [one for one in capsys.readouterr().out.splitlines() if '"_aws"' in one]
        said: dict[str, Any] = json.loads(line)
        return said

    return read


@pytest.fixture
def lambdas(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """Lambda as far as moto does not know it, beside Bedrock's catalogue."""
    assert catalogue
    monkeypatch.setattr("sluice.publishing._PAUSE_SECONDS", 0)
    return Lambdas(monkeypatch)


@pytest.fixture
def making(
    world: World, inbox: Inbox, lambdas: Lambdas, catalogue: Catalogue
) -> Callable[..., Application]:
    """Makes an application whose second config was approved and is to be prepared."""

    def make(**changes: Any) -> Application:
        return Application(world, inbox, lambdas, catalogue, **changes)

    return make


@pytest.fixture
def support(making: Callable[..., Application]) -> Application:
    """Such an application."""
    return making()


@pytest.fixture
def bucket(aws: Callable[[str], Any]) -> Bucket:
    """The bucket, empty."""
    return Bucket(aws("s3"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a committed configuration."""
    repository = Repository(tmp_path / "support")
    repository.configure()
    return repository


@pytest.fixture
def scaled(world: World) -> Scaled:
    """What Application Auto Scaling has of the endpoint `churn`."""
    return Scaled(world)


@pytest.fixture
def captured(world: World, inbox: Inbox, wire: Wire) -> Captured:
    """Versions 1 and 2 captured, 1 serving; the quota allows a hundred instances."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])
    return Captured(world, inbox)
