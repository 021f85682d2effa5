"""`sluice wait`, and `sluice push --wait`: by the ledger, with exit codes that pipelines read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from cli.__main__ import main
from cli.looking import look_until
from sluice.adapters.ledger.releases import Releases
from sluice.domain.inbox import EVALUATION
from sluice.domain.release import ApprovalStatus, Capture, System
from sluice.domain.target import Change, Event
from tests.builders import AT, BUCKET, a_package_arn, a_release, a_release_name, a_state, seen
from tests.integration.conftest import TABLE
from tests.integration.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.standing import Standing
    from sluice.domain.release import Release
    from tests.integration.catalogue import Catalogue
    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

APPROVED = {"approval": ApprovalStatus.APPROVED, "approvals": (seen(),)}


def wait(subject: str, *options: str) -> int:
    return main(["wait", subject, "--table", TABLE, "--timeout", "0", *options])


def given(world: World, **changes: Any) -> Release:
    """A release in the ledger."""
    release = a_release(**changes)
    claimed = release.model_copy(update={"capture": Capture.CLAIMED})
    releases = Releases(world.table)
    releases.claim(claimed, "{}", based_on=())
    if release.capture is Capture.REGISTERED:
        releases.register(release, (), receipts=())
    return release


def remember(world: World, *events: str, target: str = "endpoint/churn") -> None:
    """What the history says of version 4."""
    told = tuple(Event(AT, event, f"why {event}", a_release_name()) for event in events)
    world.targets.change(
        target, lambda state: Change(state or a_state().model_copy(update={"target": target}), told)
    )


@pytest.mark.parametrize("subject", ["churn-v4", "churn", "endpoint/churn", "models/churn-v4/"])
def test_a_release_is_waited_for_under_each_of_its_names(
    world: World, capsys: pytest.CaptureFixture[str], subject: str
) -> None:
    given(world, name=a_release_name("churn-v3"), **APPROVED)
    given(world)

    assert wait(subject) == 3
    assert "churn-v4: pending: waits for approval" in capsys.readouterr().out


def test_the_exit_code_says_what_became_of_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    given(world, **APPROVED)

    assert wait("churn-v4") == 0
    assert wait("churn-v4", "--for", "promoted") == 3
    remember(world, "Approved", "RolloutStarted")
    assert wait("churn-v4", "--for", "promoted") == 3
    remember(world, "Promoted")
    assert wait("churn-v4", "--for", "promoted") == 0
    remember(world, "RolledBack")
    assert wait("churn-v4", "--for", "promoted") == 1
    assert "churn-v4: ended: RolledBack: why RolledBack" in capsys.readouterr().out


def test_what_others_wrote_does_nothing_in_a_terminal(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    given(world, **APPROVED)
    aborted = Event(AT, "Aborted", "\x1b[2Jchurn-v4: reached", a_release_name())
    world.targets.change("endpoint/churn", lambda state: Change(state or a_state(), (aborted,)))

    assert wait("churn-v4", "--for", "promoted") == 1
    assert "Aborted: \\x1b[2Jchurn-v4" in capsys.readouterr().out


def test_an_application_is_not_the_endpoint_of_that_name(world: World) -> None:
    given(world, system=System.BEDROCK, **APPROVED)
    remember(world, "Promoted", target="endpoint/churn")

    assert wait("application/churn", "--for", "promoted") == 3
    assert wait("endpoint/churn") == 2
    remember(world, "Promoted", target="application/churn")
    assert wait("application/churn", "--for", "promoted") == 0


def test_programs_get_one_object(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    given(world, **APPROVED)

    assert wait("churn-v4", "--json") == 0

    assert json.loads(capsys.readouterr().out) == {
        "subject": "churn-v4",
        "for": "approved",
        "state": "reached",
        "said": "approved by alice at 2026-05-03 14:00 UTC",
        "release": "churn-v4",
        "target": "endpoint/churn",
        "package_arn": a_package_arn(4),
        "approval": "Approved",
    }


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        pytest.param("churn-v9", "wait for its folder: models/churn-v9", id="no such release"),
        pytest.param("fraud", "no release for endpoint/fraud is in the ledger", id="no target"),
        pytest.param("models/churn", "no version folder is called 'models/churn'", id="no folder"),
        pytest.param("configs/HEAD", "no version folder is called 'configs/HEAD'", id="no commit"),
    ],
)
def test_what_nobody_can_wait_for_is_said(
    world: World, capsys: pytest.CaptureFixture[str], subject: str, said: str
) -> None:
    given(world)

    assert wait(subject) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--timeout", "soon"], ["--every", "-1"], ["--for", "fun"]])
def test_a_wrong_option_is_a_usage_error(option: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        wait("churn-v4", *option)

    assert ended.value.code == 2


def test_what_nobody_foresaw_is_no_answer(
    world: World, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline must not take it for a release that will never be promoted."""
    given(world)

    def breaks(operation: str, call: Call) -> Answer:
        raise RuntimeError(operation)

    with faults.at_every_call(breaks):
        assert wait("churn-v4") == 2
    assert "RuntimeError" in capsys.readouterr().err


def test_a_failure_that_passes_does_not_end_the_wait(world: World, faults: Faults) -> None:
    given(world, **APPROVED)
    failures = [EndpointConnectionError(endpoint_url="https://ledger.example")] * 12

    def fails(operation: str, call: Call) -> Answer:
        return (None, failures.pop()) if failures and operation == "GetItem" else call()

    with faults.at_every_call(fails):
        assert wait("models/churn-v4", "--timeout", "1", "--every", "0.001") == 0

    assert not failures


def test_a_failure_that_does_not_pass_ends_it(world: World) -> None:
    asked = list[str]()

    def look() -> Standing:
        asked.append("asked")
        raise ConnectionClosedError(endpoint_url="https://ledger.example")

    with pytest.raises(ConnectionClosedError):
        look_until(look, seconds=600, every=1, sleep=lambda _: None)

    assert len(asked) == 5


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a committed configuration, whose evaluation a build writes."""
    repository = Repository(tmp_path / "support")
    repository.configure()
    repository.git("rm", "--quiet", EVALUATION)
    repository.commit()
    return repository


@pytest.fixture
def push(repository: Repository, inbox: Inbox, catalogue: Catalogue) -> Callable[..., int]:
    """Push it with the accuracy given, wait, and let the stack take up what is there."""

    def pushed(accuracy: float = 0.9, *options: str) -> int:
        results = {"accuracy": accuracy, "prompt_template_version": commit_of(repository)}
        path = repository.folder.parent / "results.json"
        path.write_text(json.dumps(results))
        where = ["--bucket", BUCKET, "--table", TABLE, "--evaluation", str(path)]
        code = main(["push", str(repository.config), *where, "--timeout", "0", *options])
        inbox.tick()
        inbox.deliver(*inbox.queued())
        return code

    return pushed


def told_first(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command told; the function's own metrics come after it."""
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[0])
    return told


def commit_of(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD")


def test_a_push_waits_until_it_is_registered(
    push: Callable[..., int], repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = ("--wait", "registered", "--json")

    assert push(0.9, *waiting) == 3
    assert told_first(capsys)["said"] == "not registered yet"
    assert push(0.9, *waiting) == 0

    told = told_first(capsys)
    assert (told["state"], told["release"], told["uploaded"]) == ("reached", "assistant-v1", [])
    assert told["package_arn"].endswith(":model-package/assistant/1")
    assert told["folder"] == f"configs/{commit_of(repository)}"
    assert push(0.9, "--wait", "approved") == 3
    assert wait(told["folder"], "--for", "registered") == 0


def test_a_push_that_registration_refuses_says_why(
    push: Callable[..., int], repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    push(0.1)
    capsys.readouterr()

    assert push(0.1, "--wait", "registered") == 1
    assert "EvaluationBelowFloor" in capsys.readouterr().out
    assert wait(f"configs/{commit_of(repository)}") == 1
    assert "Only a model that reaches the floor is registered" in capsys.readouterr().out


def test_a_corrected_push_is_not_blamed_for_the_one_before(push: Callable[..., int]) -> None:
    push(0.1)
    push(0.9)

    assert push(0.9, "--wait", "registered") == 0


def test_what_a_push_lacked_and_has_now_is_judged_again(
    push: Callable[..., int], repository: Repository, world: World
) -> None:
    """Its advice is to push it again, and the commit's bytes are the same."""
    repository.configure(moves_with="churn-v4")
    waiting = ("--wait", "registered")
    push()
    assert main(["wait", f"configs/{commit_of(repository)}", "--table", TABLE]) == 1

    given(world, **APPROVED)
    assert push(0.9, *waiting) == 3

    assert push(0.9, *waiting) == 0


def test_what_comes_after_the_folder_registered_is_no_success(
    push: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    push(0.9)

    assert push(0.95, "--wait", "registered") == 1
    assert (
        "AlreadyRegistered: assistant-v1 is captured with another version of "
        "evaluation-results.json" in capsys.readouterr().out
    )


def test_without_a_ledger_nothing_is_pushed(
    push: Callable[..., int], inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(0.9, "--wait", "registered", "--table", "", "--stack", "none") == 2

    assert "name it with --stack" in capsys.readouterr().err
    assert inbox.records() == {}
