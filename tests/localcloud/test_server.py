"""The launcher: up in seconds, loopback only, and gone without a trace.

Ours: how a process starts, listens and ends
AWS: IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localcloud.environment import project_root
from localcloud.launcher import LocalCloud, is_healthy
from localcloud.statefiles import StateFiles
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_function
from tests.localcloud.processes import (
    listening_addresses,
    processes_naming,
    processor_seconds,
)
from tests.localcloud.sagemaker_world import World
from tests.localcloud.waiting import slowness, until, within

SLEEPER = "import time\ndef handler(event, context):\n    time.sleep(60)\n"


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud that the test may end."""
    with LocalCloud(tmp_path / "state") as running:
        yield running


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m localcloud` to its end."""
    whole = [sys.executable, "-m", "localcloud", *arguments]
    return subprocess.run(
        whole, cwd=project_root(), capture_output=True, text=True, timeout=30, check=False
    )


def start_a_sleeping_function(cloud: LocalCloud) -> set[int]:
    """Invoke a function that sleeps; the processes that run it."""
    client = Clients(cloud.endpoint_url)
    create_function(client, "sleeper", SLEEPER, Timeout=60)
    client("lambda").invoke(FunctionName="sleeper", InvocationType="Event", Payload=b"{}")
    scratch = str(cloud.files.scratch)
    found: set[int] = until(lambda: processes_naming(scratch), "the function runs")
    return found


def test_it_answers_within_five_seconds_of_work(own_cloud: LocalCloud) -> None:
    # Processor time on an ordinary machine: this one may be busy or slow.
    assert own_cloud.control("health")["status"] == "ok"
    assert processor_seconds(own_cloud.pid) < 5 * slowness()


def test_who_calls_a_service_that_is_still_being_mounted_waits_for_it(
    own_cloud: LocalCloud,
) -> None:
    assert (
        Clients(own_cloud.endpoint_url)("stepfunctions").list_state_machines()["stateMachines"]
        == []
    )
    assert Clients(own_cloud.endpoint_url)("cloudformation").describe_stacks()["Stacks"] == []


def test_it_listens_on_loopback_only(cloud: LocalCloud) -> None:
    # ministack opens an MQTT listener on every interface unless told not to.
    assert listening_addresses(cloud.pid) == {"0100007F"}


def test_a_taken_port_is_named_and_nothing_starts(cloud: LocalCloud, tmp_path: Path) -> None:
    port = cloud.endpoint_url.rpartition(":")[2]
    tried = command("up", f"--port={port}", f"--state-dir={tmp_path}")
    assert tried.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in tried.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_has_one_holder(cloud: LocalCloud) -> None:
    tried = command("up", "--port=0", f"--state-dir={cloud.files.folder}")
    assert tried.returncode == 1
    assert f"pid={cloud.pid}" in tried.stderr
    assert cloud.control("health")["status"] == "ok"


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_a_speed_that_is_no_speed_is_a_usage_error(speed: str) -> None:
    assert command("up", f"--speed={speed}").returncode == 2


def test_status_says_where_it_answers_and_down_ends_it(own_cloud: LocalCloud) -> None:
    folder = f"--state-dir={own_cloud.files.folder}"
    assert own_cloud.endpoint_url in command("status", folder).stdout
    assert command("down", folder).returncode == 0
    assert command("status", folder).returncode == 1
    assert command("down", folder).returncode == 1


def test_state_is_kept_when_asked_for_until_down(tmp_path: Path) -> None:
    folder = f"--state-dir={tmp_path}"
    with LocalCloud(tmp_path, keep=True) as cloud:
        Clients(cloud.endpoint_url)("s3").create_bucket(Bucket="kept")
        port = cloud.endpoint_url.rpartition(":")[2]
    with LocalCloud(tmp_path, keep=True) as cloud:  # after an end in order, too
        assert [
            one["Name"] for one in Clients(cloud.endpoint_url)("s3").list_buckets()["Buckets"]
        ] == ["kept"]
        assert cloud.endpoint_url.endswith(port), "queue URLs hold the port"
    other = command("up", "--keep", f"--port={int(port) + 1}", folder)
    assert (other.returncode, f"answers on port {port}" in other.stderr) == (1, True)
    assert "forgot its state" in command("down", folder).stdout
    assert not StateFiles(tmp_path).kept.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_all_it_runs_within_three_seconds(
    own_cloud: LocalCloud, number: signal.Signals
) -> None:
    start_a_sleeping_function(own_cloud)
    scratch = own_cloud.files.scratch
    with within(3):
        os.kill(own_cloud.pid, number)
        own_cloud.wait()
    assert processes_naming(str(scratch)) == set()
    assert not scratch.exists()
    with socket.socket() as probe:
        port = int(own_cloud.endpoint_url.rpartition(":")[2])
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_even_a_kill_leaves_no_function_behind(own_cloud: LocalCloud) -> None:
    start_a_sleeping_function(own_cloud)
    os.kill(own_cloud.pid, signal.SIGKILL)
    scratch = str(own_cloud.files.scratch)
    until(lambda: not processes_naming(scratch), "its functions are gone")


def test_a_cloud_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    # A test run that is killed cannot stop what it has started.
    holder = f"""
import time
from pathlib import Path
from localcloud.launcher import LocalCloud
with LocalCloud(Path({str(tmp_path)!r})) as cloud:
    time.sleep(600)
"""
    started = subprocess.Popen([sys.executable, "-c", holder], cwd=project_root())
    running = until(StateFiles(tmp_path).running, "it runs", seconds=60)
    until(lambda: is_healthy(running.endpoint_url), "it answers", seconds=60)
    started.kill()
    started.wait()
    until(lambda: not Path(f"/proc/{running.pid}").exists(), "the server is gone", seconds=20)
    assert StateFiles(tmp_path).running() is None
    assert not StateFiles(tmp_path).scratch.exists(), "it ended in order"


def test_the_next_one_takes_over_what_a_kill_left(own_cloud: LocalCloud) -> None:
    os.kill(own_cloud.pid, signal.SIGKILL)
    own_cloud.wait()
    with LocalCloud(own_cloud.files.folder) as successor:
        assert successor.control("health")["status"] == "ok"


def test_the_clock_runs_at_the_speed_asked_for(own_cloud: LocalCloud) -> None:
    own_cloud.control("clock", {"speed": 3600})
    before = own_cloud.now()
    time.sleep(0.2)
    assert (own_cloud.now() - before).total_seconds() >= 720
    with pytest.raises(OSError, match="400"):
        own_cloud.control("clock", {"speed": 0})


def test_reset_forgets_every_resource(own_cloud: LocalCloud) -> None:
    own_cloud.control("clock", {"speed": 60})
    own_cloud.control("sagemaker", {"deployment_seconds": 1})
    own_cloud.control("quotas", {"ml.m5.large": 7})
    own_cloud.control("bedrock", {"faults": [{"error": "ThrottlingException"}]})
    known = {"knowledge_base_id": "KB12345678", "data_source_id": "DS12345678", "passages": ["a"]}
    own_cloud.control("knowledge", known)
    world = World(Clients(own_cloud.endpoint_url), "forgotten")
    world.endpoint(world.config("one", A=(world.model("a"), 1.0)))
    scaling = world.client("application-autoscaling")
    scaling.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/forgotten/variant/A",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )

    own_cloud.control("reset", {})

    assert world.client("s3").list_buckets()["Buckets"] == []
    assert world.sagemaker.list_endpoints()["Endpoints"] == []
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")
    assert targets["ScalableTargets"] == []
    assert own_cloud.control("quotas") == {"applied": {}, "used": {}}
    assert own_cloud.control("bedrock") == {"faults": []}
    assert own_cloud.control("knowledge") == {}


def test_a_wrong_signature_is_refused(client: Clients, unique: str) -> None:
    client("iam").create_user(UserName=unique)
    key = client("iam").create_access_key(UserName=unique)["AccessKey"]["AccessKeyId"]
    wrong = client("s3", aws_access_key_id=key, aws_secret_access_key="guess")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        wrong.list_buckets()
    unknown = client("s3", aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="guess")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        unknown.list_buckets()
