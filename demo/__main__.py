"""`python -m demo`: a local cloud, the stack in it, and versions of a model and an assistant.

The exit code is 0 only if everything that was checked was so; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from demo import ending, releases, reversals, troubles
from demo.cloud import EarlierCloudError
from demo.commands import CommandError
from demo.narrator import Narrator
from demo.patience import StuckError, WrongTurnError
from demo.setting import Options, set_up
from localcloud.launcher import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
_EXPECTED_FAULTS = (
    BotoCoreError,
    ClientError,
    CommandError,
    EarlierCloudError,
    StartError,
    StuckError,
    WrongTurnError,
)
_INTERRUPTED = 130


def main() -> int:
    """Tell the story; the exit code says whether all of it was true."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Narrator(options.folder / "demo.log", steps=1 + len(_STEPS)) as narrator:
        code = _told(options, narrator)
        narrator.summary()
        verdict = {0: "everything was as it should be", _INTERRUPTED: "interrupted"}
        narrator.say(verdict.get(code, "something was not as it should be"))
        narrator.say(f"the log with everything in it: {narrator.log_path}")
    return code


def _told(options: Options, narrator: Narrator) -> int:
    try:
        with ExitStack() as closing:
            _tell(options, narrator, closing)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except _EXPECTED_FAULTS as fault:
        narrator.fail(f"{type(fault).__name__}: {fault}")
        return 1
    except Exception:  # the last frame of the program: say it, log it, end with 1
        narrator.fail(traceback.format_exc())
        return 1
    return 0 if narrator.passed else 1


def _tell(options: Options, narrator: Narrator, closing: ExitStack) -> None:
    """Tell the steps in order, and stop after the first that was not as it should be."""
    with narrator.step("0 · start the local cloud, build and deploy the stack"):
        stage = set_up(options, narrator, closing)
    for number, (title, tell) in enumerate(_STEPS, start=1):
        with narrator.step(f"{number} · {title}"):
            tell(stage)
        if not narrator.passed:
            return


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    add = parser.add_argument
    add(
        "--speed",
        type=float,
        default=75.0,
        help="the cloud's seconds per real second (%(default)s)",
    )
    add("--port", type=int, default=0, help="the local cloud's port (default: a free one)")
    add("--rate", type=float, default=40.0, help="requests a second that users send (%(default)s)")
    add("--keep", action="store_true", help="leave the local cloud running at the end")
    add("--template", type=Path, default=ROOT / "template.yaml", help="another stack template")
    add("--folder", type=Path, default=ROOT / ".demo", help="where the log and all state go")
    add(
        "--break-version-2",
        action="store_true",
        help="make version 2 confuse its diagnoses: the demo must then fail",
    )
    return Options(**vars(parser.parse_args()))


_STEPS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("push version 1: a tree over two measurements", releases.push_first),
    ("approve version 1: it is deployed, users come", releases.deploy_first),
    ("version 2 is better: canary, promotion, stand-by", releases.release_better),
    ("version 3 fails on some rows: its canary is rolled back", reversals.release_faulty),
    (
        "version 4 turns bad after promotion: an alarm turns traffic back",
        reversals.release_late_fault,
    ),
    ("the live version is rejected: traffic goes to the last good one", reversals.reject_live),
    (
        "meanwhile, an assistant on Bedrock: five commits of it",
        lambda stage: stage.meanwhile.tell(),
    ),
    ("an approval that nobody hears of: the schedule finds it", troubles.heal_lost_approval),
    (
        "a stopped execution in a canary: another one cleans up",
        troubles.replace_dead_execution,
    ),
    (
        "rows that no version reads: halted, explained, released",
        troubles.explain_and_release_halt,
    ),
    ("what served when", ending.tell_what_served),
)


if __name__ == "__main__":
    sys.exit(main())
