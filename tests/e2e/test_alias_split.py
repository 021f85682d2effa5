"""Questions during a rollout behind the alias: none is lost, and the split is what weights say.

`make prove-alias` asks ten thousand and writes what was found to `tests/e2e/results/`.
"""

import json
import math
import os
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.application import TEMPLATE, Application, Reply
from tests.e2e.built import ROOT
from tests.e2e.folders import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTIONS = int(os.environ.get("SLUICE_E2E_QUESTIONS", "300"))
ASKERS, RATE = (8, 16.0) if QUESTIONS > 1000 else (3, 10.0)
STEPS = (5, 25, 50)
RESULTS = Path(__file__).parent / "results"
_FAR = 4.5
"""Standard deviations: chance exceeds them once in a hundred thousand looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the alias's weights were at a moment."""

    at: float
    weights: dict[int, float]


def test_no_question_is_lost_and_the_split_is_as_the_weights_say(support: Application) -> None:
    support.serve_first()
    support.leave()
    # A second is a minute; a machine that is busy asks fewer than it means to.
    bake = max(1, math.ceil(1.5 * QUESTIONS / (ASKERS * RATE * len(STEPS))))
    support.push(
        2,
        f"Be brief.\n{TEMPLATE}",
        rollout=plan(
            steps=[*STEPS, 100], bake_minutes={"min": bake, "max": 4 * bake, "last": bake}
        ),
    )

    with watched(support) as looks:
        crowd = [support.users(rate=RATE) for _ in range(ASKERS)]
        support.line.approve(2)
        support.line.until_event("Promoted", 2, minutes=20 * bake + 40)
        support.line.until_event("Settled", 2, minutes=10 * bake + 40)
        support.leave()
    replies = sorted((one for users in crowd for one in users.answers), key=lambda one: one.at)

    assert [one for one in replies if one.error] == []
    for reply in replies:
        assert support.release_of(reply.function_version) == reply.version
    found = {weight: split(replies, looks, weight) for weight in STEPS}
    for weight, (got, asked) in found.items():
        share = weight / 100
        assert asked > 0, f"nobody asked at {weight} %"
        far = _FAR * math.sqrt(asked * share * (1 - share)) + 1
        assert abs(got - share * asked) <= far, f"{got} of {asked} at {weight} %"
    if "SLUICE_E2E_QUESTIONS" in os.environ:
        assert len(replies) >= QUESTIONS
        write(replies, found)


@contextmanager
def watched(support: Application) -> "Iterator[list[Look]]":
    """The alias, looked at all the time."""
    looks: list[Look] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            looks.append(Look(time.monotonic(), support.weights()))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        stop.set()
        thread.join()


def split(replies: list[Reply], looks: list[Look], weight: int) -> tuple[int, int]:
    """How many of the questions that were asked at a weight the canary answered, and how many.

    Those count whose neighbours in time, a look before and two looks after, saw the same weight.
    """
    wanted = {1: 100.0 - weight, 2: float(weight)}
    same = [one.weights == wanted for one in looks]
    times = [
        (looks[n - 1].at, looks[n].at) for n in range(1, len(looks) - 2) if all(same[n - 1 : n + 3])
    ]
    counted: Counter[int | None] = Counter()
    for begin, end in times:
        counted.update(one.version for one in replies if begin <= one.at < end)
    return counted[2], counted.total()


def write(replies: list[Reply], found: dict[int, tuple[int, int]]) -> None:
    """Keep what was found, with the revision it was found at."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told: dict[str, Any] = {
        "revision": revision.strip(),
        "questions": len(replies),
        "failed": sum(bool(one.error) for one in replies),
        "answered_by_release": dict(Counter(str(one.version) for one in replies)),
        "at_weight": {
            f"{weight} %": {"canary": got, "asked": asked} for weight, (got, asked) in found.items()
        },
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"alias_{revision.strip()}.json"
    file.write_text(json.dumps(told, indent=2) + "\n")
