"""`prepare_rollout` in the state `SmokeTest`: the version is asked before any user is."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from sluice.adapters.invocations import Invocations
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.runtime import Runtime
from sluice.adapters.vault import Vault, VaultConflictError
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.rollout import Action, Rollout, Trial, Verdict
from sluice.events.tasks import dump_rollout
from sluice.smoke_testing import SmokeTesting
from tests.builders import (
    AT,
    BUCKET,
    a_config,
    a_release_name,
    a_rollout,
    a_signal,
    a_state,
    deployed,
)

if TYPE_CHECKING:
    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

ASKED = "InvokeEndpoint"
SMOKE = {
    "content_type": "text/csv",
    "accept": "application/json",
    "body_file": "smoke/request.csv",
    "expect": {"equals": {"/score": 0.7}},
    "warm_up_seconds": 0,
}


class Canary:
    """Version 4 of `churn` with its smoke test, provisioned beside stable at weight 0."""

    def __init__(self, world: World, inbox: Inbox, wire: Wire) -> None:
        self.world, self.wire = world, wire
        events = [
            inbox.push(MODEL),
            inbox.push("smoke/request.csv", b"1,2,3"),
            inbox.push(CONFIG, a_config(smoke_test=SMOKE)),
            inbox.push(EVALUATION),
        ]
        assert inbox.deliver(*events) == []
        found = Releases(world.table).get(a_release_name("churn-v4"))
        assert found
        self.release = found
        self.rollout = self.of(Action.SMOKE_TEST)
        world.given(a_state(self.rollout))

    def of(self, action: Action) -> Rollout:
        release = deployed(4, digest=self.release.digest, package_arn=self.release.package_arn)
        return a_rollout(release=release, action=action, reason="provisioned", trial=Trial())

    def answers(self, body: Any, *, variant: str = "v4-e5") -> None:
        self.wire.once(
            ASKED,
            Body=io.BytesIO(json.dumps(body).encode()),
            ContentType="application/json",
            InvokedProductionVariant=variant,
        )

    def fails(self, status: int, said: str = "boom") -> None:
        self.wire.refuse(ASKED, "ModelError", OriginalStatusCode=status, OriginalMessage=said)

    def test(self) -> Rollout:
        event = {"rollout": dump_rollout(self.rollout), "at": "2026-05-03T14:00:00.000Z"}
        return Rollout.model_validate(self.world.call("prepare_rollout", event))


@pytest.fixture
def tested(world: World, inbox: Inbox, wire: Wire) -> Canary:
    return Canary(world, inbox, wire)


def test_the_canary_itself_is_asked_with_the_captured_request(tested: Canary) -> None:
    tested.answers({"score": 0.7})

    done = tested.test()

    assert (done.action, done.position) == (Action.SHIFT, 0)
    assert done.trial
    assert (done.trial.passed, done.trial.tries) == (True, 1)
    assert tested.wire.calls(ASKED) == [b"1,2,3"]
    (headers,) = [headers for operation, headers in tested.wire.headers if operation == ASKED]
    said = {name.lower(): str(value) for name, value in dict(headers).items()}
    assert "v4-e5" in said["x-amzn-sagemaker-target-variant"]
    assert "text/csv" in said["content-type"]
    assert "application/json" in said["accept"]


def test_the_intent_is_durable_before_the_version_is_asked(tested: Canary, faults: Faults) -> None:
    seen = []

    def look(operation: str, call: Call) -> Answer:
        if operation == ASKED:
            seen.append(tested.world.state.intent)
        return call()

    tested.answers({"score": 0.7})
    with faults.at_every_call(look):
        tested.test()

    assert seen == ["SmokeTest"]
    assert tested.world.state.intent == ""


def test_a_wrong_answer_takes_the_version_back_blamed_and_says_why(tested: Canary) -> None:
    tested.answers({"score": 0.1})

    done = tested.test()

    assert (done.action, done.blames, done.verdict) == (Action.ROLL_BACK, True, Verdict.FAILED)
    assert done.reason == "SMOKE_TEST_FAILED: at '/score' it has 0.1 instead of 0.7 (1 try)"
    assert tested.world.history() == ["SmokeTested"]
    assert tested.wire.calls("UpdateEndpointWeightsAndCapacities") == []


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_of_the_model_is_the_versions_fault(tested: Canary, status: int) -> None:
    tested.fails(status, "cannot read it")

    done = tested.test()

    assert (done.action, done.blames) == (Action.ROLL_BACK, True)
    assert f"answered {status} instead of 200: 'cannot read it'" in done.reason


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "AccessDeniedException",
        "ServiceUnavailable",
        "InternalFailure",
        "ModelNotReadyException",
        "ValidationError",
    ],
)
def test_a_test_that_could_not_be_asked_blames_nobody(tested: Canary, code: str) -> None:
    tested.wire.refuse(ASKED, code, "not now")

    done = tested.test()

    assert (done.action, done.blames) == (Action.ROLL_BACK, False)
    assert done.reason.startswith("SMOKE_TEST_NOT_ASKED: ")
    assert code in done.reason
    assert len(tested.wire.calls(ASKED)) == 1, "the SDK does not ask on its own"


def test_a_network_that_fails_blames_nobody(tested: Canary, faults: Faults) -> None:
    done = failing_with(tested, faults, EndpointConnectionError(endpoint_url="https://x.example"))

    assert (done.action, done.blames) == (Action.ROLL_BACK, False)


def test_a_model_that_does_not_answer_at_all_is_at_fault(tested: Canary, faults: Faults) -> None:
    done = failing_with(tested, faults, ReadTimeoutError(endpoint_url="https://x.example"))

    assert (done.action, done.blames) == (Action.ROLL_BACK, True)
    assert "no answer" in done.reason


def failing_with(tested: Canary, faults: Faults, error: Exception) -> Rollout:
    def fail(operation: str, call: Call) -> Answer:
        return (None, error) if operation == ASKED else call()

    with faults.at_every_call(fail):
        return tested.test()


def test_an_answer_of_another_variant_is_no_answer_of_this_one(tested: Canary) -> None:
    tested.answers({"score": 0.7}, variant="v3-e3")

    done = tested.test()

    assert (done.action, done.blames) == (Action.ROLL_BACK, False)
    assert "v3-e3 answered in place of v4-e5" in done.reason


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signal": a_signal()}, SignalPendingError),
        ({"epoch": 6}, DisplacedError),
    ],
)
def test_nobody_asks_against_a_signal_or_without_the_lease(
    tested: Canary, changes: dict[str, Any], error: type[Exception]
) -> None:
    tested.world.given(tested.world.state.model_copy(update=changes))

    with pytest.raises(error):
        tested.test()

    assert tested.wire.calls(ASKED) == []


def test_a_request_that_was_tampered_with_is_not_asked(tested: Canary) -> None:
    digest = tested.release.digest[:12]
    key = f"releases/churn/v4-{digest}/smoke/request.csv"
    tested.world.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"9,9,9")

    with pytest.raises(Exception, match=r"PreconditionFailed|pre-conditions"):
        tested.test()

    assert tested.wire.calls(ASKED) == []


def test_a_body_larger_than_what_is_sent_is_never_read(tested: Canary) -> None:
    (copy,) = (
        one
        for one in Releases(tested.world.table).captured(a_release_name("churn-v4")).copies
        if one.name == "smoke/request.csv"
    )

    with pytest.raises(VaultConflictError):
        Vault(tested.world.aws("s3")).read(BUCKET, copy, limit=copy.size - 1)


def test_a_container_that_warms_up_is_asked_until_it_answers(tested: Canary, inbox: Inbox) -> None:
    warming = Warming(tested, inbox)
    tested.fails(503, "loading")
    tested.fails(503, "loading")
    tested.answers({"score": 0.7})

    done = warming.test(clock=[0, 0.1, 2.2, 4.3])

    assert warming.rests == [2, 2]
    assert done.action is Action.AWAIT, "what the failed tries did to the alarms has to pass"
    assert done.trial
    assert (done.trial.tries, done.trial.passed, done.trial.quiet_seconds) == (3, True, 240)


def test_what_one_invocation_has_no_time_for_the_next_one_asks(
    tested: Canary, inbox: Inbox
) -> None:
    warming = Warming(tested, inbox)
    tested.fails(503, "loading")

    done = warming.test(clock=[0, 11])

    assert (done.action, warming.rests) == (Action.SMOKE_TEST, [])
    assert done.trial == Trial(tries=1, spent_ms=11_000)
    assert tested.world.history() == []


class Warming:
    """Version 5, which may take a minute to warm up, on a clock of the test's."""

    def __init__(self, tested: Canary, inbox: Inbox) -> None:
        config = a_config(smoke_test={**SMOKE, "warm_up_seconds": 60})
        events = [
            inbox.push(MODEL, folder="churn-v5"),
            inbox.push("smoke/request.csv", b"1,2,3", folder="churn-v5"),
            inbox.push(CONFIG, config, folder="churn-v5"),
            inbox.push(EVALUATION, folder="churn-v5"),
        ]
        assert inbox.deliver(*events) == []
        release = Releases(tested.world.table).get(a_release_name("churn-v5"))
        assert release
        # The variant is still the one that the wire answers for.
        self.release = deployed(5, digest=release.digest, variant="v4-e5")
        self.world, self.rests = tested.world, list[float]()

    def test(self, *, clock: list[float]) -> Rollout:
        now = iter(clock)
        table, aws = self.world.table, self.world.aws
        testing = SmokeTesting(
            Targets(table),
            Releases(table),
            Vault(aws("s3")),
            Runtime(aws("sagemaker-runtime")),
            Invocations(lambda: aws("lambda")),
            self.rests.append,
            lambda: next(now),
        )
        rollout = a_rollout(release=self.release, action=Action.SMOKE_TEST, trial=Trial())
        self.world.given(a_state(rollout))
        return testing.test(rollout, now=AT)
