"""Engineers, S3's events and the queue before `register_package`."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.table import decode
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import (
    BUCKET,
    EVALUATION_RESULTS,
    METADATA,
    WEIGHTS,
    a_config,
    an_event,
)
from tests.integration import beginnings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
SCRIPT = b"def input_fn(body):\n    return body\n"


class Inbox:
    """Pushes objects, delivers their events, reads back what became of them."""

    def __init__(
        self, aws: Callable[[str], Any], app: ModuleType, context: SimpleNamespace
    ) -> None:
        self._s3, self._sagemaker = aws("s3"), aws("sagemaker")
        self._dynamodb, self._ecr, self._sqs = aws("dynamodb"), aws("ecr"), aws("sqs")
        self._app, self.context = app, context
        self._writes = 0x617F08299329D189
        self.image = beginnings.begin(self._given_image)

    def begin[T](self, make: Callable[[], T], *given: Any) -> T:
        """Let AWS be as `make` leaves it, which pushes here: see `beginnings`."""

        def pushed() -> tuple[T, int]:
            return make(), self._writes

        name = make.__module__, make.__qualname__
        answer, self._writes = beginnings.begin(pushed, name, id(self._app), self._writes, *given)
        return answer

    def given_script(self) -> None:
        """`churn-v1`, captured with a script beside its model."""
        config = a_config(inference_scripts=[{"file": "code/pre.py", "version": "1"}])
        events = [
            self.put("models/churn-v1/code/pre.py", SCRIPT),
            self.push(MODEL, folder="churn-v1"),
            self.push(CONFIG, config, folder="churn-v1"),
            self.push(EVALUATION, folder="churn-v1"),
        ]
        assert self.deliver(*events) == []

    def _given_image(self) -> str:
        self._ecr.create_repository(repositoryName="churn")
        return self.push_image("1.4")

    def push_image(self, tag: str) -> str:
        """Push an image; its digest."""
        config = {"digest": f"sha256:{len(tag):064x}", "size": 1, "tag": tag}
        layers = [{"digest": f"sha256:{tag.encode().hex():0>64}"}]
        of = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
        pushed = self._ecr.put_image(
            repositoryName="churn",
            imageManifest=json.dumps(of),
            imageTag=tag,
        )
        digest: str = pushed["image"]["imageId"]["imageDigest"]
        return digest

    def move_tag(self, tag: str, digest: str) -> None:
        """Let a tag point to another image."""
        found = self._ecr.batch_get_image(
            repositoryName="churn", imageIds=[{"imageDigest": digest}]
        )["images"]
        self._ecr.put_image(
            repositoryName="churn", imageManifest=found[0]["imageManifest"], imageTag=tag
        )

    def push(
        self, name: str, body: Any = None, *, folder: str = "churn-v4", **metadata: str
    ) -> dict[str, Any]:
        """Push one object of a folder, with proper content unless told otherwise; its event."""
        if body is None:
            body = {MODEL: WEIGHTS, CONFIG: a_config(), EVALUATION: EVALUATION_RESULTS}[name]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        extra = {"Metadata": metadata or METADATA} if name == MODEL else {}
        return self.put(f"models/{folder}/{name}", data, **extra)

    def put(self, key: str, data: bytes, **extra: Any) -> dict[str, Any]:
        """Put an object under any key; its event."""
        put = self._s3.put_object(Bucket=BUCKET, Key=key, Body=data, **extra)
        self._writes += 1
        event = copy.deepcopy(an_event("s3_object_created"))
        event["id"] = f"event-{self._writes:x}"
        event["detail"]["object"] = {
            "key": key,
            "size": len(data),
            "etag": put["ETag"].strip('"'),
            "version-id": put["VersionId"],
            "sequencer": f"{self._writes:x}",
        }
        return event

    def push_folder(self, folder: str = "churn-v4") -> list[dict[str, Any]]:
        """Push a complete version folder; its events."""
        return [self.push(name, folder=folder) for name in (MODEL, CONFIG, EVALUATION)]

    def deliver(self, *events: Any) -> list[int]:
        """One batch from the queue; the positions of the messages to be delivered again."""
        messages = [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"r-{number}",
                "body": event if isinstance(event, str) else json.dumps(event),
                "attributes": {"SentTimestamp": "1777816800000"},
                "eventSource": "aws:sqs",
            }
            for number, event in enumerate(events)
        ]
        if not messages:
            return []  # Lambda is never invoked with an empty batch
        answer = self._app.lambda_handler({"Records": messages}, self.context)
        return [
            int(failure["itemIdentifier"].removeprefix("m-"))
            for failure in answer["batchItemFailures"]
        ]

    def tick(self, *, hours: float = 0.5) -> list[int]:
        """The schedule's event, so long from now."""
        at = datetime.now(UTC) + timedelta(hours=hours)
        return self.deliver({**an_event("events_scheduled"), "time": at.isoformat()})

    def queued(self) -> list[str]:
        """The messages that were sent to the queue of uploads, taken from it."""
        bodies = list[str]()
        while found := self._sqs.receive_message(
            QueueUrl=os.environ["UPLOADS_QUEUE_URL"], MaxNumberOfMessages=10
        ).get("Messages"):
            bodies += [one["Body"] for one in found]
            for one in found:
                self._sqs.delete_message(
                    QueueUrl=os.environ["UPLOADS_QUEUE_URL"], ReceiptHandle=one["ReceiptHandle"]
                )
        return bodies

    def records(self) -> dict[str, str]:
        """Kind and reason of every input's receipt, by the object's key and its n-th version."""
        order: dict[str, list[str]] = {}
        for version in self._versions():
            order.setdefault(version["Key"], []).insert(0, version["VersionId"])
        said = {}
        for item in self.ledger():
            if item["sk"] == "RECORD":
                key, _, version = item["identity"].removeprefix(f"{BUCKET}/").rpartition("@")
                number = order[key].index(version) + 1 if version in order.get(key, []) else version
                reason = f" {item['reason']}" if "reason" in item else ""
                said[f"{key.removeprefix('models/')} {number}"] = f"{item['kind']}{reason}"
        return said

    def details(self) -> dict[str, str]:
        """The detail of every input's receipt, by its key."""
        return {
            item["identity"].rpartition("@")[0].rpartition("/")[2]: item.get("detail", "")
            for item in self.ledger()
            if item["sk"] == "RECORD"
        }

    def packages(self, group: str = "churn") -> list[dict[str, Any]]:
        """Every package of the group that is not rejected, oldest first, described."""
        every = self.every_package(group)
        return [one for one in every if one["ModelApprovalStatus"] != "Rejected"]

    def every_package(self, group: str = "churn") -> list[dict[str, Any]]:
        """Every package of the group, oldest first, described."""
        listed = self._sagemaker.list_model_packages(
            ModelPackageGroupName=group, SortOrder="Ascending", MaxResults=100
        )["ModelPackageSummaryList"]
        return [
            self._sagemaker.describe_model_package(ModelPackageName=one["ModelPackageArn"])
            for one in listed
        ]

    def vault(self) -> dict[str, bytes]:
        """The content of everything in the vault, by its key."""
        return {
            version["Key"]: self._s3.get_object(Bucket=BUCKET, Key=version["Key"])["Body"].read()
            for version in self._versions()
            if version["Key"].startswith("releases/")
        }

    def releases(self) -> list[dict[str, Any]]:
        """Every release in the ledger."""
        return [item for item in self.ledger() if item["sk"].startswith("V#")]

    def ledger(self) -> list[dict[str, Any]]:
        """Every item in the ledger."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName="sluice-ledger")
        return [decode(item) for page in pages for item in page["Items"]]

    def open_uploads(self) -> list[str]:
        """Keys of multipart uploads that nobody completed or aborted."""
        found = self._s3.list_multipart_uploads(Bucket=BUCKET)
        return [one["Key"] for one in found.get("Uploads", [])]

    def _versions(self) -> list[dict[str, Any]]:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
        return [version for page in pages for version in page.get("Versions", [])]
