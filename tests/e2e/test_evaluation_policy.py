"""A version below the evaluation policy: Rejected with the numbers, and a person's word on it."""

import json
from typing import Any

from tests.e2e import folders
from tests.e2e.line import Line

BELOW = "accuracy is 0.85, at_least demands 0.9"


def push(line: Line, version: int, **report: Any) -> None:
    """Push a version whose weights carry no scores, with this evaluation; wait for its package."""
    content = folders.folder(version)
    content[folders.EVALUATION] = json.dumps(report).encode()
    metadata = {name: one for name, one in folders.METADATA.items() if name != "eval-accuracy"}
    for name, body in content.items():
        line.stack.client("s3").put_object(
            Bucket=line.stack.bucket,
            Key=f"models/{line.name}-v{version}/{name}",
            Body=body,
            Metadata=metadata if name == folders.MODEL else {},
        )
    line.until(f"v{version} is registered", lambda: line.package_arn(version) or None, minutes=5)


def test_what_is_below_the_policy_is_rejected_with_its_numbers_and_deploys_on_a_persons_word(
    gated: Line,
) -> None:
    push(gated, 1, accuracy=0.85, f1=0.8)

    package = gated.package(1)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert BELOW in package["ModelPackageDescription"]
    assert package["CustomerMetadataProperties"]["missed accuracy at_least"] == (
        "found 0.85 wanted 0.9"
    )
    recorded = gated.ledger.release(gated.name, 1)
    assert (recorded["approval"], recorded["missed"]) == ("Rejected", [BELOW])
    assert gated.history() == []  # SageMaker's event of the rejection is no news

    gated.approve(1)
    approved = gated.until_event("Approved", 1)
    gated.until_serving({1: 100})
    assert approved["reason"].endswith(f", against the evaluation policy: {BELOW}")
    assert "bad" not in gated.state()

    gated.until_event("Promoted", 1)
    push(gated, 2, accuracy=0.95, f1=0.7)
    described = gated.package(2)
    assert described["ModelApprovalStatus"] == "Rejected"
    assert (
        f"f1 is 0.7, no_worse_than_live_by is 0.01 (higher is better): {gated.name}-v1, "
        "which serves, has 0.8"
    ) in described["ModelPackageDescription"]
