"""What engineers push: small models whose answer is their version, and the files beside them."""

import io
import json
import tarfile
from typing import Any

from localcloud.constants import ACCOUNT, REGION

REPOSITORY, IMAGE_TAG = "e2e", "1"
IMAGE_URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{IMAGE_TAG}"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 7023,
        "digest": "sha256:" + "e2" * 32,
    },
    "layers": [],
}
MODEL, CONFIG, EVALUATION = "model.tar.gz", "config.json", "evaluation-results.json"
ALL_FILES = (MODEL, CONFIG, EVALUATION)

METADATA = {
    "git-sha": "9f8d111c0ffee",
    "training-date": "2026-03-25",
    "base-model": "xgboost-2.1",
    "training-dataset-version": "v3.2",
    "eval-accuracy": "0.91",
}
USUAL, STRANGE = "usual", "strange"
"""What users send; some models cannot read the strange."""

_INFERENCE = """\
import itertools

asked = itertools.count(1)

def model_fn(folder):
    {start}
    return {version}

def input_fn(body, content_type):
    if body in {refuses}:
        raise ValueError("version {version} takes no " + body)
    return body

def predict_fn(said, version):
    if said in {fails_on} or next(asked) % {fails_every} == 0:
        raise RuntimeError("version {version} cannot read " + said)
    return version

def output_fn(version, accept):
    return str(version), "text/csv"
"""


def inference(
    version: int,
    *,
    fails_on: tuple[str, ...] = (),
    fails_every: int = 10**9,
    refuses: tuple[str, ...] = (),
    starts: bool = True,
) -> str:
    """An `inference.py` that answers with its version.

    It refuses (400) what it is told to, and fails (500) on what it is told to or on each n-th.
    """
    start = "pass" if starts else "raise RuntimeError('the weights do not fit the code')"
    return _INFERENCE.format(
        start=start, version=version, fails_on=fails_on, fails_every=fails_every, refuses=refuses
    )


def archive(source: str) -> bytes:
    """`model.tar.gz` with the code that serves it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(source.encode())
        packed.addfile(member, io.BytesIO(source.encode()))
    return content.getvalue()


def plan(**changes: Any) -> dict[str, Any]:
    """A short rollout: half the traffic, then all of it.

    A few requests in a minute of the cloud prove little: what they cannot tell is fine here.
    """
    usual = {
        "strategy": "canary",
        "steps": [50, 100],
        "bake_minutes": {"min": 1, "max": 12, "last": 2},
        "standby_minutes": 2,
        "analysis": {"margin_abs": 0.9, "beta": 0.6},
    }
    return {**usual, **changes}


def config(**changes: Any) -> dict[str, Any]:
    """What an engineer writes into `config.json`."""
    usual = {
        "image_uri": IMAGE_URI,
        "instance_type": "ml.m5.large",
        "content_types": ["text/csv"],
        "response_types": ["text/csv"],
        "rollout": plan(),
        "alarms": {"error_rate": 0.05, "evaluation_periods": 1, "datapoints": 1},
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not ...}


def folder(version: int, source: str = "", **config_changes: Any) -> dict[str, bytes]:
    """A complete version folder: content by file name."""
    return {
        MODEL: archive(source or inference(version)),
        CONFIG: json.dumps(config(**config_changes)).encode(),
        EVALUATION: json.dumps({"accuracy": 0.91, "f1": 0.9}).encode(),
    }
