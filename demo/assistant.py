"""Step 7, and what leads to it: an assistant on Bedrock, while the classifier has its troubles."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.application import GROUP
from demo.questions import Length, answered_by, unanswered

if TYPE_CHECKING:
    from demo.account import Registered
    from demo.application import Scene
    from demo.questions import Asked

MIX = {Length.SHORT: 0.7, Length.LONG: 0.3}
ALL = 100.0
TEMPLATE, SYSTEM = "prompts/rag-prompt-template.txt", "prompts/system-prompt.txt"
UNPINNED, PINNED = "anthropic.claude-sonnet-4-5", "anthropic.claude-sonnet-4-5-20250929-v1:0"
LEGACY = "anthropic.claude-3-haiku-20240307-v1:0"
_PREAMBLE = "Weigh every word of the passages with the greatest care before you answer.\n" * 270
"""20 KB: some 5,000 tokens of the 8,192 that the model takes."""


def play(scene: Scene) -> None:
    """Everything that happens to the assistant."""
    deploy_first(scene)
    release_better(scene)
    release_long_winded(scene)
    refuse_models(scene)
    scene.users.stop()


def deploy_first(scene: Scene) -> None:
    """A commit is pushed, approved and served."""
    repository, check, after = scene.repository, scene.narrator.check, scene.entries()
    repository.begin()
    commit = repository.commit("an assistant")
    package = _push(scene, 1)
    said = package.properties.get("git-sha")
    check("the registry names the commit that was pushed", said == commit, str(said))
    waiting = "PendingManualApproval"
    check("it waits for a person", package.status == waiting, package.status)
    _approve(scene, package, "first assistant")
    _promoted(scene, 1, after=after)
    scene.users.send_from_now_on(MIX)
    scene.users.start()
    scene.narrator.say("users ask through the alias `live`; three in ten write very long questions")


def release_better(scene: Scene) -> None:
    """Another prompt: a canary, then all traffic; nobody's question fails for it."""
    began, after = time.monotonic(), scene.entries()
    repository = scene.repository
    repository.write(SYSTEM, repository.read(SYSTEM) + "Answer in one sentence.\n")
    code, said = repository.push()
    scene.narrator.check(
        "a prompt that is not committed is not pushed",
        code == 1 and "has changes that are not committed" in said,
        f"exit code {code}: {_line(said, 'committed')}",
    )
    repository.commit("one sentence")
    _approve(scene, _push(scene, 2), "shorter answers")
    _promoted(scene, 2, after=after)
    asked = scene.users.answers(began)
    scene.narrator.check("no question failed because of the rollout", *_without_errors(asked))
    scene.narrator.check(
        "versions 1 and 2 answered side by side, each rightly",
        answered_by(asked) == {1, 2} and all(one.right for one in asked),
        f"{len(asked)} answers of versions {sorted(filter(None, answered_by(asked)))}",
    )


def release_long_winded(scene: Scene) -> None:
    """A template with a long preamble: long questions do not fit into the model any more."""
    began, after = time.monotonic(), scene.entries()
    repository, check = scene.repository, scene.narrator.check
    repository.write(TEMPLATE, _PREAMBLE + repository.read(TEMPLATE))
    repository.commit("weigh every word")
    package = _push(scene, 3)
    _approve(scene, package, "evaluates as well as before")
    aborted = scene.patience.until(
        "the canary of the long template to be rolled back",
        scene.event("Aborted", 3, after=after),
        minutes=30,
        unless=lambda: "it was promoted" if scene.event("Promoted", 3, after=after)() else None,
    )
    scene.narrator.say(f"aborted: {aborted.reason}")
    _settled(scene, 3, after=after)
    back = time.monotonic()
    shares = scene.alias.shares()
    check("the alias leads to version 2 alone", shares == {2: ALL}, str(shares))
    failed = unanswered(scene.users.answers(began))
    lengths = {one.question.length for one in failed}
    check(
        "every error was version 3's, at a long question",
        bool(failed) and answered_by(failed) == {3} and lengths == {Length.LONG},
        f"{len(failed)} errors; the last: {failed[-1].error if failed else ''}",
    )
    found = _registered_as(scene, 3, "Rejected")
    check("the registry says version 3 is Rejected, and why", bool(found), found)
    _asked_since(scene, back)


def refuse_models(scene: Scene) -> None:
    """A model's name that is not pinned, and one that its provider retires, are refused."""
    repository = scene.repository
    repository.write(TEMPLATE, repository.read(TEMPLATE).removeprefix(_PREAMBLE))
    _refused(scene, UNPINNED, reason="ModelNotFound", advice=PINNED)
    _refused(scene, LEGACY, reason="LegacyModel", advice="legacy_model_reason")
    packages = [scene.account.registered(version, group=GROUP) for version in (3, 4)]
    scene.narrator.check(
        "neither of them is in the registry",
        packages[0] is not None and packages[1] is None,
        "3 packages" if packages[1] is None else str(packages[1]),
    )


def _push(scene: Scene, version: int) -> Registered:
    """Evaluate and push the commit; its package."""
    results = scene.repository.evaluate()
    scene.narrator.say(f"evaluated: accuracy {results['accuracy']}")
    code, said = scene.repository.push()
    scene.narrator.check(
        f"`sluice push` says version {version} is registered",
        code == 0 and f"{GROUP}-v{version}: registered" in said,
        _line(said, "registered as"),
    )
    return scene.patience.until(
        f"version {version} in the registry",
        lambda: scene.account.registered(version, group=GROUP),
        minutes=5,
    )


def _approve(scene: Scene, package: Registered, why: str) -> None:
    scene.shell.run(
        *("aws", "sagemaker", "update-model-package", "--model-package-arn", package.arn),
        *("--model-approval-status", "Approved", "--approval-description", why),
    )


def _promoted(scene: Scene, version: int, *, after: int) -> None:
    """Wait for the promotion and the end of the rollout; the alias leads to the version alone."""
    aborted = scene.event("Aborted", version, after=after)
    entry = scene.patience.until(
        f"version {version} promoted",
        scene.event("Promoted", version, after=after),
        minutes=60,
        unless=lambda: str(found) if (found := aborted()) else None,
    )
    scene.narrator.say(f"promoted: {entry.reason}")
    _settled(scene, version, after=after)
    shares = scene.alias.shares()
    scene.narrator.check(
        f"get-alias: all questions go to version {version}", shares == {version: ALL}, str(shares)
    )


def _settled(scene: Scene, version: int, *, after: int) -> None:
    over = scene.event("Settled", version, after=after)
    scene.patience.until("the rollout to settle", over, minutes=20)


def _refused(scene: Scene, model: str, *, reason: str, advice: str) -> None:
    scene.repository.configure(model_id=model)
    scene.repository.restate(scene.repository.commit(f"try {model}"))
    code, said = scene.repository.push()
    scene.narrator.check(
        f"{model} is refused as {reason}, with what to do instead",
        code == 1 and reason in said and advice in said,
        f"exit code {code}: {_line(said, reason)}",
    )


def _line(said: str, word: str) -> str:
    """The line of what a command said that has the word in it, or all of it."""
    return next((line for line in said.splitlines() if word in line), said)


def _registered_as(scene: Scene, version: int, status: str) -> str:
    """Why the package has that status, once it has."""

    def probe() -> str | None:
        found = scene.account.registered(version, group=GROUP)
        return found.description if found and found.status == status else None

    return scene.patience.until(f"version {version} {status}", probe, minutes=10)


def _asked_since(scene: Scene, since: float) -> None:
    scene.patience.until(
        "more questions", lambda: scene.users.answers(since)[10:] or None, minutes=10
    )
    asked = scene.users.answers(since)
    right = answered_by(asked) == {2} and all(one.right for one in asked)
    scene.narrator.check(
        "since then version 2 answered everything rightly", right, f"{len(asked)} answers"
    )


def _without_errors(asked: tuple[Asked, ...]) -> tuple[bool, str]:
    failed = unanswered(asked)
    last = f", the last: {failed[-1].error}" if failed else ""
    return not failed, f"{len(asked)} questions, {len(failed)} errors{last}"
