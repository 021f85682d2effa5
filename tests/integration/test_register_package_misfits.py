"""A folder of many files that contradict its config: people are told once, and of all of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.faults import Crash
from tests.integration.unpacked import listed, push_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

    type Told = Callable[[], list[str]]

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
FIFTY = {f"model/shard-{one:02}.bin": b"short" for one in range(50)}
WANTED = listed(dict.fromkeys(FIFTY, b"longer"))


def pushed(inbox: Inbox, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [inbox.push(name, body) for name, body in files.items()]


def refused(inbox: Inbox) -> int:
    return list(inbox.records().values()).count("Rejected FileMismatch")


def test_a_config_that_fifty_files_contradict_is_one_mail(inbox: Inbox, told: Told) -> None:
    inbox.deliver(*pushed(inbox, FIFTY), push_config(inbox, WANTED))

    assert refused(inbox) == 50
    (mail,) = told()
    assert "model/shard-00.bin has 5 bytes, config.json lists 6" in mail
    assert mail.count("has 5 bytes") == 11
    assert "- and 39 more" in mail
    assert "`sluice wait models/churn-v4` names it" in mail


def test_files_that_come_one_by_one_are_one_mail_an_hour(inbox: Inbox, told: Told) -> None:
    inbox.deliver(push_config(inbox, WANTED))
    first, second, third = pushed(inbox, dict(list(FIFTY.items())[:3]))
    first["time"], second["time"] = "2026-05-03T14:00:00Z", "2026-05-03T14:59:00Z"
    third["time"] = "2026-05-03T16:00:00Z"

    inbox.deliver(first)
    inbox.deliver(second)

    assert (refused(inbox), len(told())) == (2, 1)
    inbox.deliver(third)
    mails = told()
    assert (refused(inbox), len(mails)) == (3, 2), "told of anew: nobody reads a silence for long"
    assert "shard-02.bin" in mails[1]


def test_another_reason_is_told_of_beside(inbox: Inbox, told: Told) -> None:
    inbox.deliver(*pushed(inbox, FIFTY), push_config(inbox, WANTED))

    inbox.deliver(inbox.push("model.tar.gz"))

    assert [("lies in the folder too" in mail) for mail in told()] == [False, True]


@pytest.mark.parametrize("number", [*range(8), 15, 22])
def test_a_crash_among_the_refusals_leaves_nobody_untold(
    inbox: Inbox, told: Told, faults: Faults, number: int
) -> None:
    ten = dict(list(FIFTY.items())[:10])
    inbox.deliver(*pushed(inbox, ten))
    config = push_config(inbox, listed(dict.fromkeys(ten, b"longer")))
    with faults.crash(number), suppress(Crash):
        inbox.deliver(config)

    inbox.deliver(config)

    assert refused(inbox) == 10
    mails = told()
    assert 1 <= len(mails) <= 2, "twice is better than never"
    assert all(mail.count("has 5 bytes") == 10 for mail in mails)
