"""Which releases a target may have to go back to, and what makes each restorable or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.pinning import FoundationModel
from sluice.domain.readiness import (
    Readiness,
    is_new,
    key_check,
    landings,
    probe_check,
    role_checks,
    status_check,
)
from sluice.domain.rollout import Kind
from sluice.domain.target import Mark
from sluice.domain.verifying import Severity, Unread, findings
from sluice.domain.vetting import Probed
from tests.builders import AT, CANARY, STABLE, a_rollout, a_state, deployed

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from sluice.domain.verifying import Check

FIRST, SECOND, THIRD = deployed(1, epoch=1), deployed(2, epoch=2), STABLE
EVERY = {one.release for one in (FIRST, SECOND, THIRD, CANARY)}
GOOD = (THIRD, SECOND, FIRST)
MARK = Mark(reason="an alarm", at=AT)
NAME = THIRD.release
ROLE = "arn:aws:iam::123456789012:role/serving"
MODEL = FoundationModel("anthropic.claude", "arn:aws:bedrock:::foundation-model/x", "ACTIVE")


@pytest.mark.parametrize(
    ("state", "without", "expected"),
    [
        pytest.param({"live": THIRD, "last_good": GOOD}, (), [3, 2, 1], id="at rest, live first"),
        pytest.param({"live": THIRD, "last_good": GOOD}, (SECOND,), [3, 1], id="one rejected"),
        pytest.param({"live": THIRD, "last_good": GOOD}, (THIRD,), [2, 1], id="live is rejected"),
        pytest.param(
            {"live": THIRD, "last_good": GOOD, "bad": {"churn-v2": MARK}}, (), [3, 1], id="one bad"
        ),
        pytest.param(
            {"live": THIRD, "last_good": GOOD, "suspect": {"churn-v3": MARK}},
            (),
            [2, 1],
            id="what serves is suspect",
        ),
        pytest.param({"live": None, "last_good": ()}, (), [], id="nothing served yet"),
        pytest.param({"live": FIRST, "last_good": ()}, (), [1], id="not proven, and all there is"),
    ],
)
def test_a_target_goes_back_to_what_is_approved_and_not_marked(
    state: dict[str, Any], without: tuple[Any, ...], expected: list[int]
) -> None:
    approved = EVERY - {one.release for one in without}

    found = landings(a_state(**state), approved)

    assert [one.release.version for one in found] == expected


def test_a_promoted_canary_goes_back_to_what_stands_by_first() -> None:
    rollout = a_rollout(release=CANARY, stable=SECOND, promoted=True)

    found = landings(a_state(rollout, live=CANARY, last_good=GOOD), EVERY)

    assert [one.release.version for one in found] == [2, 4, 3, 1]


def test_a_first_deployment_has_nothing_to_go_back_to() -> None:
    rollout = a_rollout(Kind.ALL_AT_ONCE, release=CANARY, stable=None)

    assert landings(a_state(rollout, live=None, last_good=()), EVERY) == ()


@pytest.mark.parametrize(
    ("state", "new"),
    [
        pytest.param(a_state(live=None, last_good=()), True, id="nothing was rolled out"),
        pytest.param(
            a_state(a_rollout(Kind.ALL_AT_ONCE, stable=None), live=None, last_good=()),
            True,
            id="its first rollout is in flight",
        ),
        pytest.param(
            a_state(live=None, last_good=(), bad={"churn-v1": MARK}), True, id="its first was bad"
        ),
        pytest.param(a_state(live=THIRD, last_good=()), False, id="something serves"),
        pytest.param(a_state(live=None, last_good=GOOD), False, id="something served well"),
        pytest.param(
            a_state(a_rollout(stable=SECOND), live=None, last_good=()), False, id="beside stable"
        ),
    ],
)
def test_a_target_is_new_until_a_release_has_served_it(state: TargetState, new: bool) -> None:
    assert is_new(state) is new


def told(*checks: Check) -> list[tuple[str, str, str]]:
    return [(one.severity, one.what, one.found) for one in findings(checks)]


KEY = "encryption key of churn-v3 in the vault"
ROLE_OF = "role of churn-v3"
ANSWER = "answer of anthropic.claude to churn-v3"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        pytest.param([key_check(NAME, "")], [], id="key: usable"),
        pytest.param(
            [key_check(NAME, "KMS.DisabledException: k is disabled.")],
            [("drift", KEY, "KMS.DisabledException: k is disabled.")],
            id="key: disabled",
        ),
        pytest.param(
            [key_check(NAME, Unread("denied"))], [("unreadable", KEY, "denied")], id="key: unread"
        ),
        pytest.param(role_checks(NAME, ROLE, listed={ROLE}, exists=True), [], id="role: there"),
        pytest.param(role_checks(NAME, ROLE, listed=None, exists=True), [], id="role: no list"),
        pytest.param(
            role_checks(NAME, ROLE, listed={ROLE}, exists=False),
            [("gone", ROLE_OF, "nothing")],
            id="role: deleted",
        ),
        pytest.param(
            role_checks(NAME, ROLE, listed={"arn:other"}, exists=True),
            [("drift", ROLE_OF, "not in arn:other")],
            id="role: taken off the list",
        ),
        pytest.param(
            role_checks(NAME, ROLE, listed={ROLE}, exists=Unread("denied")),
            [("unreadable", ROLE_OF, "denied")],
            id="role: unread",
        ),
        pytest.param([status_check(NAME, MODEL)], [], id="model: active"),
        pytest.param(
            [status_check(NAME, replace(MODEL, status="LEGACY"))], [], id="model: legacy answers"
        ),
        pytest.param(
            [status_check(NAME, replace(MODEL, status="RETIRED"))],
            [("drift", "status of model anthropic.claude of churn-v3", "RETIRED")],
            id="model: anything else",
        ),
        pytest.param([probe_check(NAME, MODEL.id, Probed())], [], id="probe: answered"),
        pytest.param(
            [probe_check(NAME, MODEL.id, Probed(refused="no access"))],
            [("drift", ANSWER, "no access")],
            id="probe: refused",
        ),
        pytest.param(
            [probe_check(NAME, MODEL.id, Probed(unanswered="throttled"))],
            [("unreadable", ANSWER, "throttled")],
            id="probe: busy says nothing of the release",
        ),
    ],
)
def test_what_a_rollback_needs_is_named_where_it_lacks(
    check: Any, expected: list[tuple[str, str, str]]
) -> None:
    assert told(*check) == expected


def test_what_could_not_be_read_is_neither_there_nor_lacking() -> None:
    unread = findings([key_check(NAME, Unread("denied"))])
    found = Readiness(release=NAME, findings=unread)

    assert [one.severity for one in found.findings] == [Severity.UNREADABLE]
    assert (found.restorable, found.lacking) == (False, ())
