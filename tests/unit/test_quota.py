"""Whether an update fits into the account's quota while old and new instances stand at once."""

from __future__ import annotations

from sluice.domain.quota import applies, needed, shortage, unread
from sluice.domain.rollout import Kind
from tests.builders import AT, a_rollout, a_state

STABLE = ("ml.m5.xlarge", 4)


def test_an_update_needs_stable_twice_and_the_canary() -> None:
    assert needed((STABLE,), (STABLE, ("ml.m5.xlarge", 4))) == {"ml.m5.xlarge": 12}
    assert needed((STABLE,), (STABLE, ("ml.g5.xlarge", 1))) == {
        "ml.m5.xlarge": 8,
        "ml.g5.xlarge": 1,
    }
    assert needed((), (STABLE,)) == {"ml.m5.xlarge": 4}


def test_a_shortage_is_told_in_numbers_and_with_what_to_do() -> None:
    told = shortage({"ml.m5.xlarge": 12}, allowed={"ml.m5.xlarge": 8}, others={"ml.m5.xlarge": 4})

    assert told == (
        "QUOTA: ml.m5.xlarge: 12 needed at the peak, 8 allowed, 4 used by others; SageMaker "
        "would answer ResourceLimitExceeded. Request more of '{type} for endpoint usage' in "
        "Service Quotas, or free instances"
    )


def test_what_just_fits_fits() -> None:
    needs, others = {"ml.m5.xlarge": 12}, {"ml.m5.xlarge": 4, "ml.t2.medium": 99}

    assert shortage(needs, allowed={"ml.m5.xlarge": 16}, others=others) == ""
    assert shortage(needs, allowed={"ml.m5.xlarge": 15}, others=others).startswith("QUOTA: ")


def test_a_type_whose_quota_is_unknown_is_not_judged() -> None:
    assert shortage({"ml.m5.xlarge": 12}, allowed={}, others={"ml.m5.xlarge": 400}) == ""


def test_an_estimate_never_stands_in_the_way_of_a_rollback() -> None:
    assert applies(a_rollout())
    assert applies(a_rollout(Kind.ALL_AT_ONCE))
    assert not applies(a_rollout(Kind.ROLL_BACK))


def test_the_history_says_that_a_quota_was_not_looked_at_and_why() -> None:
    rollout = a_rollout()

    change = unread(a_state(rollout), rollout, ["denied", "too many"], now=AT)

    assert change
    assert [(one.event, one.reason) for one in change.events] == [
        ("QuotaUnread", "denied; too many")
    ]
    assert unread(None, rollout, ["denied"], now=AT) is None
