"""What many tests begin from is the same whether it was just made or copied, and nobody's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG, MODEL
from tests.builders import BUCKET, a_config
from tests.integration import beginnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox


def capture(inbox: Inbox) -> None:
    """A version whose config was pushed twice."""
    inbox.deliver(inbox.push(CONFIG))
    again = inbox.push(CONFIG, a_config(instance_count=2))
    assert inbox.deliver(again, *inbox.push_folder()[::2]) == []


def holds(aws: Callable[[str], Any], inbox: Inbox) -> dict[str, Any]:
    """What S3, the ledger, the registry and ECR tell of it."""
    listed = aws("s3").list_object_versions(Bucket=BUCKET)["Versions"]
    return {
        "versions": [(one["Key"], one["VersionId"], one["ETag"], one["Size"]) for one in listed],
        "heads": [
            aws("s3").head_object(Bucket=BUCKET, Key=one["Key"])["Metadata"] for one in listed
        ],
        "vault": inbox.vault(),
        "ledger": inbox.ledger(),
        "packages": [
            {**one, "ResponseMetadata": None, "CreationTime": None} for one in inbox.every_package()
        ],
        "images": aws("ecr").list_images(repositoryName="churn")["imageIds"],
    }


def test_a_copy_holds_what_was_made_and_is_nobodys_alone(
    aws: Callable[[str], Any], start_over: Callable[[], Inbox]
) -> None:
    found = []
    for _ in range(3):
        inbox = start_over()
        inbox.begin(lambda inbox=inbox: capture(inbox))
        found.append(holds(aws, inbox))
        inbox.push(MODEL, b"other weights")
        (package,) = found[0]["packages"]
        aws("sagemaker").update_model_package(
            ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Rejected"
        )
        aws("dynamodb").delete_table(TableName="sluice-ledger")

    assert len({one[0] for one in found[0]["versions"]}) < len(found[0]["versions"])
    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.parametrize("other", ["a call", "the environment", "moto itself", "what is given"])
def test_what_begins_otherwise_is_made_anew(
    aws: Callable[[str], Any],
    start_over: Callable[[], Inbox],
    monkeypatch: pytest.MonkeyPatch,
    other: str,
) -> None:
    made = list[str]()

    def make() -> None:
        made.append(other)

    for _ in range(2):
        start_over()
        beginnings.begin(make, other)
    assert made == [other]

    start_over()
    if other == "a call":
        aws("sqs").create_queue(QueueName="another")
    if other == "the environment":
        monkeypatch.setenv("REQUIRED_ALARMS", "latency_ms")
    if other == "moto itself":
        beginnings.note("changed")
    beginnings.begin(make, *(() if other == "what is given" else (other,)))
    assert made == [other, other]


def test_makers_of_one_name_in_two_files_are_two(aws: Callable[[str], Any]) -> None:
    def make() -> None:
        aws("s3").create_bucket(Bucket="mine")

    def other() -> None:
        aws("s3").create_bucket(Bucket="others")

    other.__qualname__, other.__module__ = make.__qualname__, "tests.elsewhere"
    past = beginnings._past[0]
    beginnings.begin(make)
    beginnings._past[0] = past

    beginnings.begin(other)

    names = {one["Name"] for one in aws("s3").list_buckets()["Buckets"]}
    assert {"mine", "others"} & names == {"mine", "others"}
