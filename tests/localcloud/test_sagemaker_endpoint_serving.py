"""Endpoints answer from the artifact's code, split traffic and report errors as SageMaker does.

AWS: sagemaker/latest/dg/model-ab-testing.html
AWS: sagemaker/latest/dg/monitoring-cloudwatch.html
AWS: sagemaker/latest/dg/your-algorithms-inference-code.html
Model: sagemaker-runtime.InvokeEndpoint
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.environment import project_root
from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import World, eventually

DEFAULTS = """
import os

class Doubler:
    def predict(self, rows):
        return rows * 2

def model_fn(folder):
    return Doubler()
"""


@pytest.fixture(scope="module")
def world(client: Clients) -> World:
    """One endpoint for the whole module: A and B share the traffic 3 to 1, C gets none."""
    world = World(client, f"serving-{os.getpid()}")
    a, b, c = world.model("a"), world.model("b"), world.model("c", code=DEFAULTS)
    world.endpoint(world.config("all", A=(a, 3.0), B=(b, 1.0), C=(c, 0.0)))
    return world


def model_error(call: Callable[[], Any]) -> Any:
    with pytest.raises(ClientError) as refused:
        call()
    answer: Any = refused.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    return answer


def test_a_variant_answers_with_its_own_artifact_and_environment(world: World) -> None:
    """Hosting: the artifact is unpacked, code/inference.py is imported, Environment is set."""
    answer = world.invoke(TargetVariant="B")

    assert answer["Body"]["model"] == "b"
    assert answer["Body"]["greeting"] == "hello from b"
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "B"


def test_traffic_is_split_by_weight(world: World) -> None:
    """Weights are ratios: a variant's share is its weight over the sum of all; 0 gets nothing."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.invoke(), range(400)))

    shares = Counter(answer["InvokedProductionVariant"] for answer in answers)
    assert set(shares) == {"A", "B"}
    assert 250 <= shares["A"] <= 345
    assert all(a["Body"]["model"] == a["InvokedProductionVariant"].lower() for a in answers)


def test_a_target_variant_overrides_weights_and_must_exist(world: World) -> None:
    """TargetVariant reaches a variant of weight 0; the runtime's refusal is ValidationError."""
    csv = world.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=world.name,
        TargetVariant="C",
        Body=b"1,2\n3,4",
        ContentType="text/csv",
        Accept="text/csv",
    )
    assert csv["InvokedProductionVariant"] == "C"
    assert csv["Body"].read() == b"2.0,4.0\n6.0,8.0\n"

    with pytest.raises(ClientError) as refused:
        world.invoke(TargetVariant="D")
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_functions_the_artifact_lacks_are_the_toolkits_defaults(world: World) -> None:
    """SageMaker inference toolkit: JSON, CSV and NPY need no input_fn or output_fn."""
    answer = world.invoke([[1, 2]], TargetVariant="C")  # type: ignore[arg-type]

    assert answer["Body"] == [[2, 4]]


def test_a_model_that_raises_is_a_model_error_500(world: World) -> None:
    """ModelError (424) carries the container's status and message and where its log is."""
    answer = model_error(lambda: world.invoke({"fail": True}, TargetVariant="A"))

    assert answer["OriginalStatusCode"] == 500
    assert answer["OriginalMessage"] == "the model broke"
    assert "Received server error (500) from primary" in answer["Error"]["Message"]
    assert f"/aws/sagemaker/Endpoints/{world.name}" in answer["LogStreamArn"]


def test_a_body_the_model_cannot_read_is_a_client_error(world: World) -> None:
    """Content types nobody reads are 415, malformed bodies 400, inside the ModelError."""
    unsupported = model_error(lambda: world.invoke(ContentType="image/png", TargetVariant="A"))
    default = model_error(lambda: world.invoke(ContentType="image/png", TargetVariant="C"))
    malformed = model_error(
        lambda: world.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=world.name, TargetVariant="A", Body=b"{", ContentType="application/json"
        )
    )

    assert unsupported["OriginalStatusCode"] == 415
    assert default["OriginalStatusCode"] == 415
    assert malformed["OriginalStatusCode"] == 400
    assert "Received client error (400) from primary" in malformed["Error"]["Message"]


def test_a_container_that_dies_is_started_again(world: World) -> None:
    """A lost request is a ModelError; the endpoint stays InService and serves again."""
    before = world.invoke(TargetVariant="A")["Body"]["pid"]
    model_error(lambda: world.invoke({"die": True}, TargetVariant="A"))

    def answer() -> Any:
        try:
            return world.invoke(TargetVariant="A")["Body"]["pid"]
        except ClientError:
            return None

    assert eventually(answer) != before
    assert world.settled()["EndpointStatus"] == "InService"


def test_metrics_are_counted_for_each_variant_on_virtual_time(
    world: World, cloud: LocalCloud
) -> None:
    """AWS/SageMaker by EndpointName, VariantName: errors are 0 or 1 a request, latency in µs."""
    config = world.config("metered", A=(f"{world.name}-a", 1.0), B=(f"{world.name}-b", 0.0))
    name = f"{world.name}-metered"
    world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    world.settled(name)
    metered = World(world.client, name)
    for body in [{}, {}, {"fail": True}, {}]:
        try:
            metered.invoke(body)
        except ClientError:
            continue

    def sums(metric: str, variant: str, statistic: str = "Sum") -> list[float]:
        now = datetime.fromisoformat(cloud.control("health")["time"]).astimezone(UTC)
        found = world.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": variant},
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=5),
            Period=3600,
            Statistics=[statistic],
        )
        return [point[statistic] for point in found["Datapoints"]]

    eventually(lambda: sum(sums("Invocations", "A")) == 4)
    assert sum(sums("Invocation5XXErrors", "A")) == 1
    assert sum(sums("Invocation5XXErrors", "A", "SampleCount")) == 4
    assert sum(sums("InvocationModelErrors", "A")) == 1
    assert sum(sums("Invocation4XXErrors", "A")) == 0
    assert 50 < max(sums("ModelLatency", "A", "Maximum")) < 60e6
    assert sums("Invocations", "B") == []


HOLDS_A_CONTAINER = """
import sys, threading
from pathlib import Path
from localcloud.sagemaker.container import Container
container = Container(Path(sys.argv[1]), {"PATH": "/usr/bin"})
container.wait_until_healthy()
print(container.pid, flush=True)
threading.Event().wait()
"""


def test_a_container_ends_when_the_server_is_killed(tmp_path: Path) -> None:
    """Nothing runs on behind a local cloud that is gone, however it went."""
    (tmp_path / "model" / "code").mkdir(parents=True)
    (tmp_path / "model" / "code" / "inference.py").write_text(DEFAULTS)
    command = [sys.executable, "-c", HOLDS_A_CONTAINER, str(tmp_path)]
    with subprocess.Popen(command, cwd=project_root(), stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert _runs(pid)
        server.kill()

    eventually(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
