"""Ask the version its own smoke test, before any user is sent to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.advancing import following
from sluice.domain.answer_test import judge_answer, request
from sluice.domain.bedrock import ApplicationTest
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.lease import intend
from sluice.domain.rollout import Action, Rollout, Trial
from sluice.domain.smoke_test import LARGEST_BODY, SmokeTest
from sluice.domain.smoke_verdict import Found, conclude, counted, judge, pause, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.invocations import Invocations
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.runtime import Runtime
    from sluice.adapters.vault import Vault

type AnyTest = SmokeTest | ApplicationTest


@dataclass(frozen=True, slots=True)
class SmokeTesting:
    """The task of the state `SmokeTest`."""

    targets: Targets
    releases: Releases
    vault: Vault
    runtime: Runtime
    invocations: Invocations
    rest: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic

    def test(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Ask, again while the container may be warming up, and say what follows.

        One invocation takes seconds: when there are tries left after it, the action is another
        `SmokeTest`. Asking twice does no harm, so a repeated invocation needs no care.
        Raises DisplacedError, SignalPendingError.
        """
        self.targets.change(
            rollout.target, lambda state: intend(state, rollout, "SmokeTest", onward=True)
        )
        captured = self.releases.captured(rollout.release.release)
        manifest = parse_any_manifest(captured.manifest, digest=rollout.release.digest)
        smoke = manifest.config.smoke_test
        if smoke is None:
            return following(rollout, rollout.reason)
        trial, found = self._round(rollout, smoke, bucket=manifest.bucket)
        done = conclude(rollout, smoke, trial, found, alarms=manifest.config.alarms)
        if done.action is not Action.SMOKE_TEST:
            self.targets.change(rollout.target, lambda state: told(state, done, found, now=now))
        return done

    def _round(self, rollout: Rollout, smoke: AnyTest, *, bucket: str) -> tuple[Trial, Found]:
        ask = self._asking(rollout, smoke, bucket=bucket)
        trial, began = rollout.trial or Trial(), self.elapsed()
        counted_until = began
        while True:
            found = ask()
            now = self.elapsed()
            trial = counted(trial, spent_ms=round((now - counted_until) * 1000))
            counted_until = now
            wait = pause(smoke, trial, found, round_seconds=now - began)
            if wait is None:
                return trial, found
            self.rest(wait)

    def _asking(self, rollout: Rollout, smoke: AnyTest, *, bucket: str) -> Callable[[], Found]:
        """One try: the version is asked, and its reply judged."""
        release = rollout.release
        if isinstance(smoke, ApplicationTest):
            body = request(smoke)
            return lambda: judge_answer(
                smoke, self.invocations.ask(release.model, release.variant, body)
            )
        body = self._body(rollout, smoke, bucket=bucket)
        return lambda: judge(
            smoke.expect,
            self.runtime.ask(
                rollout.target_name,
                release.variant,
                body,
                content_type=smoke.content_type,
                accept=smoke.accept or "*/*",
            ),
        )

    def _body(self, rollout: Rollout, smoke: SmokeTest, *, bucket: str) -> bytes:
        if smoke.body is not None:
            return smoke.body.encode()
        copies = self.releases.captured(rollout.release.release).copies
        (copy,) = (one for one in copies if one.name == smoke.body_file)
        return self.vault.read(bucket, copy, limit=LARGEST_BODY)
