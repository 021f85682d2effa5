"""The model registry: enough packages to tell right from lucky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.registry import Registry, RegistryRefusedError
from sluice.domain.manifest import Manifest
from sluice.domain.release import ApprovalStatus
from tests.builders import (
    BUCKET,
    DIGEST,
    REPOSITORY,
    a_bedrock_manifest,
    a_manifest,
    a_release_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.domain.bedrock_manifest import AnyManifest
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire

MODEL_DATA = f"s3://{BUCKET}/releases/churn/v4-aaaaaaaaaaaa/model.tar.gz"


@pytest.fixture
def sagemaker(aws: Callable[[str], Any]) -> Any:
    return aws("sagemaker")


def given_packages(sagemaker: Any, group: str, statuses: list[str]) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for status in statuses:
        sagemaker.create_model_package(ModelPackageGroupName=group, ModelApprovalStatus=status)


def register(sagemaker: Any, folder: str = "churn-v4") -> str:
    manifest = a_manifest(release=a_release_name(folder))
    return Registry(sagemaker).register(manifest, "a" * 64)


def test_packages_come_newest_first_past_the_first_page(sagemaker: Any) -> None:
    given_packages(sagemaker, "other", ["Approved"] * 3)
    given_packages(sagemaker, "churn", ["Approved", "Rejected"] * 60)

    versions = [package.version for package in Registry(sagemaker).packages("churn")]

    assert versions == list(range(120, 0, -1))


def test_approved_packages_are_a_question_of_their_own(sagemaker: Any) -> None:
    given_packages(sagemaker, "churn", ["Approved", "Rejected", "PendingManualApproval"] * 40)

    found = list(Registry(sagemaker).packages("churn", approval=ApprovalStatus.APPROVED))

    assert [package.version for package in found] == list(range(118, 0, -3))
    assert {package.approval for package in found} == {ApprovalStatus.APPROVED}


def test_a_group_that_does_not_exist_has_no_packages(sagemaker: Any, faults: Faults) -> None:
    with faults.refusing("ListModelPackages", "ValidationException"):  # as SageMaker answers
        assert list(Registry(sagemaker).packages("nobody")) == []

    given_packages(sagemaker, "churn", [])
    with (
        faults.refusing("ListModelPackages", "ValidationException"),
        pytest.raises(ClientError),
    ):
        list(Registry(sagemaker).packages("churn"))


def test_a_group_created_just_after_it_was_found_absent_is_listed(
    sagemaker: Any, wire: Wire
) -> None:
    given_packages(sagemaker, "churn", ["Approved"])
    wire.refuse("ListModelPackages", "ValidationException")

    assert [package.version for package in Registry(sagemaker).packages("churn")] == [1]


def test_registering_creates_the_group_when_it_is_absent(sagemaker: Any) -> None:
    arns = [register(sagemaker, "churn-v4"), register(sagemaker, "churn-v5")]

    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["churn"]


@pytest.mark.parametrize("call", [0, 1])
def test_a_group_somebody_else_creates_meanwhile_is_used(
    sagemaker: Any, faults: Faults, call: int
) -> None:
    def create() -> None:
        sagemaker.create_model_package_group(ModelPackageGroupName="churn")

    with faults.meanwhile(call, create):  # before we ask, and after we were told it is absent
        arn = register(sagemaker)

    assert arn.endswith(":model-package/churn/1")


def test_an_invalid_package_in_an_existing_group_is_refused(sagemaker: Any, faults: Faults) -> None:
    given_packages(sagemaker, "churn", [])

    with (
        faults.refusing("CreateModelPackage", "ValidationException"),
        pytest.raises(RegistryRefusedError),
    ):
        register(sagemaker)


def test_a_package_is_described_in_our_words(sagemaker: Any) -> None:
    arn = register(sagemaker)

    package = Registry(sagemaker).describe(arn)

    assert (package.arn, package.group, package.version) == (arn, "churn", 1)
    assert package.approval is ApprovalStatus.PENDING
    assert package.metadata["release-digest"] == "a" * 64
    (container,) = package.specification["Containers"]
    assert (container["Image"], container["ModelDataUrl"]) == (f"{REPOSITORY}@{DIGEST}", MODEL_DATA)
    assert package.last_modified_by == "unknown"  # moto tells a user profile, no identity
    created = sagemaker.describe_model_package(ModelPackageName=arn)["CreationTime"]
    assert package.last_modified == created


def test_whoever_changed_a_package_last_is_told_as_soon_as_it_was_changed(sagemaker: Any) -> None:
    arn = register(sagemaker)
    before = Registry(sagemaker).describe(arn)

    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    after = Registry(sagemaker).describe(arn)
    assert after.approval is ApprovalStatus.APPROVED
    assert after.last_modified > before.last_modified


def test_a_rejected_package_says_why_within_sagemakers_limit(sagemaker: Any) -> None:
    arn = register(sagemaker)

    Registry(sagemaker).reject(arn, "error rate 0.2 " * 200)

    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert found["ModelApprovalStatus"] == "Rejected"
    assert found["ApprovalDescription"].startswith("error rate 0.2 ")
    assert len(found["ApprovalDescription"]) == 1024


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(a_manifest(release=a_release_name(f"{'g' * 63}-v999999")), id="a model"),
        pytest.param(
            a_bedrock_manifest(release=a_release_name(f"{'g' * 40}-v999999"), commit="a" * 64),
            id="a Bedrock configuration",
        ),
    ],
)
def test_the_request_keeps_every_limit_that_sagemaker_declares(
    sagemaker: Any, manifest: AnyManifest
) -> None:
    sent: dict[str, Any] = {}

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.update(params)

    sagemaker.meta.events.register("provide-client-params.sagemaker.CreateModelPackage", note)
    Registry(sagemaker).register(manifest, "a" * 64)
    sagemaker.meta.events.unregister("provide-client-params.sagemaker.CreateModelPackage", note)

    model = sagemaker.meta.service_model.operation_model("CreateModelPackage").input_shape
    assert list(_broken(sent, model, "")) == []
    assert sent["ModelApprovalStatus"] == "PendingManualApproval"
    assert ("InferenceSpecification" in sent) is isinstance(manifest, Manifest)


def _broken(value: Any, shape: Any, path: str) -> Any:
    """Where `value` exceeds what the API model declares; botocore itself checks no maximum."""
    size = len(value) if isinstance(value, str | list | dict) else value
    most = shape.metadata.get("max")
    if most is not None and size > most:
        yield f"{path}: {size} > {most}"
    match shape.type_name:
        case "structure":
            for name, inner in value.items():
                yield from _broken(inner, shape.members[name], f"{path}.{name}")
        case "list":
            for inner in value:
                yield from _broken(inner, shape.member, f"{path}[]")
        case "map":
            for name, inner in value.items():
                yield from _broken(name, shape.key, f"{path} {name}")
                yield from _broken(inner, shape.value, f"{path}.{name}")
