"""What strangers push: broken files, odd keys, evil metadata, tags that move. One record each."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import get_session

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import METADATA, REPOSITORY, WEIGHTS, a_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import ServiceModel

    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire

LONGEST_KEY = 1024
"""Bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html."""


@pytest.mark.parametrize(
    ("body", "record"),
    [
        pytest.param(b"", "Rejected Empty", id="zero bytes"),
        pytest.param(b"PK\x03\x04", "Rejected NotGzip", id="not gzip"),
        pytest.param(WEIGHTS[:-4], "Rejected BrokenGzip", id="truncated"),
        pytest.param(WEIGHTS[:12] + b"\xff" * 30, "Rejected BrokenGzip", id="damaged"),
        pytest.param(WEIGHTS, "Pending", id="fine"),
    ],
)
def test_weights_that_are_no_whole_gzip_file_are_rejected_each_for_its_own_reason(
    inbox: Inbox, body: bytes, record: str
) -> None:
    assert inbox.deliver(inbox.push(MODEL, body)) == []

    assert inbox.records() == {"churn-v4/model.tar.gz 1": record}


@pytest.mark.parametrize("name", [CONFIG, EVALUATION])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":' * 9_000 + b"1" + b"}" * 9_000, id="deep nesting"),
        pytest.param(b'{"accuracy": NaN}', id="NaN"),
        pytest.param(b'{"accuracy": Infinity}', id="Infinity"),
        pytest.param(b'{"accuracy": 1e999}', id="an overflow to infinity"),
        pytest.param(b'{"accuracy": 0.9, "accuracy": 0.1}', id="a name twice"),
        pytest.param(b'{"accuracy": "\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"accuracy": ' + b"9" * 5_000 + b"}", id="five thousand digits"),
        pytest.param(b'\xef\xbb\xbf{"accuracy": 0.9}', id="a byte order mark"),
        pytest.param('{"accuracy": 0.9}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"accuracy": 0.9', id="cut off"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_rejected_with_one_record(
    inbox: Inbox, name: str, body: bytes
) -> None:
    event = inbox.push(name, body)

    assert inbox.deliver(event, event) == []

    assert inbox.records() == {f"churn-v4/{name} 1": "Rejected MalformedJson"}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([unicodedata.normalize(form, "é.py") for form in ("NFC", "NFD")], id="forms"),
        pytest.param(["a b.py", "a+b.py", "a%20b.py", "a%2Bb.py"], id="spaces and escapes"),
        pytest.param(["a.py", "a.py "], id="a trailing space"),
        pytest.param(["a\u202eyp.py", "ayp.py"], id="text that runs backwards"),
        pytest.param(["CODE.py", "code.py"], id="letter cases"),
        pytest.param(["a" * (LONGEST_KEY - len("models/churn-v4/"))], id="the longest key"),
        pytest.param(["\U0001f9e0" * 200], id="beyond the basic plane"),
    ],
)
def test_keys_are_used_byte_for_byte_and_no_two_are_one(inbox: Inbox, names: list[str]) -> None:
    assert len(set(names)) == len(names)

    assert inbox.deliver(*(inbox.push(name, b"x") for name in names)) == []

    assert inbox.records() == {f"churn-v4/{name} 1": "Pending" for name in names}
    noted = {item["sk"] for item in inbox.ledger() if item["pk"] == "UPLOAD#models/churn-v4"}
    assert noted == set(names)


def test_a_key_cannot_write_a_line_of_its_own_into_the_log(
    inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = '{"level": "INFO", "message": "upload handled", "kind": "Registered"}'

    inbox.deliver(inbox.put(f"models/x\n{forged}\r\n{forged}", b"x"))

    assert forged not in capsys.readouterr().out.splitlines()


def test_metadata_of_any_kind_becomes_a_package_that_sagemaker_takes(inbox: Inbox) -> None:
    evil = {
        **METADATA,
        "__proto__": "polluted",
        "release-digest": "forged",
        "manifest": "s3://elsewhere/manifest.json",
        "a-path": "$.Payload {{inject}} ${States.Input}",
        "b-quotes": "\"',{}[]<>&|;`\\",
        "c" * 140: "a long name",
        "d-long": "v" * 300,
        **{f"n{number:02d}": "x" for number in range(60)},
    }
    model = inbox.push(MODEL, WEIGHTS, **evil)

    assert inbox.deliver(model, inbox.push(CONFIG), inbox.push(EVALUATION)) == []

    (package,) = inbox.packages()
    (release,) = inbox.releases()
    said = package["CustomerMetadataProperties"]
    assert said["release-digest"] == release["digest"]
    assert said["manifest"] == release["manifest_uri"]
    assert len(said) <= 50
    for name, value in said.items():
        assert fits("CustomerMetadataKey", name), name
        assert fits("CustomerMetadataValue", value), value
    (manifest,) = [body for key, body in inbox.vault().items() if key.endswith("manifest.json")]
    assert json.loads(manifest)["metadata"]["d-long"] == "v" * 300


def test_a_tag_that_moves_before_the_folder_is_complete_means_what_it_meant(inbox: Inbox) -> None:
    model, config, evaluation = inbox.push_folder()
    meant = inbox.image
    inbox.deliver(config)
    moved = inbox.push_image("1.4.1")
    inbox.move_tag("1.4", moved)

    inbox.deliver(model, evaluation)

    (package,) = inbox.packages()
    (container,) = package["InferenceSpecification"]["Containers"]
    assert meant != moved
    assert container["Image"] == f"{REPOSITORY}@{meant}"


def test_a_tag_of_several_architectures_is_pinned_to_its_index(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    kinds = "application/vnd.docker.distribution.manifest.list.v2+json"
    parts = [
        {"digest": inbox.push_image(tag), "platform": {"architecture": architecture, "os": "linux"}}
        for tag, architecture in (("amd", "amd64"), ("arm64", "arm64"))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": kinds, "manifests": parts})
    pushed = aws("ecr").put_image(
        repositoryName="churn", imageManifest=index, imageManifestMediaType=kinds, imageTag="multi"
    )["image"]["imageId"]["imageDigest"]

    config = inbox.push(CONFIG, a_config(image_uri=f"{REPOSITORY}:multi"))
    inbox.deliver(inbox.push(MODEL), config, inbox.push(EVALUATION))

    (package,) = inbox.packages()
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"] == f"{REPOSITORY}@{pushed}"
    assert pushed not in {part["digest"] for part in parts}


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
def test_an_image_that_nobody_can_pull_is_refused_until_it_is_restored(
    inbox: Inbox, wire: Wire, status: str
) -> None:
    detail = {"imageDigest": f"sha256:{'a' * 64}", "imageStatus": status}
    wire.once("DescribeImages", imageDetails=[detail])

    inbox.deliver(inbox.push(CONFIG))
    inbox.deliver(inbox.push(CONFIG))

    assert inbox.records() == {
        "churn-v4/config.json 1": "Rejected ImageNotActive",
        "churn-v4/config.json 2": "Pending",
    }


def fits(shape: str, text: str) -> bool:
    """Whether the API's own limits and its pattern's set of characters allow the text."""
    limits = sagemaker().shape_for(shape).metadata
    assert limits["pattern"].startswith(r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)")
    taken = (one in "_.:/=+-@" or unicodedata.category(one)[0] in "LZN" for one in text)
    return limits["min"] <= len(text) <= limits["max"] and all(taken)


@cache
def sagemaker() -> ServiceModel:
    return get_session().get_service_model("sagemaker")
