"""Uncompressed models before a rollout and while they serve: SageMaker loads what lies there."""

from __future__ import annotations

from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.vault import Vault
from sluice.domain.making import container
from sluice.domain.rollout import Action, Kind
from tests.builders import BUCKET, a_quota
from tests.integration.captured import Captured
from tests.integration.test_cli_verify import Serving

if TYPE_CHECKING:
    from sluice.domain.vault import Standing
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

pytestmark = pytest.mark.usefixtures("trusting")

FILES = {"model/code/inference.py": b"...", "model/weights.bin": b"w"}


@pytest.fixture
def captured(world: World, inbox: Inbox, wire: Wire) -> Captured:
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])
    return Captured(world, inbox, files=FILES)


@pytest.fixture
def churn(world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> Serving:
    return Serving(world, inbox, capsys, files=FILES)


def prefix_of(captured: Captured, version: int = 2) -> str:
    digest = captured.release(version).digest[:12]
    return f"releases/churn/v{version}-{digest}/model/"


def add(captured: Captured, key: str) -> None:
    """Somebody puts an object under a prefix that SageMaker loads whole."""
    captured.world.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"import os")


def test_the_model_loads_the_prefix_of_its_release(captured: Captured) -> None:
    captured.prepare(captured.start())

    model = captured.world.aws("sagemaker").describe_model(ModelName="churn-v2-e2")
    source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == f"s3://{BUCKET}/{prefix_of(captured)}"


def test_its_files_are_looked_at_several_at_a_time(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, 250 files would keep an incident waiting."""
    rollout, look, meeting = captured.start(Kind.ROLL_BACK), Vault.standing, Barrier(2)

    def look_together(vault: Vault, bucket: str, key: str) -> Standing | None:
        meeting.wait(timeout=5)
        return look(vault, bucket, key)

    monkeypatch.setattr(Vault, "standing", look_together)

    assert captured.prepare(rollout).action is Action.UPDATE


def test_an_object_beside_the_model_is_no_model_that_was_approved(
    captured: Captured, wire: Wire
) -> None:
    rollout = captured.start()
    key = f"{prefix_of(captured)}code/sitecustomize.py"
    add(captured, key)
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert made.action is Action.ROLL_BACK
    assert made.reason == f"ARTIFACT_CHANGED: {key} lies beside the model in the vault"
    assert wire.calls("CreateModel") == []


def test_an_object_that_was_taken_away_again_is_not_loaded(captured: Captured) -> None:
    rollout = captured.start()
    key = f"{prefix_of(captured)}code/sitecustomize.py"
    add(captured, key)
    captured.world.aws("s3").delete_object(Bucket=BUCKET, Key=key)

    assert captured.prepare(rollout).action is Action.UPDATE


def test_an_object_beside_what_serves_is_found(churn: Serving) -> None:
    assert churn.found(code=0) == []
    prefix = prefix_of(churn.captured, 1)
    add(churn.captured, f"{prefix}more.bin")

    assert churn.found(code=1) == [
        ("drift", f"what else lies under {prefix} of churn-v1 in the vault")
    ]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        pytest.param({"S3Uri": f"s3://{BUCKET}/elsewhere/"}, "ModelDataSource", id="elsewhere"),
        pytest.param({"ManifestS3Uri": f"s3://{BUCKET}/list"}, "ModelDataSource", id="a list"),
        pytest.param({"ETag": "told by SageMaker"}, "", id="what SageMaker adds"),
    ],
)
def test_a_model_that_loads_anything_else_is_found(
    churn: Serving, changed: dict[str, Any], what: str
) -> None:
    source = container(churn.manifest(churn.live), churn.live.digest)["ModelDataSource"]
    other = {"S3DataSource": {**source["S3DataSource"], **changed}}

    churn.runs(churn.live, ModelDataSource=other)

    expected = [("drift", f"{what} of the model {churn.live.model}")] if what else []
    assert churn.found(code=1 if what else 0) == expected
