"""Steps 8 to 10: what goes wrong around a model: a lost event, a stopped execution, a halt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo import acts
from demo.counting import by_version, failures
from demo.releases import (
    ALL,
    SHORT,
    canary_to_all,
    check_every_row,
    registered,
    serving,
    settled,
)
from demo.reversals import check_healthy_since, check_serves
from demo.rows import READ_BY_ALL, Kind
from demo.watching import percentages, steady

if TYPE_CHECKING:
    from demo.stage import Stage

HALF = 50.0
WITH_LAST_LABORATORY = {Kind.COMPLETE: 0.4, Kind.WITH_UNIT: 0.6}
_QUIET_SECONDS = 4.0
"""As long as several looks of the schedule take; a halted target must not move meanwhile."""


def heal_lost_approval(stage: Stage) -> None:
    """Step 8: the approval's event never arrives; the schedule finds the approval anyway."""
    began, after = time.monotonic(), stage.entries()
    package = acts.push(stage, 5)
    acts.set_rule(stage, "ReconcileTargetFunctionApprovalChanged", enabled=False)
    acts.approve(stage, package, "better weights")
    stage.narrator.say("nobody was told: the rule that brings approvals is off")
    stage.until("the approval found", stage.event("Approved", 5, after=after), minutes=12)
    acts.set_rule(stage, "ReconcileTargetFunctionApprovalChanged", enabled=True)
    canary_to_all(stage, 5, after=after, steps=SHORT)
    settled(stage, 5, after=after)
    stage.until("version 5 serves alone", lambda: serving(stage, 5), minutes=15)
    check_serves(stage, 5)
    seen = stage.traffic.answers(began)
    stage.narrator.check(
        "no user saw an error", not failures(seen), f"{len(seen)} requests of {_mix(stage, began)}"
    )


def replace_dead_execution(stage: Stage) -> None:
    """Step 9: somebody stops the execution in the middle of a canary; another one cleans up."""
    after = stage.entries()
    acts.approve(stage, acts.push(stage, 6), "reads rows with units")
    stage.until(
        "version 6 at 50 %",
        lambda: steady(stage.watch.stretches(), 6, HALF) or None,
        minutes=20,
        unless=stage.ended_badly(6, after=after),
    )
    stopped = acts.stop_rollout(stage)
    replaced = stage.until(
        "the dead execution replaced", stage.event("HolderReplaced", 6, after=after), minutes=20
    )
    stage.narrator.say(f"replaced: {replaced.reason}")
    settled(stage, 6, after=after)
    stage.until("version 5 serves alone", lambda: serving(stage, 5), minutes=15)
    states = stage.account.executions()
    stage.narrator.check(
        "one execution was stopped, the one after it succeeded",
        states[:2] == ["SUCCEEDED", "ABORTED"],
        f"{stopped}; newest first: {', '.join(states[:3])}",
    )
    check_serves(stage, 5)
    status = registered(stage, 6).status
    stage.narrator.check(
        "version 6 is not blamed: it is still Approved", status == "Approved", status
    )


def explain_and_release_halt(stage: Stage) -> None:
    """Step 10: rows that no version reads: one rollback, then a halt, until version 6 comes."""
    after = stage.entries()
    stage.traffic.send_from_now_on(WITH_LAST_LABORATORY)
    stage.narrator.say("the last laboratory joins: it writes 17.99mm, which no version reads")
    halted = stage.until("the halt", stage.event("Halted", 1, after=after), minutes=30)
    settled(stage, 1, after=after)
    _check_explained(stage, halted.reason)
    _check_stays(stage)
    acts.reject(stage, registered(stage, 6), "its first rollout was stopped; once more")
    stage.until("the rejection", stage.event("Rejected", 6, after=after), minutes=12)
    acts.approve(stage, registered(stage, 6), "reads rows with units")
    canary_to_all(stage, 6, after=halted.n, steps=SHORT)
    promoted = time.monotonic()
    settled(stage, 6, after=halted.n)
    stage.until("version 6 serves alone", lambda: serving(stage, 6), minutes=15)
    check_every_row(stage, 6, (*READ_BY_ALL, Kind.WITH_UNIT))
    check_serves(stage, 6)
    check_healthy_since(stage, 6, promoted)


def _check_explained(stage: Stage, reason: str) -> None:
    told = stage.until("people to be told", lambda: stage.notices.newest("is halted"), minutes=5)
    stage.narrator.say(f"people read: {told}")
    stage.narrator.check(
        "people were told what happened and what to do",
        reason in told and "approve" in told.lower(),
        told,
    )


def _check_stays(stage: Stage) -> None:
    """A halted target keeps serving as it does, however often its alarm fires."""
    since = time.monotonic()
    time.sleep(_QUIET_SECONDS)
    shares = percentages(stage.watch.stretches(since), 1)
    stage.narrator.check(
        "halted: version 1 serves on, nothing moves", shares == [ALL], f"{shares} of the traffic"
    )


def _mix(stage: Stage, since: float) -> str:
    kinds = sorted({answer.kind for answer in stage.traffic.answers(since)})
    versions = sorted(filter(None, by_version(stage.traffic.answers(since))))
    return f"{', '.join(kinds)}, answered by versions {versions}"
