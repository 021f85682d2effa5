"""Steps 4 to 6: what goes wrong: a bad canary, a fault that shows late, a change of mind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo import acts
from demo.counting import Answer, by_version, failures, most_by_chance
from demo.releases import (
    ALL,
    SHORT,
    STEPS,
    canary_to_all,
    endpoint,
    registered,
    serving,
    settled,
)
from demo.rows import Kind
from demo.watching import percentages

if TYPE_CHECKING:
    from demo.account import Sight
    from demo.stage import Stage

WITH_NEW_LABORATORY = {Kind.COMPLETE: 0.35, Kind.INCOMPLETE: 0.35, Kind.SCIENTIFIC: 0.3}
_WEIGHTS_CALL = "sagemaker:UpdateEndpointWeightsAndCapacities"
_UPDATE_CALL = "sagemaker:UpdateEndpoint"


def release_faulty(stage: Stage) -> None:
    """Step 4: version 3 fails where a measurement is missing; its canary is rolled back."""
    began, after = time.monotonic(), stage.entries()
    acts.approve(stage, acts.push(stage, 3), "scores like version 2")
    entry = stage.until(
        "the canary of version 3 to be rolled back",
        stage.event("Aborted", 3, after=after),
        minutes=30,
    )
    stage.narrator.say(f"aborted: {entry.reason}")
    settled(stage, 3, after=after)
    stage.until("version 3 leaves", lambda: serving(stage, 2), minutes=15)
    _check_only_canary_hurt(stage, 3, began)
    check_serves(stage, 2)
    _check_rejected(stage, 3)


def release_late_fault(stage: Stage) -> None:
    """Step 5: version 4 is promoted; then a new laboratory joins whose numbers it cannot read."""
    began, after = time.monotonic(), stage.entries()
    acts.approve(stage, acts.push(stage, 4), "scores like version 2")
    canary_to_all(stage, 4, after=after, steps=SHORT)
    promoted = stage.traffic.answers(began)
    stage.narrator.check(
        "version 4 was promoted without an error",
        not failures(promoted),
        f"{len(promoted)} requests",
    )
    drifted, calls = time.monotonic(), len(stage.cloud.calls())
    stage.traffic.send_from_now_on(WITH_NEW_LABORATORY)
    stage.narrator.say("a new laboratory joins: it writes 1.799e+01 for 17.99")
    back = stage.until("traffic back on version 2", lambda: _back(stage), minutes=15)
    turned = time.monotonic()
    stage.narrator.say(f"traffic is back {turned - drifted:.1f} s after the new laboratory: {back}")
    _check_one_weight_change(stage, back, calls, drifted)
    entry = stage.until("the ledger's entry", stage.event("RolledBack", 4, after=after), minutes=5)
    settled(stage, 4, after=after)
    _check_alarm(stage, entry.reason)
    stage.until("version 4 leaves", lambda: serving(stage, 2), minutes=15)
    check_healthy_since(stage, 2, turned)
    _check_blame(stage, stage.traffic.answers(began), 4)
    check_serves(stage, 2)
    _check_rejected(stage, 4)


def reject_live(stage: Stage) -> None:
    """Step 6: somebody rejects the live version; traffic moves to the last good one."""
    began, after = time.monotonic(), stage.entries()
    acts.reject(stage, registered(stage, 2), "trained on rows we may not use")
    stage.until("version 1 serves", lambda: serving(stage, 1), minutes=30)
    settled(stage, 1, after=after)
    check_serves(stage, 1)
    seen = stage.traffic.answers(began)
    stage.narrator.check("no user saw an error", not failures(seen), _failed(seen))
    check_healthy_since(stage, 1, time.monotonic() - 1.0)


def _back(stage: Stage) -> Sight | None:
    sight = stage.account.endpoint()
    return sight if sight.share(2) == ALL else None


def _check_only_canary_hurt(stage: Stage, version: int, since: float) -> None:
    stretches = [s for s in stage.watch.stretches(since) if (s.sight.share(version) or 0) > 0]
    most = max(percentages(tuple(stretches), version), default=0.0)
    stage.narrator.check(
        f"version {version} got traffic, and never more than its first step",
        most == STEPS[0],
        f"at most {most:g} %",
    )
    answers = stage.traffic.answers(since)
    _check_blame(stage, answers, version)
    during = stage.traffic.answers(stretches[0].since, stretches[-1].until) if stretches else ()
    allowed = most_by_chance(len(during), most / 100)
    failed = failures(answers)
    stage.narrator.check(
        "users saw errors, and no more than the canary's share",
        0 < len(failed) <= allowed,
        f"{len(failed)} of {len(during)} requests during the canary, at most {allowed}",
    )


def _check_blame(stage: Stage, answers: tuple[Answer, ...], version: int) -> None:
    stage.narrator.check(
        f"every error came from version {version}",
        set(by_version(failures(answers))) <= {version},
        _failed(answers),
    )


def _check_one_weight_change(stage: Stage, back: Sight, calls: int, since: float) -> None:
    seen = percentages(stage.watch.stretches(since), 2)
    # Whoever waited saw it first; the observer, who looks now and then, may not have yet.
    shares = seen if seen[-1:] == [ALL] else [*seen, ALL]
    stage.narrator.check(
        "version 2 went from 0 to 100 % at once, version 4 still beside it",
        shares == [0, ALL] and back.share(2) == ALL and back.share(4) == 0,
        ", then ".join(f"{share:g} %" for share in shares),
    )
    actions = [call["action"] for call in stage.cloud.calls()[calls:]]
    changes = [action for action in actions if action in {_WEIGHTS_CALL, _UPDATE_CALL}]
    # The endpoint is updated later, when the variant that lost its traffic is dropped.
    stage.narrator.check(
        "one weight change brought it back, before any endpoint update",
        changes[:1] == [_WEIGHTS_CALL] and changes.count(_WEIGHTS_CALL) == 1,
        ", ".join(change.removeprefix("sagemaker:") for change in changes),
    )


def _check_alarm(stage: Stage, reason: str) -> None:
    raised = stage.account.alarms_raised(4)
    stage.narrator.check(
        "an alarm on version 4 fired, and the ledger gives it as the reason",
        any(name in reason for name in raised),
        f"{', '.join(raised) or 'no alarm'}; ledger: {reason}",
    )

    handled = stage.account.alarms_handled(4)
    stage.narrator.check(
        "the alarm's event reached the stack by its rule",
        bool(handled),
        "; ".join(handled) or "handle_alarm never ran for it",
    )


def check_healthy_since(stage: Stage, version: int, since: float) -> None:
    """Whether everything users sent since then was answered by `version`."""
    answers = stage.traffic.answers(since)
    stage.narrator.check(
        f"since then version {version} answered everything, without an error",
        set(by_version(answers)) == {version} and not failures(answers),
        f"{dict(by_version(answers))}, {_failed(answers)}",
    )


def check_serves(stage: Stage, version: int) -> None:
    """Whether the endpoint gives all traffic to `version`."""
    stage.narrator.check(
        f"describe-endpoint: version {version} has all traffic",
        serving(stage, version) is not None,
        endpoint(stage),
    )


def _check_rejected(stage: Stage, version: int) -> None:
    package = stage.until(
        f"version {version} Rejected",
        lambda: found if (found := registered(stage, version)).status == "Rejected" else None,
        minutes=5,
    )
    stage.narrator.check(
        f"the registry says version {version} is Rejected, and why",
        bool(package.description),
        package.description,
    )


def _failed(answers: tuple[Answer, ...]) -> str:
    failed = failures(answers)
    return f"{len(failed)} of {len(answers)} requests failed: {dict(by_version(failed))}"
