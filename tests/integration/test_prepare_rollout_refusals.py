"""`prepare_rollout`: what must not begin makes nothing, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.manifest import digest_of
from sluice.domain.rollout import Action, Kind
from tests.builders import BUCKET, TARGET, a_quota, a_signal
from tests.integration.captured import Captured
from tests.integration.observed import retired

if TYPE_CHECKING:
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World


@pytest.fixture(autouse=True)
def _enough_instances(wire: Wire) -> None:
    """A hundred of the usual type are allowed; moto knows no quota of SageMaker."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])


@pytest.fixture
def captured(world: World, inbox: Inbox) -> Captured:
    return Captured(world, inbox)


def reject(captured: Captured) -> None:
    captured.world.decide(captured.release(2).package_arn, "Rejected")


def overwrite(captured: Captured) -> None:
    digest = captured.release(2).digest[:12]
    key = f"releases/churn/v2-{digest}/model.tar.gz"
    captured.world.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"other weights")


def delete_stable_bytes(captured: Captured) -> None:
    digest = captured.release(1).digest[:12]
    key = f"releases/churn/v1-{digest}/model.tar.gz"
    captured.world.aws("s3").delete_object(Bucket=BUCKET, Key=key)


def delete_image(captured: Captured) -> None:
    captured.world.aws("ecr").batch_delete_image(
        repositoryName="churn", imageIds=[{"imageTag": "1.4"}]
    )


def delete_stable_config(captured: Captured) -> None:
    captured.world.aws("sagemaker").delete_endpoint_config(EndpointConfigName="churn-v1-e1")


def delete_endpoint(captured: Captured) -> None:
    captured.world.aws("sagemaker").delete_endpoint(EndpointName="churn")


def capture_data(captured: Captured) -> None:
    variant = {"VariantName": "v1-e1", "ModelName": "churn-v1-e1", "InitialVariantWeight": 1}
    fleet = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    captured.wire.always(
        "DescribeEndpointConfig",
        ProductionVariants=[{**variant, **fleet}],
        DataCaptureConfig={"EnableCapture": True},
    )


def retire(captured: Captured) -> None:
    retired(captured.world.table, captured.release(2))


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        pytest.param(retire, "RETIRED", id="its bytes may go at any time"),
        pytest.param(capture_data, "DataCapture", id="data capture was switched on by hand"),
        pytest.param(reject, "NOT_APPROVED", id="rejected since"),
        pytest.param(overwrite, "ARTIFACT_CHANGED", id="other bytes in the vault"),
        pytest.param(delete_image, "IMAGE_GONE", id="the image was deleted"),
        pytest.param(delete_stable_bytes, "NO_WAY_BACK", id="stable's bytes were deleted"),
        pytest.param(delete_stable_config, "NO_WAY_BACK", id="stable's configuration was deleted"),
        pytest.param(delete_endpoint, "ENDPOINT_GONE", id="the endpoint was deleted"),
    ],
)
def test_a_rollout_that_must_not_begin_makes_nothing(
    captured: Captured, wire: Wire, meanwhile: Any, reason: str
) -> None:
    rollout = captured.start()
    captured.wire = wire
    meanwhile(captured)
    wire.asked.clear()

    made = captured.prepare(rollout)

    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert made.reason.partition(":")[0] == reason
    assert wire.calls("CreateModel", "CreateEndpointConfig", "PutMetricAlarm") == []


def test_a_rollback_is_not_refused_for_what_somebody_switched_on(
    captured: Captured, wire: Wire
) -> None:
    captured.wire = wire
    rollout = captured.start(Kind.ROLL_BACK)
    capture_data(captured)

    assert captured.prepare(rollout).action is Action.UPDATE


def test_an_endpoint_in_progress_is_left_to_the_machines_retry(captured: Captured) -> None:
    rollout = captured.start()
    captured.world.endpoint_becomes("SystemUpdating")

    with pytest.raises(EndpointBusyError):
        captured.prepare(rollout)


def test_a_manifest_that_was_tampered_with_deploys_nothing(captured: Captured, wire: Wire) -> None:
    rollout = captured.start()
    item = captured.world.table.get("RELEASE#churn", "CAPTURE#000002")
    assert item
    forged = item["manifest"].replace("ml.m5.large", "ml.p4d.24xlarge")
    captured.world.table.write(captured.world.table.put({**item, "manifest": forged}))

    made = captured.prepare(rollout)

    digest, found = captured.release(2).digest, digest_of(forged)
    assert made.reason.startswith(
        f"LEDGER_CHANGED: manifest of churn-v2 in the ledger: expected {digest}, found {found}. "
    )
    assert "churn-v2-e2" not in str(wire.calls("CreateModel"))


def test_a_rollout_that_was_signalled_or_displaced_prepares_nothing(captured: Captured) -> None:
    rollout = captured.start()
    state = captured.world.state

    captured.world.given(state.model_copy(update={"signal": a_signal(2)}))
    with pytest.raises(SignalPendingError):
        captured.prepare(rollout)

    captured.world.given(state.model_copy(update={"epoch": 3}))
    with pytest.raises(DisplacedError):
        captured.prepare(rollout)

    assert captured.world.alarms() == set()
    assert captured.world.targets.read(TARGET) is not None


def test_a_release_whose_package_was_deleted_is_turned_back(captured: Captured, wire: Wire) -> None:
    rollout = captured.start()
    wire.deletes_package(rollout.release.package_arn)

    answer = captured.prepare(rollout)

    assert answer.action is Action.ROLL_BACK
    assert answer.reason.startswith("PACKAGE_GONE")
