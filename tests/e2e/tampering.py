"""What somebody with all rights can change, each change taken back again; what is told of it."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli.__main__ import main
from localcloud.constants import ACCOUNT, REGION
from localcloud.launcher import client_environment
from tests.e2e.folders import MANIFEST, MODEL
from tests.e2e.line import Line

type Told = tuple[str, str, str, str]
"""Severity, what, expected, found."""


class Sluice:
    """`sluice verify` and `sluice audit`, asked in this process."""

    def __init__(
        self, line: Line, target: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        for name, value in client_environment(line.stack.endpoint_url).items():
            monkeypatch.setenv(name, value)
        self._target, self._capsys = target, capsys

    def verify(self) -> list[Told]:
        """What is not as it was approved."""
        code, told = self._ask("verify")
        (target,) = told["targets"]
        found = [
            (one["severity"], one["what"], one["expected"], one["found"])
            for one in target["findings"]
        ]
        assert code == (1 if found else 0)
        return found

    def audit(self) -> list[str]:
        """What is wrong with the history."""
        code, told = self._ask("audit")
        (target,) = told["targets"]
        found = [f"{one['number']}: {one['says']}" for one in target["flaws"]]
        assert code == (1 if found else 0)
        return found

    def _ask(self, command: str) -> tuple[int, dict[str, Any]]:
        self._capsys.readouterr()
        code = main([command, self._target, "--json"])
        answer: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return code, answer


@contextmanager
def flipped_byte(line: Line, version: int = 1) -> Iterator[list[Told]]:
    """Of the weights in the vault: S3 keeps versions as they are, so it is a newer one.

    Nobody but the registering role may write there, until somebody takes the bucket's policy off.
    """
    s3, bucket = line.stack.client("s3"), line.stack.bucket
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    copies = line.ledger.captured(line.name, version)["copies"]
    (copy,) = (one for one in copies if one["name"] == MODEL)
    where = {"Bucket": bucket, "Key": copy["key"]}
    body, (algorithm,) = s3.get_object(**where)["Body"].read(), copy["checksums"]
    other = {"Body": body[:-1] + bytes([body[-1] ^ 1]), "ChecksumAlgorithm": algorithm}
    put = s3.put_object(**where, **other)
    sums = {algorithm: put[f"Checksum{algorithm}"]}
    flipped = {**sums, "etag": put["ETag"].strip('"'), "version": put["VersionId"]}
    expected = {**copy["checksums"], "etag": copy["etag"], "version": copy["version_id"]}
    what = f"{MODEL} of {line.name}-v{version} in the vault"
    yield [("drift", what, json.dumps(expected), json.dumps(flipped))]
    s3.delete_object(**where, VersionId=put["VersionId"])
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@contextmanager
def replaced_image(line: Line, repository: str, version: int = 1) -> Iterator[list[Told]]:
    """Another image has the tag, and the one that the tag meant when it was captured is gone."""
    ecr, tag = line.stack.client("ecr"), f"{line.name}-v{version}"
    (container,) = line.package(version)["InferenceSpecification"]["Containers"]
    ours, other = (image_manifest(of) for of in (tag, f"{tag} of somebody else"))
    for manifest in (other, ours):
        ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
        ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest)
        if manifest == other:
            what = f"image of {line.name}-v{version} in its repository"
            yield [("gone", what, container["Image"], "nothing")]


def own_images(line: Line, *versions: int) -> str:
    """The repository with an image of each version's own, tagged with the release's name."""
    ecr, repository = line.stack.client("ecr"), f"e2e-{line.name}"
    ecr.create_repository(repositoryName=repository)
    for tag in (f"{line.name}-v{version}" for version in versions):
        manifest = image_manifest(tag)
        ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest)
    return repository


def image_uri(line: Line, version: int) -> str:
    """What the version's config names: its tag in the repository of `own_images`."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/e2e-{line.name}:{line.name}-v{version}"


def image_manifest(name: str) -> str:
    """The manifest of an image that only `name` has."""
    config: Any = MANIFEST["config"]
    digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    return json.dumps({**MANIFEST, "config": {**config, "digest": digest}})


@contextmanager
def edited_package(line: Line, version: int = 1) -> Iterator[list[Told]]:
    """Everything that a package says it runs is another."""
    package = line.package(version)
    before = package["InferenceSpecification"]
    (container,) = before["Containers"]
    other = {
        "Containers": [
            {
                "Image": container["Image"].replace("/e2e", "/other"),
                "ModelDataUrl": "s3://elsewhere/model.tar.gz",
                "Environment": {"LEVEL": "9"},
            }
        ],
        "SupportedContentTypes": ["text/html"],
        "SupportedResponseMIMETypes": ["text/html"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.p4d.24xlarge"],
    }
    (changed,) = other["Containers"]
    of = f"package of {line.name}-v{version}"
    with _specified(line, version, other):
        yield [
            ("drift", f"Image of the {of}", container["Image"], changed["Image"]),
            (
                "drift",
                f"ModelDataUrl of the {of}",
                container["ModelDataUrl"],
                changed["ModelDataUrl"],
            ),
            ("drift", f"environment of the {of}", "nothing", '{"LEVEL": "9"}'),
            ("drift", f"SupportedContentTypes of the {of}", '["text/csv"]', '["text/html"]'),
            (
                "drift",
                f"SupportedRealtimeInferenceInstanceTypes of the {of}",
                '["ml.m5.large"]',
                '["ml.p4d.24xlarge"]',
            ),
            ("drift", f"SupportedResponseMIMETypes of the {of}", '["text/csv"]', '["text/html"]'),
        ]


@contextmanager
def second_container(line: Line) -> Iterator[list[Told]]:
    """A package of one container has two."""
    before = line.package(1)["InferenceSpecification"]
    with _specified(line, 1, {**before, "Containers": before["Containers"] * 2}):
        yield [("drift", f"containers of the package of {line.name}-v1", "1", "2")]


@contextmanager
def _specified(line: Line, version: int, specification: Any) -> Iterator[None]:
    sagemaker, arn = line.stack.client("sagemaker"), line.package_arn(version)
    before = line.package(version)["InferenceSpecification"]
    sagemaker.update_model_package(ModelPackageArn=arn, InferenceSpecification=specification)
    yield
    sagemaker.update_model_package(ModelPackageArn=arn, InferenceSpecification=before)


@contextmanager
def edited_row(line: Line, pk: str, sk: str, path: str, value: Any) -> Iterator[Any]:
    """One attribute of an item of the ledger; yields what it was."""
    dynamodb, table = line.stack.client("dynamodb"), line.stack.resources["Ledger"]
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    *outer, last = path.split(".")
    names = {f"#{n}": name.partition("[")[0] for n, name in enumerate([*outer, last])}
    steps = [f"#{n}{name[len(name.partition('[')[0]) :]}" for n, name in enumerate([*outer, last])]

    def write(to: Any) -> Any:
        return dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=f"SET {'.'.join(steps)} = :to",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":to": to},
            ReturnValues="UPDATED_OLD",
        )

    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    before: Any = {"M": item}
    for name in [*outer, last]:
        plain, _, rest = name.partition("[")
        before = before["M"][plain]
        before = before["L"][int(rest.rstrip("]"))] if rest else before
    write({"S": value})
    yield before["S"]
    write(before)


@contextmanager
def edited_record(line: Line, version: int) -> Iterator[list[Told]]:
    """The digest in a release's record; what is approved after that is written from it."""
    name, other, pk = f"{line.name}-v{version}", "e" * 64, f"RELEASE#{line.name}"
    serves = version == line.state()["live"]["release"]["version"]
    with edited_row(line, pk, f"V#{version:06d}", "digest", other) as digest:
        found = [("drift", f"digest of {name} in its record", digest, other)]
        copied = [("drift", f"digest of {name} in STATE", digest, other)]
        yield found if serves else copied + found


@contextmanager
def deleted_row(line: Line, number: int) -> Iterator[None]:
    """An entry of the target's history."""
    dynamodb, table = line.stack.client("dynamodb"), line.stack.resources["Ledger"]
    key = {"pk": {"S": f"TARGET#endpoint/{line.name}"}, "sk": {"S": f"HISTORY#{number:08d}"}}
    item = dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    yield
    dynamodb.put_item(TableName=table, Item=item)


@contextmanager
def model_made_anew(line: Line) -> Iterator[list[Told]]:
    """Another model under the name of the one that serves."""
    sagemaker = line.stack.client("sagemaker")
    name = line.state()["live"]["model"]
    before = sagemaker.describe_model(ModelName=name)
    container = {
        one: before["PrimaryContainer"][one]
        for one in ("Image", "ModelDataUrl", "Environment")
        if one in before["PrimaryContainer"]
    }

    def make(**changes: Any) -> None:
        sagemaker.delete_model(ModelName=name)
        sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={**container, **changes},
            ExecutionRoleArn=before["ExecutionRoleArn"],
        )

    make(Environment={"LEVEL": "9"})
    yield [("drift", f"environment of the model {name}", "nothing", '{"LEVEL": "9"}')]
    make()


def changes_since(line: Line, since: str) -> list[str]:
    """Every call since then that changes traffic or provisions something, by the log of calls."""
    changing = tuple(f"sagemaker:{verb}" for verb in ("Create", "UpdateEndpoint", "Delete"))
    calls = line.stack.calls(line.name, since)
    return [one["action"] for one in calls if one["action"].startswith(changing)]
