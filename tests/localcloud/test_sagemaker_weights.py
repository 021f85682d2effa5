"""Uncompressed models: a prefix is loaded whole, as the model's role, and says so strictly.

Model: sagemaker.CreateModel
Model: sagemaker.CreateModelPackage
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import ANSWERS, World, allow

TAR_BALL = "s3://models/model.tar.gz"
FILES = {"code/inference.py": ANSWERS, "name": "unpacked", "deep/er/file": "x"}


@pytest.fixture(scope="module")
def world(client: Clients, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(client, f"unpacked-{tmp_path_factory.getbasetemp().name}")
    s3 = client("s3")
    s3.create_bucket(Bucket=world.name)
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=world.name, VersioningConfiguration=versioning)
    s3.put_object(Bucket=world.name, Key="model/name", Body=b"overwritten")
    for path, text in FILES.items():
        s3.put_object(Bucket=world.name, Key=f"model/{path}", Body=text.encode())
    s3.put_object(Bucket=world.name, Key="model/gone/..", Body=b"leads out")
    s3.delete_object(Bucket=world.name, Key="model/gone/..")
    return world


def source(world: World, **changes: Any) -> dict[str, Any]:
    said = {"S3Uri": f"s3://{world.name}/model/", "S3DataType": "S3Prefix"}
    return {"S3DataSource": {**said, "CompressionType": "None", **changes}}


def create(world: World, label: str, data: dict[str, Any], *, role: str = "") -> str:
    name = f"{world.name}-{label}"
    world.sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": world.image_once(), **data},
        ExecutionRoleArn=role or world.serving_role(),
    )
    return name


def package(world: World, label: str, data: dict[str, Any]) -> None:
    types = {"SupportedContentTypes": ["a/b"], "SupportedResponseMIMETypes": ["a/b"]}
    containers = [{"Image": world.image_once(), **data}]
    world.sagemaker.create_model_package(
        ModelPackageName=f"{world.name}-{label}",
        InferenceSpecification={"Containers": containers, **types},
    )


def test_every_object_that_is_there_now_is_loaded_under_its_path(world: World) -> None:
    model = create(world, "whole", {"ModelDataSource": source(world)})
    world.endpoint(world.config("whole", A=(model, 1.0)))

    assert world.invoke()["Body"]["model"] == "unpacked"
    told = world.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    assert told["ModelDataSource"] == source(world)


def test_a_tar_ball_is_told_twice(world: World) -> None:
    model = create(world, "ball", {"ModelDataUrl": TAR_BALL})

    told = world.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]

    assert told["ModelDataUrl"] == TAR_BALL
    assert told["ModelDataSource"]["S3DataSource"] == {
        "S3Uri": TAR_BALL,
        "S3DataType": "S3Object",
        "CompressionType": "Gzip",
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param({"S3Uri": "s3://b/model"}, "must end with a forward slash", id="no slash"),
        pytest.param({"CompressionType": "Gzip"}, "Gzip cannot be used with S3Prefix", id="gzip"),
        pytest.param({"S3DataType": "Prefix"}, "enum value set", id="no such kind"),
        pytest.param({"S3Uri": "model/"}, "regular expression pattern", id="no S3 address"),
    ],
)
@pytest.mark.parametrize("operation", ["model", "package"])
def test_what_no_instance_could_load_is_refused(
    world: World, data: dict[str, Any], said: str, operation: str
) -> None:
    named = {"ModelDataSource": source(world, **data)}
    make = {"model": create, "package": package}[operation]

    with pytest.raises(ClientError) as refused:
        make(world, "refused", named)

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert said in str(refused.value)


def test_a_tar_ball_and_a_data_source_exclude_each_other(world: World) -> None:
    both = {"ModelDataUrl": f"s3://{world.name}/m.tar.gz", "ModelDataSource": source(world)}

    with pytest.raises(ClientError, match="either ModelDataUrl or ModelDataSource"):
        create(world, "both", both)


def test_a_serverless_variant_has_no_data_source(world: World) -> None:
    model = create(world, "serverless", {"ModelDataSource": source(world)})
    fleet = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}

    with pytest.raises(ClientError, match="not supported for serverless endpoints"):
        world.sagemaker.create_endpoint_config(
            EndpointConfigName=f"{world.name}-serverless",
            ProductionVariants=[{"VariantName": "A", "ModelName": model, **fleet}],
        )


@pytest.mark.parametrize(
    ("label", "prefix", "missing", "reason"),
    [
        ("list", "model/", "s3:ListBucket", "Failed to download model data"),
        ("read", "model/", "s3:GetObject", "Failed to download model data"),
        ("nothing", "nothing/", "", "There is no object under the prefix"),
    ],
)
def test_a_prefix_that_the_role_cannot_load_fails_the_endpoint(
    world: World, label: str, prefix: str, missing: str, reason: str
) -> None:
    actions = {"s3:GetObject", "s3:ListBucket", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"}
    role = world.role(allow(sorted(actions - {missing}), "*"))
    data = source(world, S3Uri=f"s3://{world.name}/{prefix}")
    model = create(world, label, {"ModelDataSource": data}, role=role)
    name = f"{world.name}-{label}"

    world.sagemaker.create_endpoint(
        EndpointName=name, EndpointConfigName=world.config(label, A=(model, 1.0))
    )

    told = world.settled(name)
    assert told["EndpointStatus"] == "Failed"
    assert reason in told["FailureReason"]
