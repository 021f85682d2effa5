"""The judge decides on real traffic, and people may say a word."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from localcloud.launcher import client_environment
from tests.e2e.built import ROOT
from tests.e2e.folders import STRANGE, USUAL, inference, plan
from tests.e2e.line import Line

REFUSED = (STRANGE,)
CROWD, BUSY = 2, 20.0
"""Users and their requests a second, which are a minute of the cloud."""


def sluice(line: Line, *arguments: str) -> tuple[int, str]:
    """What the command line says, as a person would ask it."""
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            **client_environment(line.stack.endpoint_url),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def entries(line: Line, event: str) -> list[dict[str, Any]]:
    """What the history tells of an event of version 2."""
    return [
        one for one in line.history() if one["event"] == event and one["release"]["version"] == 2
    ]


def test_a_good_canary_is_promoted_on_evidence_that_replays(churn: Line, tmp_path: Any) -> None:
    churn.serve_first()
    churn.push(2)

    churn.approve(2)
    promoted = churn.until_event("Promoted", 2)
    rollout = promoted["execution"]

    assert "canary 0 bad of" in promoted["reason"]
    (first, whole) = entries(churn, "Shifted")
    assert "evidence" not in first, "nobody was judged before there was traffic"
    assert whole["evidence"] != promoted["evidence"]
    code, said = sluice(churn, "replay", churn.name, "--rollout", rollout, "--save", str(tmp_path))
    assert code == 0, said
    assert said.count(": the same: ") >= 2
    judged = json.loads((tmp_path / f"{rollout}_{whole['evidence']}.json").read_text())
    minutes = judged["document"]["metrics"]["errors"]["minutes"]
    assert {one["weight"] for one in minutes} == {0.5}
    assert sum(one["n_c"] or 0 for one in minutes) > 0
    code, said = sluice(churn, "plan", churn.name, "--rollout", rollout)
    assert "50 %: " in said, said


def test_a_bad_canary_goes_back_before_any_alarm_fires(churn: Line) -> None:
    """It fails each sixtieth request; the default alarm wants over one in twenty.

    It wants that in two minutes of three: where a minute has so few requests that one is more than
    one in twenty, the next failure is further away. Alpha is that of `cautious`: the default asks
    for half as many requests again, for which a slow machine takes its time.
    """
    churn.serve_first()
    churn.leave()
    churn.push(
        2,
        inference(2, fails_every=60),
        rollout=plan(analysis={"alpha": 0.05}, bake_minutes={"min": 1, "max": 120, "last": 120}),
        alarms={},
    )
    crowd = [churn.users(rate=BUSY) for _ in range(CROWD)]

    churn.approve(2)
    aborted = churn.until_event("Aborted", 2, minutes=110)
    churn.leave()
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert "the canary is worse than is tolerated; model_errors: canary" in aborted["reason"]
    assert aborted["evidence"]
    assert [event for event, _ in churn.events() if event == "AlarmFired"] == []
    failed = [answer for users in crowd for answer in users.errors]
    assert {answer.version for answer in failed} == {2}
    assert len(failed) < 0.05 * sum(users.served_by()[2] for users in crowd)
    assert churn.package(2)["ModelApprovalStatus"] == "Rejected"
    assert f"{churn.name}-v2" in churn.state()["bad"]


def test_an_outage_that_hits_both_versions_is_not_the_canarys(churn: Line) -> None:
    users = churn.serve_first(inference(1, refuses=REFUSED))
    churn.push(2, inference(2, refuses=REFUSED))
    churn.approve(2)
    churn.until_serving({1: 50, 2: 50})

    users.say(STRANGE)
    churn.until(
        "both refuse for a while",
        lambda: min(refused(churn, version) for version in (1, 2)) >= 6 or None,
        minutes=40,
    )
    users.say(USUAL)

    churn.until_event("Promoted", 2)
    assert {answer.version for answer in users.errors} == {1, 2}
    assert "bad" not in churn.state()


def refused(line: Line, version: int) -> int:
    """How many users a version has refused."""
    (users,) = line._users
    return sum(answer.version == version for answer in users.errors)


@pytest.mark.parametrize(
    ("word", "serves", "event"), [("promote", {2: 100}, "Promoted"), ("abort", {1: 100}, "Aborted")]
)
def test_a_canary_without_traffic_is_held_for_a_person(
    churn: Line, word: str, serves: dict[int, float], event: str
) -> None:
    churn.serve_first()
    churn.leave()
    churn.push(2, rollout=plan(bake_minutes={"min": 1, "max": 2, "last": 1}))

    code, said = sluice(churn, word, churn.name)
    assert (code, "no rollout is in flight" in said) == (1, True), said
    churn.approve(2)
    held = churn.until_event("Held", 2)
    assert "too little data" in held["reason"]
    churn.until_phase("Held")
    code, said = sluice(churn, word, churn.name, "--why", "it was looked at")
    assert code == 0, said

    churn.until("it shifted", lambda: entries(churn, "Shifted")[1:] or None)
    churn.users()  # at all traffic there must be some
    ended = churn.until_event(event, 2)
    churn.until_serving(serves)
    asked = entries(churn, {"promote": "PromotionAsked", "abort": "AbortAsked"}[word])
    assert [one["reason"].endswith(":root: it was looked at") for one in asked] == [True]
    if word == "abort":
        assert ended["reason"].startswith("aborted by ")
        assert "bad" not in churn.state()
