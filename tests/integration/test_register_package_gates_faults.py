"""Crashes and races while a version below the evaluation policy is registered: Rejected, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.faults import CLAIMED, MOST_CALLS, Crash
from tests.integration.gated import push

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

# Powertools warns of an invocation without a metric; one that crashed has none.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


def assert_rejected_once(inbox: Inbox) -> None:
    (release,) = inbox.releases()
    (change,) = release["approvals"]
    assert (release["capture"], release["approval"]) == ("Registered", "Rejected")
    assert change["actor"].startswith("sluice/evaluation-policy/")
    assert release["missed"] == ["accuracy is 0.81, at_least demands 0.88"]
    packages = inbox.every_package()
    # moto forgets client tokens: a lost race may leave a second one, which nobody can deploy.
    assert {one["ModelApprovalStatus"] for one in packages} == {"Rejected"}
    assert release["package_arn"] in {one["ModelPackageArn"] for one in packages}
    others = [one for one in packages if one["ModelPackageArn"] != release["package_arn"]]
    assert all(one["ApprovalDescription"].startswith("duplicate of") for one in others)
    assert set(inbox.records().values()) == {"Registered"}


def test_a_crash_after_any_write_leaves_it_rejected_with_the_next_delivery(
    faults: Faults, start_gated: Callable[[], Inbox]
) -> None:
    for number in range(3, MOST_CALLS, 2):  # the claim and what follows it
        inbox = start_gated()
        pushed = push(inbox, accuracy=0.81)
        inbox.deliver(*pushed[:2])
        try:
            with faults.crash(number):
                inbox.deliver(pushed[2])
        except Crash:
            assert inbox.deliver(*pushed[2:]) == []
            assert_rejected_once(inbox)
        else:
            break
    else:
        pytest.fail(f"the delivery made more than {MOST_CALLS} writing calls")
    assert number > 10


def test_two_deliveries_that_meet_while_it_is_registered_reject_it_once(
    faults: Faults, start_gated: Callable[[], Inbox]
) -> None:
    for number in range(CLAIMED, MOST_CALLS, 7):
        inbox = start_gated()
        pushed = push(inbox, accuracy=0.81)
        inbox.deliver(*pushed[:2])
        met: list[Any] = []

        def rival(inbox: Inbox = inbox, last: Any = pushed[2], met: list[Any] = met) -> None:
            met.append(inbox.deliver(last))

        with faults.meanwhile(number, rival):
            assert inbox.deliver(pushed[2]) == []
        if not met:  # our delivery made fewer calls
            break
        assert inbox.deliver(*pushed) == []
        assert_rejected_once(inbox)
    assert number > 2 * CLAIMED
