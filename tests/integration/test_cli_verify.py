"""`sluice verify`: what serves an endpoint is held against what was approved, thing by thing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.models import s3_backends
from moto.sagemaker import sagemaker_backends

from cli.__main__ import main
from sluice.domain.rollout import Phase
from tests.builders import ACCOUNT, BUCKET, REGION, TARGET, a_rollout, a_state
from tests.integration.conftest import TABLE
from tests.integration.rollouts import ROLE, Wire
from tests.integration.serving import ASKED, Serving

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

pytestmark = pytest.mark.usefixtures("trusting")


@pytest.fixture
def churn(world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> Serving:
    """Such an endpoint."""
    return Serving(world, inbox, capsys)


def test_what_serves_as_it_was_approved_is_said_to(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    assert churn.found(code=0) == []
    assert main(["verify", "--all", *ASKED]) == 0
    assert capsys.readouterr().out == f"{TARGET}: as approved; by the ledger churn-v1 serves\n"


def test_other_bytes_in_the_vault_are_named_with_both_values(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    key = churn.key("model.tar.gz")
    s3 = churn.aws("s3")
    size = s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)
    etag = s3.head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"')

    assert main(["verify", "churn", *ASKED]) == 1

    head, line = capsys.readouterr().out.splitlines()
    assert head == f"{TARGET}: 1 finding; by the ledger churn-v1 serves"
    assert line.startswith("  drift: model.tar.gz of churn-v1 in the vault: expected {")
    assert etag in line.partition("found")[2]
    assert etag not in line.partition("found")[0]


def test_an_object_that_left_the_vault_is_gone(churn: Serving) -> None:
    churn.aws("s3").delete_object(Bucket=BUCKET, Key=churn.key("config.json"))

    assert churn.found(code=1) == [("gone", "config.json of churn-v1 in the vault")]


def test_another_manifest_in_the_vault_is_not_believed(churn: Serving) -> None:
    churn.aws("s3").put_object(Bucket=BUCKET, Key=churn.key("manifest.json"), Body=b"{}")

    assert churn.found(code=1) == [("drift", "manifest of churn-v1 in the vault")]


def test_an_endpoint_configuration_made_by_hand_is_found(churn: Serving) -> None:
    sagemaker = churn.aws("sagemaker")
    churn.runs(churn.live.model_copy(update={"model": "by-hand"}), Environment={"LEVEL": "9"})
    variant = {
        "VariantName": churn.live.variant,
        "ModelName": "by-hand",
        "InstanceType": "ml.t2.medium",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[variant])
    churn.world.given_endpoint_is_on("by-hand")

    assert churn.found(code=1) == [
        ("drift", f"configuration of {TARGET}"),
        ("drift", "model behind variant v1-e1"),
        ("drift", "fleet of variant v1-e1"),
        ("drift", "environment of the model by-hand"),
    ]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Image": "other@sha256:1"}, "Image"),
        ({"ModelDataUrl": "s3://elsewhere/model.tar.gz"}, "ModelDataUrl"),
        ({"Environment": {}}, "environment"),
        ({"role": f"{ROLE}-of-another"}, "role"),
    ],
)
def test_a_model_made_anew_under_its_name_is_found(
    churn: Serving, changes: dict[str, Any], what: str
) -> None:
    churn.runs(churn.live, **changes)

    assert churn.found(code=1) == [("drift", f"{what} of the model churn-v1-e1")]


@pytest.mark.parametrize("operation", ["delete_model", "delete_endpoint_config"])
def test_what_an_endpoint_was_made_from_is_missed(churn: Serving, operation: str) -> None:
    name = "ModelName" if operation == "delete_model" else "EndpointConfigName"
    getattr(churn.aws("sagemaker"), operation)(**{name: "churn-v1-e1"})

    of = "model" if operation == "delete_model" else "endpoint configuration"
    assert churn.found(code=1) == [("gone", f"{of} churn-v1-e1")]


def test_a_deleted_endpoint_is_gone(churn: Serving) -> None:
    churn.aws("sagemaker").delete_endpoint(EndpointName="churn")

    assert churn.found(code=1) == [("gone", TARGET)]


def test_an_edited_package_is_found(churn: Serving) -> None:
    package = sagemaker_backends[ACCOUNT][REGION].model_packages
    (found,) = (one for one in package.values() if one.arn == churn.live.package_arn)
    found.inference_specification["Containers"][0]["Image"] = "other@sha256:1"
    assert churn.found(code=1) == [("drift", "Image of the package of churn-v1")]


def test_a_package_that_says_another_release_or_is_rejected_is_found(churn: Serving) -> None:
    arn, sagemaker = churn.live.package_arn, churn.aws("sagemaker")
    said = sagemaker.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        CustomerMetadataProperties={**said, "release-digest": "e" * 64},
    )

    assert churn.found(code=1) == [
        ("drift", "approval of the package of churn-v1"),
        ("drift", "release-digest of the package of churn-v1"),
    ]


@pytest.mark.parametrize(
    ("row", "name", "what"),
    [
        (("RELEASE#churn", "V#000001"), "digest", "digest of churn-v1 in its record"),
        (("RELEASE#churn", "CAPTURE#000001"), "manifest", "manifest of churn-v1 in the ledger"),
        ((f"TARGET#{TARGET}", "STATE"), "digest", "digest of churn-v1 in STATE"),
    ],
)
def test_an_edited_row_of_the_ledger_is_outvoted(
    churn: Serving, row: tuple[str, str], name: str, what: str
) -> None:
    if row[1] == "STATE":
        churn.world.given(
            a_state(live=churn.live.model_copy(update={"digest": "e" * 64}), last_good=())
        )
    else:
        churn.edits(*row, name, {"S": "e" * 64})

    assert churn.found(code=1) == [("drift", what)]


@pytest.mark.parametrize("version", [1, 2], ids=["what serves", "another release"])
def test_an_edited_row_of_what_may_be_gone_back_to_is_found(churn: Serving, version: int) -> None:
    good = (churn.live, churn.deployed(2))
    forged = [
        one.model_copy(update={"digest": "e" * 64}) if one.release.version == version else one
        for one in good
    ]
    churn.world.given(a_state(live=churn.live, last_good=good))
    assert churn.found(code=0) == []

    churn.world.given(a_state(live=churn.live, last_good=forged))

    assert churn.found(code=1) == [("drift", f"digest of churn-v{version} in STATE's last_good")]


def test_copies_that_the_ledger_forgot_are_missed(churn: Serving) -> None:
    churn.edits("RELEASE#churn", "CAPTURE#000001", "copies", {"L": []})

    assert {severity for severity, _ in churn.found(code=1)} == {"gone"}
    assert ("gone", "copy of model.tar.gz of churn-v1 in the ledger") in churn.found(code=1)


def test_a_deleted_image_is_gone(churn: Serving) -> None:
    ecr = churn.aws("ecr")
    (repository,) = (one["repositoryName"] for one in ecr.describe_repositories()["repositories"])
    images = ecr.list_images(repositoryName=repository)["imageIds"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=images)

    assert churn.found(code=1) == [("gone", "image of churn-v1 in its repository")]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("DescribeEndpoint", TARGET),
        ("DescribeModel", "model churn-v1-e1"),
        ("DescribeModelPackage", "package of churn-v1"),
        ("DescribeImages", "image of churn-v1 in its repository"),
    ],
)
def test_what_could_not_be_read_is_never_fine(
    churn: Serving, monkeypatch: pytest.MonkeyPatch, operation: str, what: str
) -> None:
    Wire(monkeypatch).refuse(operation, "AccessDeniedException", "not for you")

    assert churn.found(code=3)[:1] == [("unreadable", what)]


def test_a_ledger_that_cannot_be_read_is_not_fine(
    churn: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    Wire(monkeypatch).refuse("GetItem", "AccessDeniedException", "not for you")

    assert churn.found(code=3) == [("unreadable", f"STATE of {TARGET}")]


def test_an_index_of_targets_that_cannot_be_read_is_not_fine(
    churn: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Wire(monkeypatch).refuse("Query", "AccessDeniedException", "not for you")

    assert main(["verify", "--all", *ASKED]) == 3
    assert "the ledger cannot be read" in capsys.readouterr().err


def test_drift_is_told_beside_what_could_not_be_read(
    churn: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn.runs(churn.live, Environment={})
    Wire(monkeypatch).refuse("DescribeModelPackage", "AccessDeniedException", "not for you")

    assert [severity for severity, _ in churn.found(code=1)] == ["unreadable", "drift"]


def canary(churn: Serving, **weights: float) -> TargetState:
    """Version 2 stands beside version 1, parked at its first step of 10 %."""
    release = churn.deployed(2, epoch=5)
    churn.world.given_endpoint("churn-v1-v2-e5-both", v1_e1=90, v2_e5=10, **weights)
    churn.runs(churn.live)
    churn.runs(release)
    rollout = a_rollout(
        release=release, stable=churn.live, position=0, provision_config="churn-v1-v2-e5-both"
    )
    state = a_state(rollout, live=churn.live, last_good=(), phase=Phase.BAKING, token="parked")
    return churn.world.given(state)


def test_a_rollout_in_flight_is_no_drift_and_is_told(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    canary(churn)

    assert main(["verify", "churn", *ASKED]) == 0

    head, note = capsys.readouterr().out.splitlines()
    assert head == f"{TARGET}: as approved; by the ledger churn-v1 serves"
    assert note == "  rollout churn-g1-e5 in flight: churn-v2, Baking: no drift"


def test_weights_that_a_person_moved_in_a_rollout_are_found(churn: Serving) -> None:
    canary(churn)
    churn.aws("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "v2-e5", "DesiredWeight": 60.0}],
    )

    assert churn.found(code=1) == [("drift", f"traffic of {TARGET}")]


def test_the_canary_is_verified_as_what_serves_is(churn: Serving) -> None:
    canary(churn)
    churn.runs(churn.deployed(2, epoch=5), Environment={"LEVEL": "9"})

    assert churn.found(code=1) == [("drift", "environment of the model churn-v2-e5")]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["verify"], "either TARGETs, or --all"),
        (["verify", "churn", "--all"], "either TARGETs, or --all"),
        (["verify", "fraud"], "the ledger has nothing of endpoint/fraud"),
        (["verify", "endpoints/churn"], "no target is called"),
        (["verify", "--all"], "the ledger knows no target"),
    ],
)
def test_what_cannot_be_verified_says_what_to_change(
    table: object, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    assert main([*asked, *ASKED]) == 2
    assert said in capsys.readouterr().err


def test_without_the_stack_the_role_is_not_guessed(
    churn: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "churn", "--table", TABLE]) == 3
    assert "role of the model churn-v1-e1" in capsys.readouterr().out


def test_nothing_but_reads_is_asked_of_aws(churn: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)

    assert churn.found(code=0) == []

    assert {operation for operation, _ in wire.asked} == {
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeImages",
        "DescribeModel",
        "DescribeModelPackage",
        "GetItem",
        "GetObject",
        "HeadObject",
        "Query",
        "Verify",
    }


def test_a_byte_that_flipped_under_its_version_is_found_by_reading(churn: Serving) -> None:
    """S3 serves no other bytes under a version: only whoever reads them would know if it did."""
    s3 = s3_backends[ACCOUNT]["aws"]
    stored = s3.buckets[BUCKET].keys[churn.key("config.json")]
    content, etag = bytes(stored.value), stored.etag
    table, key = churn.world.table, ("RELEASE#churn", "CAPTURE#000001")
    item = table.get(*key)
    assert item
    (copy,) = (one for one in item["copies"] if one["name"] == "config.json")
    copy["sha256"] = hashlib.sha256(content).hexdigest()
    table.write(table.put(item))
    stored.value = content[:-1] + bytes([content[-1] ^ 1])
    stored._etag = etag.strip('"')

    assert churn.found(code=0) == []
    found = churn.answer("--read", code=1)["targets"][0]["findings"]

    (finding,) = (one for one in found if one["severity"] == "drift")
    assert finding["what"] == "config.json of churn-v1 in the vault"
    assert json.loads(finding["expected"]) == {"sha256": hashlib.sha256(content).hexdigest()}
    assert json.loads(finding["found"]) == {"sha256": "of other bytes than its checksum"}
