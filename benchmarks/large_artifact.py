"""A large artifact is captured without passing through the function: shown on a real one.

`python -m benchmarks.large_artifact` starts a local cloud with the stack deployed, pushes a folder
whose `model.tar.gz` has that many bytes, waits until it is registered, and writes down what
`register_package` asked of S3, how many parts the copy has, and what the function's process held
and read at most. Needs twice the artifact in memory, for the local cloud keeps both sides there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from rich.console import Console

from benchmarks.cold_start import revision
from localcloud.constants import REGION
from localcloud.launcher import LocalCloud
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.parts import SMALLEST_PART, cut
from sluice.domain.release import Capture, Release, ReleaseName
from tests.e2e import folders
from tests.e2e.stack import Stack, deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = Path(__file__).resolve().parent / "results" / "large_artifact.json"
_GIB = 1024**3
_MIB = 1024**2
_NAME = ReleaseName(group="large", version=1)
_PATIENCE_SECONDS = 1800
_FUNCTION = b"RegisterPackage"
_SCENE = "AWS_LAMBDA_FUNCTION_NAME="


@dataclass
class Watched:
    """The most that a process of the function held in memory, and had read, by its number."""

    rss_mib: dict[int, float] = field(default_factory=dict)
    read_mib: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What was seen."""

    date: str
    revision: str
    artifact_bytes: int
    parts_expected: int
    parts_of_the_copy: int
    """By the copy's ETag, which S3 makes of its parts."""
    compared: str
    actions: dict[str, int]
    """What the function's role was allowed to do with S3, by action of IAM."""
    pushed_in_seconds: float
    registered_in_seconds: float
    """From the last object of the folder on: the queue gathers uploads for twenty of them."""
    function_peak_rss_mib: float
    function_read_mib: float
    """From sockets and files, its own code included."""
    localcloud_peak_rss_mib: float


def main() -> int:
    """Measure and write the result."""
    options = _parser().parse_args()
    size = int(options.gib * _GIB)
    with tempfile.TemporaryDirectory(prefix="large-", dir=options.folder) as folder:
        result = _measured(Path(folder), size)
    told = json.dumps(asdict(result), indent=2)
    Console().print_json(told)
    if not options.dry_run:
        RESULT.write_text(told + "\n")
    return 0


def _measured(folder: Path, size: int) -> Result:
    with LocalCloud(folder / "cloud") as cloud:
        stack, watched = deployed(cloud), Watched()
        began = time.monotonic()
        with _watching(watched):
            _push(stack, size)
            pushed = time.monotonic()
            release = _registered(stack)
            ended = time.monotonic()
        copy = _copy_of(stack, release)
        return Result(
            date=datetime.now(UTC).date().isoformat(),
            revision=revision(),
            artifact_bytes=size,
            parts_expected=len(cut(size)),
            parts_of_the_copy=int(copy["etag"].rpartition("-")[2]),
            compared=copy["compared"],
            actions=_actions(stack),
            pushed_in_seconds=round(pushed - began, 1),
            registered_in_seconds=round(ended - pushed, 1),
            function_peak_rss_mib=max(watched.rss_mib.values()),
            function_read_mib=max(watched.read_mib.values()),
            localcloud_peak_rss_mib=_status(cloud.pid, "VmHWM"),
        )


def _push(stack: Stack, size: int) -> None:
    """Push a folder; its weights are put together inside S3, of one part again and again.

    What is to be shown begins when they are there.
    """
    s3, key = _patient(stack), f"models/{_NAME}/"
    seed = gzip.compress(b"weights").ljust(SMALLEST_PART, b"\xa5")
    version = s3.put_object(Bucket=stack.bucket, Key="seed", Body=seed)["VersionId"]
    named = {"Bucket": stack.bucket, "Key": f"{key}{MODEL}"}
    begun = s3.create_multipart_upload(
        **named, Metadata=folders.METADATA, ChecksumAlgorithm="CRC64NVME"
    )
    named["UploadId"] = begun["UploadId"]
    source = {"Bucket": stack.bucket, "Key": "seed", "VersionId": version}
    parts = []
    for number, left in enumerate(range(size, 0, -SMALLEST_PART), start=1):
        extent = f"bytes=0-{min(left, SMALLEST_PART) - 1}"
        copied = s3.upload_part_copy(
            **named, PartNumber=number, CopySource=source, CopySourceRange=extent
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    evaluation, config = {"accuracy": 0.91}, folders.config()
    for name, content in ((EVALUATION, evaluation), (CONFIG, config)):
        body = json.dumps(content).encode()
        s3.put_object(Bucket=stack.bucket, Key=f"{key}{name}", Body=body)


def _patient(stack: Stack) -> Any:
    """A client that waits until the local cloud has put gigabytes together."""
    session: Any = boto3.session.Session()
    return session.client(
        "s3",
        region_name=REGION,
        endpoint_url=stack.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the local cloud's root
        config=Config(read_timeout=_PATIENCE_SECONDS, s3={"addressing_style": "path"}),
    )


def _registered(stack: Stack) -> Release:
    releases = Releases(Table(stack.client("dynamodb"), stack.resources["Ledger"]))
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        release = releases.get(_NAME)
        if release and release.capture is Capture.REGISTERED:
            return release
        time.sleep(0.5)
    message = f"not registered within {_PATIENCE_SECONDS} seconds"
    raise TimeoutError(message)


def _copy_of(stack: Stack, release: Release) -> dict[str, Any]:
    table = Table(stack.client("dynamodb"), stack.resources["Ledger"])
    copies = Releases(table).captured(release.name).copies
    (copy,) = (one.model_dump(mode="json") for one in copies if one.name == MODEL)
    return copy


def _actions(stack: Stack) -> dict[str, int]:
    role = stack.resources["RegisterPackageRole"]
    with stack.calls_log.open() as log:
        asked = [json.loads(line) for line in log]
    ours = (one for one in asked if role in (one["principal"] or ""))
    return dict(sorted(Counter(o["action"] for o in ours if o["action"][:3] == "s3:").items()))


@contextmanager
def _watching(watched: Watched) -> Iterator[None]:
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            for pid in _processes():
                _look_at(pid, watched)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def _look_at(pid: int, watched: Watched) -> None:
    try:
        read = Path(f"/proc/{pid}/io").read_text()
        watched.rss_mib[pid] = _status(pid, "VmHWM")
    except (OSError, ValueError):  # it has ended; what nobody waited for yet has no memory
        return
    watched.read_mib[pid] = round(int(read.split()[1]) / _MIB, 1)


def _processes() -> Iterator[int]:
    """The function's own: Lambda tells each process whose it is."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(one.startswith(_SCENE.encode()) and _FUNCTION in one for one in told):
            yield int(folder.name)


def _status(pid: int, name: str) -> float:
    """A figure of the process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return round(int(found) / 1024, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_artifact",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gib", type=float, default=6.0, help="of the artifact (%(default)s)")
    parser.add_argument("--folder", default=None, help="for temporary files")
    parser.add_argument("--dry-run", action="store_true", help="write no result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
