"""An uncompressed model, from the push of its files to the endpoint that loads them."""

import json

from tests.e2e import folders
from tests.e2e.folders import CONFIG, EVALUATION, inference
from tests.e2e.line import Line

FILES = {
    "model/weights/part-1.bin": b"1" * 300_000,
    "model/weights/part-2.bin": b"2" * 200_000,
    "model/code/inference.py": inference(1).encode(),
    "model/empty": b"",
}


def push(line: Line, name: str, body: bytes) -> tuple[str, str]:
    """Push one object; the config carries the labels, as there is no tar ball."""
    labels = folders.METADATA if name == CONFIG else {}
    key = f"models/{line.name}-v1/{name}"
    put = line.stack.client("s3").put_object(
        Bucket=line.stack.bucket, Key=key, Body=body, Metadata=labels
    )
    return key, put["VersionId"]


def test_a_model_of_many_files_registers_once_it_is_as_listed_and_serves(churn: Line) -> None:
    listed = [{"file": one.removeprefix("model/"), "size": len(FILES[one])} for one in FILES]
    config = folders.config(model_files=listed, rollout=folders.plan(strategy="all_at_once"))

    def became(pushed: tuple[str, str]) -> dict[str, str]:
        return churn.ledger.receipt(churn.stack.bucket, *pushed)

    wrong = push(churn, "model/weights/part-1.bin", b"1" * 299_999)
    unnamed = push(churn, "model/notes.txt", b"nobody lists it")
    pushed = [push(churn, name, FILES[name]) for name in list(FILES)[1:]]
    pushed.append(push(churn, CONFIG, json.dumps(config).encode()))
    pushed.append(push(churn, EVALUATION, b'{"accuracy": 0.91}'))

    churn.until("the cut off file is refused", lambda: became(wrong).get("reason"), minutes=5)
    assert became(wrong)["detail"] == (
        "model/weights/part-1.bin has 299999 bytes, config.json lists 300000"
    )
    assert churn.packages() == []
    pushed.append(push(churn, "model/weights/part-1.bin", FILES["model/weights/part-1.bin"]))
    churn.until("it is registered", lambda: churn.package_arn(1) or None, minutes=5)
    assert {became(one)["kind"] for one in pushed} == {"Registered"}
    assert became(unnamed)["reason"] == "NotNamed"

    (container,) = churn.package(1)["InferenceSpecification"]["Containers"]
    source = container["ModelDataSource"]["S3DataSource"]
    bucket, _, prefix = source["S3Uri"].removeprefix("s3://").partition("/")
    kept = churn.stack.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert {f"model/{one['Key'].removeprefix(prefix)}": one["Size"] for one in kept} == {
        name: len(body) for name, body in FILES.items()
    }

    churn.approve(1)
    churn.until_serving({1: 100})
    answer = churn.stack.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=churn.name, Body=b"usual", ContentType="text/csv"
    )
    assert answer["Body"].read() == b"1"
