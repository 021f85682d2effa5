"""An uncompressed model: what its config may list, and what the folder must hold of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.making import container
from sluice.domain.manifest import Manifest
from sluice.domain.model_files import MOST_BYTES, MOST_FILES, Misfit, told_once
from sluice.domain.package import specification, weights_of
from sluice.domain.pushed import ModelConfig, parse_config
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import Ready, Waiting, plan_registration
from tests.builders import METADATA, a_config, a_noted, an_upload, some_facts

SHARDS = [{"file": "a.safetensors", "size": 7}, {"file": "tokens/b.json", "size": 7}]
FILES = ("model/a.safetensors", "model/tokens/b.json")


def config_of(files: Any, **changes: Any) -> ModelConfig | Refusal:
    return parse_config(json.dumps(a_config(model_files=files, **changes)).encode())


def a_folder_of_files(listed: list[dict[str, Any]] | None = None, **of: Any) -> list[Any]:
    """The folder of an uncompressed model: its objects, unless named otherwise."""
    config = ModelConfig(**a_config(model_files=listed or SHARDS))
    noted = a_noted(CONFIG, config=config, facts=some_facts(metadata=METADATA))
    files = [of.get(name, a_noted(name)) for name in FILES]
    return [noted, a_noted(EVALUATION), *(one for one in files if one)]


def manifest_of(folder: list[Any]) -> Manifest:
    planned = plan_registration(folder)
    assert isinstance(planned, Ready)
    assert isinstance(planned.manifest, Manifest)
    return planned.manifest


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param([], "at least 1 item", id="none"),
        pytest.param([*SHARDS, SHARDS[0]], "a.safetensors: listed twice", id="twice"),
        pytest.param([{"file": "../a", "size": 1}], "inside model/", id="leads out"),
        pytest.param([{"file": "/a", "size": 1}], "inside model/", id="absolute"),
        pytest.param([{"file": "a/", "size": 1}], "inside model/", id="a folder"),
        pytest.param([{"file": "a", "size": -1}], "greater than or equal to 0", id="negative"),
        pytest.param([{"file": "a", "size": 0}], "all files are empty", id="nothing in it"),
        pytest.param([{"file": "a"}], "model_files.0.size", id="no size"),
        pytest.param(
            [{"file": "a", "size": 1}, {"file": "a/b", "size": 1}],
            "a: listed as a file, and as a folder",
            id="file and folder",
        ),
        pytest.param(
            [{"file": "a", "size": MOST_BYTES}, {"file": "b", "size": 1}],
            f"the limit is {MOST_BYTES}",
            id="too large in all",
        ),
        pytest.param(
            [{"file": f"{one}", "size": 1} for one in range(MOST_FILES + 1)],
            f"at most {MOST_FILES} items",
            id="too many",
        ),
        pytest.param([{"file": "a", "size": 1, "sha256": "A"}], "sha256", id="no SHA-256"),
    ],
)
def test_a_list_that_cannot_be_a_model_is_refused_with_what_is_wrong(files: Any, said: str) -> None:
    refusal = config_of(files)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.INVALID_CONFIG
    assert said in refusal.detail


def test_as_many_files_as_the_largest_models_have_can_be_listed() -> None:
    files = [
        {"file": f"model-{one:05}-of-{MOST_FILES:05}.safetensors", "size": 4_000_000_000}
        for one in range(MOST_FILES)
    ]

    assert isinstance(config_of(files), ModelConfig)


def test_a_serverless_endpoint_takes_no_uncompressed_model() -> None:
    serverless = {"memory_size_mb": 2048, "max_concurrency": 5}

    refusal = config_of(
        SHARDS, serverless=serverless, instance_type=..., rollout={"strategy": "guardrail"}
    )

    assert isinstance(refusal, Refusal)
    assert "serverless endpoints take model.tar.gz alone" in refusal.detail


def test_nothing_but_the_model_lies_in_its_folder() -> None:
    scripts = [{"file": "model/pre.py", "version": "1"}]

    refusal = config_of(SHARDS, inference_scripts=scripts)

    assert isinstance(refusal, Refusal)
    assert "model/ holds what model_files lists alone" in refusal.detail


def test_the_listed_files_are_the_version() -> None:
    folder = [*a_folder_of_files(), a_noted("model/notes.txt")]

    manifest = manifest_of(folder)

    assert [one.name for one in manifest.objects] == [CONFIG, EVALUATION, *FILES]
    assert (manifest.commit, manifest.metadata) == (METADATA["git-sha"], METADATA)


def test_a_folder_waits_for_the_files_that_are_not_there() -> None:
    planned = plan_registration(a_folder_of_files(**{FILES[1]: None}))

    assert planned == Waiting((FILES[1],))


def test_a_folder_of_files_without_a_config_waits_for_no_tar_ball() -> None:
    planned = plan_registration([a_noted(FILES[0])])

    assert isinstance(planned, Waiting)
    assert planned.missing == (CONFIG, EVALUATION)


def test_a_folder_that_waits_for_hundreds_of_files_names_a_few() -> None:
    listed = [{"file": f"{one:03}", "size": 1} for one in range(200)]

    planned = plan_registration(a_folder_of_files(listed)[:2])

    assert isinstance(planned, Waiting)
    assert planned.detail.endswith("model/008, model/009, and 190 more")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        pytest.param(
            {"facts": some_facts(size=6)}, "has 6 bytes, config.json lists 7", id="another size"
        ),
        pytest.param({"sha256": "b" * 64}, f"has the SHA-256 {'b' * 64}", id="other bytes"),
    ],
)
def test_a_file_that_is_not_as_listed_is_refused(changes: dict[str, Any], detail: str) -> None:
    listed = [{**SHARDS[0], "sha256": "a" * 64}, SHARDS[1]]
    folder = a_folder_of_files(listed, **{FILES[0]: a_noted(FILES[0], **changes)})

    planned = plan_registration(folder)

    assert isinstance(planned, Waiting)
    ((upload, name, refusal),) = planned.misfits
    assert (upload.key.endswith(FILES[0]), name) == (True, FILES[0])
    assert refusal.reason is Reason.FILE_MISMATCH
    assert detail in refusal.detail


def test_a_sha256_that_nobody_knows_is_no_reason_to_refuse() -> None:
    listed = [{**SHARDS[0], "sha256": "a" * 64}, SHARDS[1]]

    assert isinstance(plan_registration(a_folder_of_files(listed)), Ready)


def test_of_one_reason_people_are_told_once_and_of_all_that_it_refuses() -> None:
    mismatch, two = (
        Refusal(reason=reason, detail="") for reason in (Reason.FILE_MISMATCH, Reason.TWO_MODELS)
    )
    one, other, third = (
        Misfit(an_upload(name), name, refusal)
        for name, refusal in (("a", mismatch), ("b", two), ("c", mismatch))
    )

    assert list(told_once([one, other, third], set())) == [
        (one, (third,)),
        (other, ()),
        (third, None),
    ]
    assert [beside for _, beside in told_once([one, other], {Reason.FILE_MISMATCH})] == [None, ()]


def test_a_folder_of_two_models_is_none() -> None:
    planned = plan_registration([*a_folder_of_files(), a_noted(MODEL)])

    assert isinstance(planned, Waiting)
    ((_, name, refusal),) = planned.misfits
    assert (name, refusal.reason) == (CONFIG, Reason.TWO_MODELS)
    assert "without model_files" in refusal.advice


def test_what_the_ledger_could_not_hold_is_refused() -> None:
    listed = [{"file": f"{one:03}{'n' * 190}", "size": 7} for one in range(MOST_FILES)]
    folder = a_folder_of_files(listed)[:2]
    folder += [a_noted(f"model/{one['file']}") for one in listed]

    planned = plan_registration(folder)

    assert isinstance(planned, Waiting)
    assert [one.refusal.reason for one in planned.misfits] == [Reason.TOO_LARGE]
    assert "list fewer files, or shorter names" in planned.misfits[0].refusal.detail


def test_sagemaker_is_given_the_prefix_and_all_that_lies_there() -> None:
    manifest = manifest_of(a_folder_of_files())

    made = container(manifest, "d" * 64)

    uri = f"s3://{manifest.bucket}/releases/churn/v4-dddddddddddd/model/"
    source = {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}
    assert made["ModelDataSource"] == {"S3DataSource": source}
    assert "ModelDataUrl" not in made
    (packaged,) = specification(manifest, "d" * 64)["Containers"]
    assert weights_of(packaged) == weights_of(made)


def test_an_etag_that_sagemaker_adds_is_no_other_source() -> None:
    made = container(manifest_of(a_folder_of_files()), "d" * 64)
    source = made["ModelDataSource"]["S3DataSource"]

    told = {**made, "ModelDataSource": {"S3DataSource": {**source, "ETag": "e"}}}
    changed = {**made, "ModelDataSource": {"S3DataSource": {**source, "ManifestS3Uri": "s3://x"}}}

    assert weights_of(told) == weights_of(made)
    assert weights_of(changed) != weights_of(made)
