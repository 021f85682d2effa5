"""`sluice COMMAND …`, or `python -m cli COMMAND …`.

Exit codes: 0, it is so or was done; 1, it is not so or was refused; 2, it could not be asked; 3, it
did not come to be so in the time there was, or it could not be read whether it is so; 4, there is
nothing that it could be so of. What they mean for one command its own help says.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / "shared"))

from botocore.exceptions import BotoCoreError, ClientError

from cli.asking import add_questions
from cli.commands import POLICY_FILE, TARGET, command, connect, patience, word
from cli.errors import DONE, NO, TOO_LATE, UNUSABLE, RefusedError, UnusableError, in_words
from cli.keeping import add_keeping
from cli.plans import plan
from cli.pushing import push
from cli.replaying import replay
from cli.reproductions import add_reproduction
from cli.standing import Goal
from cli.waits import wait
from cli.words import allow, speak
from sluice.domain.holding import Saying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.commands import Commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; its exit code."""
    options = parser_of_commands().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RefusedError as error:
        print(f"sluice: refused: {error}", file=sys.stderr)
        return NO
    except UnusableError as error:
        print(f"sluice: {error}", file=sys.stderr)
        return UNUSABLE
    except (BotoCoreError, ClientError) as error:
        print(f"sluice: {in_words(error)}", file=sys.stderr)
        return UNUSABLE
    except Exception:  # Python would end with 1, which says that it is not so
        traceback.print_exc()
        return UNUSABLE
    return code


def parser_of_commands() -> argparse.ArgumentParser:
    """What `sluice` takes."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="sluice", description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_push(commands)
    _add_wait(commands)
    _add_replay(commands)
    _add_plan(commands)
    text = "let a held step pass, for a person's reasons"
    _add_word(commands, Saying.PROMOTE, text, refused="no step is held")
    text = "return all traffic; the version is not marked bad"
    gone = "no rollout is in flight, or it has gone too far"
    _add_word(commands, Saying.ABORT, text, refused=gone)
    _add_override(commands)
    add_questions(commands)
    add_keeping(commands)
    add_reproduction(commands)
    return parser


_PUSH = """Push a version folder, as anybody may with `aws s3 cp`; checked before anything is sent.

PATH is a bedrock-config.json, or the folder that holds it, in a Git work tree: pushed are the
commit's bytes of it and of every file it names (beside it or in the nearest folder above it), with
the commit written into prompt_template_version, to configs/COMMIT/. A file that is not as the
commit has it is refused. evaluation-results.json may come from a build instead: then it names the
commit itself. Or PATH is a model's folder, called GROUP-vN: model.tar.gz, config.json, what that
names, evaluation-results.json, and metadata.json with what the weights are labelled with. In place
of model.tar.gz the files under model/ that config.json lists in model_files, as they are listed.

What lies there with the same bytes is not sent again."""
_WAIT = """Block until a release is registered, approved or promoted.

SUBJECT is a release (support-v3), a version folder (configs/COMMIT, models/churn-v4), or a target
(application/support, endpoint/churn, or churn for the endpoint): of a target, the newest release
there is when the wait begins. An endpoint whose name ends like a release's needs its endpoint/."""


def _add_push(commands: Commands) -> None:
    exits = {
        DONE: "it lies there; with --wait, it is so",
        NO: "refused before or after the upload; with --wait, it will not be so",
        TOO_LATE: "the time of --wait is over; nothing is taken back",
    }
    text = "push a Bedrock configuration of a commit, or a model's folder; wait for its release"
    parser = command(commands, "push", text, exits=exits, more=_PUSH)
    parser.add_argument("path", metavar="PATH", help="bedrock-config.json, its folder or a model's")
    parser.add_argument("--evaluation", metavar="FILE", help="evaluation-results.json elsewhere")
    parser.add_argument("--git-sha", default="", help="what trained a model (default: the commit)")
    parser.add_argument(
        "--metadata",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_pair,
        help="a label of a model's weights, over metadata.json; may be given again",
    )
    parser.add_argument(
        "--list-model-files",
        action="store_true",
        help="print what model_files would say of PATH's model/, and push nothing",
    )
    parser.add_argument("--bucket", default="", help="to push to, without a stack (SLUICE_BUCKET)")
    parser.add_argument("--policy", default="", metavar="FILE", help=POLICY_FILE)
    parser.add_argument(
        "--wait",
        choices=[str(one) for one in Goal],
        help="until then, or until it is refused; needs the ledger",
    )
    patience(parser)
    connect(parser)
    parser.set_defaults(run=push)


def _add_wait(commands: Commands) -> None:
    exits = {
        DONE: "it is so",
        NO: "it will not be: refused, rejected, aborted, rolled back, superseded",
        TOO_LATE: "the time is over",
    }
    text = "block until a release is registered, approved or promoted"
    parser = command(commands, "wait", text, exits=exits, more=_WAIT)
    parser.add_argument("subject", metavar="SUBJECT", help="a release, a version folder, a target")
    parser.add_argument(
        "--for",
        dest="goal",
        choices=[str(one) for one in Goal],
        default=str(Goal.APPROVED),
        help="%(choices)s (%(default)s)",
    )
    patience(parser)
    connect(parser)
    parser.set_defaults(run=wait)


def _pair(text: str) -> str:
    if not all(text.partition("=")):
        message = f"{text!r} is not KEY=VALUE"
        raise argparse.ArgumentTypeError(message)
    return text


def _add_replay(commands: Commands) -> None:
    exits = {DONE: "every answer is the same, byte for byte", NO: "one is different"}
    text = "judge stored evidence again and compare the answers byte for byte"
    parser = command(commands, "replay", text, exits=exits)
    parser.add_argument("evidence", metavar="FILE|TARGET", help="a file of evidence, or a target")
    parser.add_argument("--rollout", default="", help="one rollout of the target, by execution")
    parser.add_argument("--save", metavar="FOLDER", help="also write the evidence there, as files")
    connect(parser)
    parser.set_defaults(run=replay)


def _add_plan(commands: Commands) -> None:
    exits = {
        DONE: "every step can be decided at that traffic",
        NO: "one may not be: the lines that begin with ! say which",
    }
    text = "what was foreseen of a rollout: how long proof takes, and what is never decided"
    parser = command(commands, "plan", text, exits=exits)
    parser.add_argument("target", metavar="TARGET", help=TARGET)
    parser.add_argument("--rollout", default="", help="by execution (default: the one in flight)")
    connect(parser)
    parser.set_defaults(run=plan)


_SAID = "the word is written; it is acted on at the next look, within a minute"


def _add_word(commands: Commands, saying: Saying, text: str, *, refused: str) -> None:
    parser = command(commands, str(saying), text, exits={DONE: _SAID, NO: f"refused: {refused}"})
    parser.add_argument("target", metavar="TARGET", help=TARGET)
    word(parser)
    connect(parser)
    parser.set_defaults(run=speak)


def _add_override(commands: Commands) -> None:
    exits = {
        DONE: "the word is written, for the release's next rollout",
        NO: "refused: nothing serves, or that release does already, or it is another target's",
    }
    text = "let the next rollout of a release begin although there is no way back"
    parser = command(commands, "override", text, exits=exits)
    parser.add_argument("target", metavar="TARGET", help=TARGET)
    parser.add_argument("--release", required=True, metavar="GROUP-vN", help="for it, and once")
    word(parser, must=True)
    connect(parser)
    parser.set_defaults(run=allow)


if __name__ == "__main__":
    sys.exit(main())
