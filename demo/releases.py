"""Steps 1 to 3: what goes well: a first version deployed, and a better one that takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo import acts
from demo.counting import (
    Answer,
    by_version,
    covered,
    failures,
    within_chance,
    wrong,
)
from demo.rows import READ_BY_ALL, Kind
from demo.traffic import sweep
from demo.watching import Stretch, percentages, steady

if TYPE_CHECKING:
    from demo.account import Registered
    from demo.packing import Package
    from demo.stage import Stage

ALL = 100.0
"""Percent."""
STEPS = (5.0, 25.0, 50.0, 100.0)
SHORT = (50.0, ALL)
"""The steps of the plans of versions 4 to 6."""
USUAL_MIX = {Kind.COMPLETE: 0.5, Kind.INCOMPLETE: 0.5}
_LEAST_REQUESTS = 5
"""Fewer say nothing about a share."""


def push_first(stage: Stage) -> None:
    """Step 1: push version 1; the registry has it, waiting for a person."""
    _check_registered(stage, acts.push(stage, 1), stage.packages[1])


def deploy_first(stage: Stage) -> None:
    """Step 2: approve version 1; the endpoint appears, and users come."""
    check, after = stage.narrator.check, stage.entries()
    acts.approve(stage, registered(stage, 1), "first model")
    stage.until("version 1 serves", lambda: serving(stage, 1), minutes=15)
    stage.traffic.send_from_now_on(USUAL_MIX)
    stage.traffic.start()
    stage.narrator.say("users arrive; they stay to the end")
    check("describe-endpoint: version 1 has all traffic", bool(serving(stage, 1)), endpoint(stage))
    check_every_row(stage, 1, READ_BY_ALL)
    settled(stage, 1, after=after)
    seen = stage.traffic.answers()
    check("no user saw an error", not failures(seen), _errors(seen))
    stage.meanwhile.begin()
    stage.narrator.say("beside all that follows, an assistant on Bedrock is released: step 7")


def release_better(stage: Stage) -> None:
    """Step 3: push and approve version 2; it is promoted by steps, and version 1 stands by."""
    began, after = time.monotonic(), stage.entries()
    package = acts.push(stage, 2)
    _check_registered(stage, package, stage.packages[2])
    _check_better(stage)
    acts.approve(stage, package, "better on the held-out rows")
    canary_to_all(stage, 2, after=after)
    check_every_row(stage, 2, READ_BY_ALL)
    stage.narrator.check(
        "version 1 stands by: on the endpoint, without traffic",
        bool([s for s in steady(stage.watch.stretches(began), 2, ALL) if s.sight.share(1) == 0]),
        endpoint(stage),
    )
    settled(stage, 2, after=after)
    stage.until("version 1 leaves", lambda: serving(stage, 2), minutes=15)
    _check_canary(stage, 2, began)
    seen = stage.traffic.answers(began)
    stage.narrator.check("no user saw an error", not failures(seen), _errors(seen))
    status = registered(stage, 2).status
    stage.narrator.check("the registry says version 2 is Approved", status == "Approved", status)


def canary_to_all(
    stage: Stage, version: int, *, after: int, steps: tuple[float, ...] = STEPS
) -> None:
    """Wait until a canary has all traffic and the ledger says it is promoted, telling each step."""
    began = time.monotonic()
    bad = stage.ended_badly(version, after=after)
    for percent in steps:

        def arrived(percent: float = percent) -> tuple[Stretch, ...] | None:
            return steady(stage.watch.stretches(began), version, percent) or None

        stage.until(f"version {version} at {percent:g} %", arrived, minutes=20, unless=bad)
        stage.narrator.say(f"version {version} gets {percent:g} % of the traffic")
    promoted = stage.event("Promoted", version, after=after)
    entry = stage.until(f"version {version} promoted", promoted, minutes=20, unless=bad)
    stage.narrator.say(f"promoted: {entry.reason}")


def settled(stage: Stage, version: int, *, after: int) -> None:
    """Wait until the rollout of a version is over and its target free."""
    over = stage.event("Settled", version, after=after)
    entry = stage.until("the rollout to settle", over, minutes=20)
    stage.narrator.say(f"settled at {entry.at:%H:%M:%S} of the cloud's clock: {entry.reason}")


def serving(stage: Stage, version: int) -> str | None:
    """The endpoint, if it is in service with `version` alone on it."""
    sight = stage.account.endpoint()
    alone = len(sight.shares) == 1 and sight.share(version) == ALL
    return str(sight) if sight.in_service and alone else None


def endpoint(stage: Stage) -> str:
    """The endpoint now, in words."""
    return str(stage.account.endpoint())


def registered(stage: Stage, version: int) -> Registered:
    """The registry's package of a version that was pushed."""
    return stage.until(f"version {version}", lambda: stage.account.registered(version), minutes=1)


def check_answers(stage: Stage, answers: tuple[Answer, ...]) -> None:
    """Whether each diagnosis is what the version that gave it says through joblib."""
    differing = wrong(answers, stage.expected)
    stage.narrator.check(
        "every diagnosis over the wire equals joblib's",
        not differing,
        f"{len(answers)} compared, {len(differing)} differ",
    )


def _check_registered(stage: Stage, package: Registered, pushed: Package) -> None:
    waiting = "PendingManualApproval"
    stage.narrator.check(
        f"version {package.version} waits for a person", package.status == waiting, package.status
    )
    same = {key: package.properties.get(key) for key in pushed.metadata} == pushed.metadata
    stage.narrator.check(
        "the registry has the metadata that was pushed",
        same,
        ", ".join(f"{key}={package.properties.get(key)}" for key in pushed.metadata),
    )


def _check_better(stage: Stage) -> None:
    first, second = (registered(stage, v).properties.get("eval-accuracy", "") for v in (1, 2))
    stage.narrator.check(
        "version 2 is better on held-out rows, as registered",
        float(second or 0) > float(first or 1),
        f"{first} then {second}",
    )


def check_every_row(stage: Stage, version: int, kinds: tuple[Kind, ...]) -> None:
    """Whether `version`, having all traffic, diagnoses each held-out row written so."""
    rows = [row for kind in kinds for row in stage.rows[kind]]
    answers = sweep(stage.caller, rows)
    done = all(len(covered(answers, version, k)) == len(stage.rows[k]) for k in kinds)
    stage.narrator.check(
        f"version {version} diagnosed every held-out row, however it is written",
        done and not failures(answers),
        f"{len(answers)} requests, {_errors(answers)}, {dict(by_version(answers))}",
    )
    check_answers(stage, answers)


def _check_canary(stage: Stage, version: int, since: float) -> None:
    stretches = stage.watch.stretches(since)
    seen = percentages(stretches, version)
    stage.narrator.check(
        f"version {version} got 5, 25, 50, 100 %, in that order",
        [percent for percent in seen if percent > 0] == list(STEPS),
        ", ".join(f"{percent:g} %" for percent in seen),
    )
    for percent in STEPS:
        answers = [
            answer
            for stretch in steady(stretches, version, percent)
            for answer in stage.traffic.answers(stretch.since, stretch.until)
        ]
        given = by_version(answers)[version]
        stage.narrator.check(
            f"the client counted {percent:g} % to version {version}",
            len(answers) >= _LEAST_REQUESTS and within_chance(given, len(answers), percent / 100),
            f"{given} of {len(answers)}",
        )


def _errors(answers: tuple[Answer, ...]) -> str:
    failed = failures(answers)
    return f"{len(failed)} errors" + (f", the last: {failed[-1].error}" if failed else "")
