"""Why a rollout is refused, said with what was expected and what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sluice.domain.differing import LONGEST, package_objection, refusal
from sluice.domain.package import customer_metadata, specification
from sluice.domain.release import ApprovalStatus
from sluice.domain.verifying import Check, Packaged
from tests.builders import CANARY, a_bedrock_manifest, a_manifest

MANIFEST, APPLICATION = a_manifest(), a_bedrock_manifest()
PACKAGE = Packaged(
    approval=ApprovalStatus.APPROVED,
    metadata={**customer_metadata(MANIFEST, CANARY.digest), "owner": "what people add is theirs"},
    specification=specification(MANIFEST, CANARY.digest),
)
(CONTAINER,) = PACKAGE.specification["Containers"]
OF = "package of churn-v4"


def specified(**changes: Any) -> Packaged:
    return replace(PACKAGE, specification={**PACKAGE.specification, **changes})


def contained(**changes: Any) -> Packaged:
    return specified(Containers=[{**CONTAINER, **changes}])


@pytest.mark.parametrize(
    ("package", "difference"),
    [
        pytest.param(
            contained(Image="other@sha256:1"),
            f"Image of the {OF}: expected {MANIFEST.image}, found other@sha256:1",
            id="image",
        ),
        pytest.param(
            contained(ModelDataUrl="s3://other"),
            f"ModelDataUrl of the {OF}: expected {CONTAINER['ModelDataUrl']}, found s3://other",
            id="artifact",
        ),
        pytest.param(
            contained(Environment={"DEBUG": "1"}),
            f'environment of the {OF}: expected nothing, found {{"DEBUG": "1"}}',
            id="environment",
        ),
        pytest.param(
            specified(Containers=[CONTAINER, CONTAINER]),
            f"containers of the {OF}: expected 1, found 2",
            id="a second container",
        ),
        pytest.param(
            specified(Containers=[]), f"containers of the {OF}: expected 1, found 0", id="none"
        ),
        pytest.param(
            specified(SupportedContentTypes=["text/html"]),
            f"SupportedContentTypes of the {OF}: "
            'expected ["application/json"], found ["text/html"]',
            id="content types",
        ),
        pytest.param(
            specified(SupportedRealtimeInferenceInstanceTypes=["ml.p4d.24xlarge"]),
            f"SupportedRealtimeInferenceInstanceTypes of the {OF}: "
            'expected ["ml.m5.large"], found ["ml.p4d.24xlarge"]',
            id="instance types",
        ),
        pytest.param(
            replace(PACKAGE, metadata={**PACKAGE.metadata, "release-digest": "e"}),
            f"release-digest of the {OF}: expected {CANARY.digest}, found e",
            id="of another manifest",
        ),
    ],
)
def test_a_package_that_changed_after_its_approval_is_refused_with_the_difference(
    package: Packaged, difference: str
) -> None:
    assert package_objection(CANARY, MANIFEST, package) == (
        f"PACKAGE_CHANGED: {difference}. Put it back and approve it again, or push a new version"
    )


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        pytest.param(PACKAGE, "", id="as registered"),
        pytest.param(None, "PACKAGE_GONE", id="deleted"),
        pytest.param(
            replace(PACKAGE, approval=ApprovalStatus.REJECTED), "NOT_APPROVED", id="rejected"
        ),
        pytest.param(
            replace(PACKAGE, approval=ApprovalStatus.PENDING), "NOT_APPROVED", id="pending"
        ),
    ],
)
def test_a_package_is_the_one_that_was_approved(package: Packaged | None, reason: str) -> None:
    assert package_objection(CANARY, MANIFEST, package).partition(":")[0] == reason


def test_the_package_of_an_application_runs_nothing() -> None:
    registered = Packaged(ApprovalStatus.APPROVED, customer_metadata(APPLICATION, CANARY.digest))
    added = replace(registered, specification={"Containers": [{"Image": "i"}]})

    assert package_objection(CANARY, APPLICATION, registered) == ""
    assert "expected 0, found 1" in package_objection(CANARY, APPLICATION, added)


def test_a_reason_tells_three_differences_and_how_many_more() -> None:
    checks = [Check(name, "1", "2") for name in "abcde"]

    assert refusal("R", checks, advice="Mend it") == (
        "R: a: expected 1, found 2; b: expected 1, found 2; c: expected 1, found 2; and 2 more. "
        "Mend it"
    )
    assert refusal("R", [Check("a", "1", "1")], advice="Mend it") == ""


def test_long_values_are_told_from_a_little_before_they_differ() -> None:
    same = "x" * 900

    told = refusal("R", [Check("a", f"{same}1{same}", f"{same}2{same}")], advice="Mend it")

    assert f"expected …{'x' * 20}1xxx" in told
    assert f"found …{'x' * 20}2xxx" in told
    assert len(told) < 2 * LONGEST + 100


def test_a_long_value_beside_a_short_one_is_told_from_its_beginning() -> None:
    told = refusal("R", [Check("a", "short", "l" * 900)], advice="Mend it")

    assert told == f"R: a: expected short, found {'l' * LONGEST}…. Mend it"
