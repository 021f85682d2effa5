"""Questions that only read: how they are asked on the command line."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from cli.audits import check
from cli.diffs import diff
from cli.gates import gates
from cli.histories import PAGE, history
from cli.proofs import offline
from cli.readinesses import readiness
from cli.verifications import verify

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Callable

TARGET = "endpoint/NAME or application/NAME; NAME alone is an endpoint's"
_AUDIT = """\
Is the history of a target the one that was written? Each entry hashes its content and names the
hash of the one before; STATE counts them. What does not fit is named: the entry's number, what is
wrong, and between which two it stands.

Exit codes: 0, sound; 1, it is not; 2, it could not be asked.

A bundle is a JSON file with the entries as they are stored. Auditing it needs no AWS. Keep one
elsewhere: who can write the whole ledger can also write another history, with hashes that fit.
"""
_HISTORY = """\
What served the target, from its history in the ledger; no moment is left out. With --at: what
served then and since when, what it was made from, who approved it, and why it came to serve.
Otherwise everything that happened, or what happened between --from and --to, both included.

Times need a zone: 2026-05-03T14:00Z, 2026-05-03T16:00+02:00. An entry counts from its own
millisecond on.

Exit codes: 0, answered; 1, nothing served at that time; 2, it could not be asked.
"""
_DIFF = """\
What differs between two releases, by meaning: commit, training data, model, prompts, inference
parameters, image, instances, environment, scripts, smoke test, rollout plan, alarms, evaluation,
and every object by its bytes. Texts come from the vault, held against their digests, as a unified
diff. Scores are told with their delta; which way is better is for you to say.

Values of variables in the environment are shown as they are, also where one looks like a secret: a
manifest holds them in clear, for everybody who may read it.

Exit codes: 0, the same but for their names and how they were captured; 1, different; 2, it could
not be asked.
"""
_VERIFY = """\
Is what serves what was approved? Read again and compared, thing by thing: of an endpoint its
configuration, traffic, fleet and SageMaker model (image, weights, environment, role), and the image
in ECR; of an application where the alias leads, what that version is told, its code and layers, and
the model in Bedrock's catalogue; of both the package, the captured objects in the vault, the
signature of the manifest, and what the ledger says of each. Nothing is changed. A rollout in flight
is no drift, and is told.

With --bundle: is a folder that `sluice export` wrote signed by the owner of --key, and are the
artifacts in it those that were signed? Needs no AWS, and securesystemslib for the signature.

Each finding says what was expected and what was found: drift, it is another; gone; unreadable,
nobody knows.

Exit codes: 0, all as approved; 1, something is not; 2, it could not be asked; 3, nothing was found
amiss, and something could not be read.
"""
_READINESS = """\
Could the target be taken back? For what serves, which the next canary would return to, and for each
last good release that is still approved, in the order a rollback tries them: the objects in the
vault with their checksums, their encryption key, package, image and role of a model; of an
application its version of the function, and its model in Bedrock, which is asked a short question
(a few tokens). Nothing is changed. One release that is restorable is enough for a canary to begin.

Exit codes: 0, each is restorable; 1, one is not; 2, it could not be asked; 3, nothing was found
amiss, and something could not be read.
"""


_GATES = """\
What does the evaluation policy say of an evaluation, before it is pushed? Each gate of the section
that holds for the group, with its numbers. With --live it is compared with what serves that target
now; registration compares with what serves when the folder is complete.

Exit codes: 0, no gate is missed; 1, one is, and such a version is registered as Rejected; 2, it
could not be asked.
"""
POLICY_FILE = "another evaluation policy than that of this repository"


def add_questions(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    """Add the commands; `connect` adds what says where the ledger is."""
    _add_history(commands, connect)
    _add_audit(commands, connect)
    _add_diff(commands, connect)
    _add_verify(commands, connect)
    _add_gates(commands, connect)
    _add_readiness(commands, connect)


def _add_history(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "history", "what served a target when, and why", _HISTORY)
    parser.add_argument("target", metavar="TARGET", help=TARGET)
    parser.add_argument("--at", default="", metavar="TIME", help="what served at that moment")
    parser.add_argument("--from", dest="begins", default="", metavar="TIME", help="not before")
    parser.add_argument("--to", dest="ends", default="", metavar="TIME", help="and not after")
    shown = f"entries at once ({PAGE}); 0: all"
    parser.add_argument("--limit", type=int, default=PAGE, metavar="N", help=shown)
    parser.add_argument("--after", type=int, default=0, metavar="N", help="go on after entry N")
    connect(parser)
    parser.set_defaults(run=history)


def _add_audit(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "audit", "check the hash chain of a target's history", _AUDIT)
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help=TARGET)
    parser.add_argument("--all", action="store_true", help="every target that was ever approved")
    files = parser.add_mutually_exclusive_group()
    files.add_argument("--bundle", default="", metavar="FILE", help="also write a bundle there")
    files.add_argument(
        "--from-bundle", default="", metavar="FILE", help="check that bundle, not the ledger"
    )
    connect(parser)
    parser.set_defaults(run=check)


def _add_diff(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "diff", "what differs between two releases", _DIFF)
    release = "GROUP-vN, as churn-v4; two of them, or one beside --live"
    parser.add_argument("releases", nargs="+", metavar="RELEASE", help=release)
    live = "compare with what serves that target now"
    parser.add_argument("--live", default="", metavar="TARGET", help=live)
    connect(parser)
    parser.set_defaults(run=diff)


def _add_verify(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "verify", "whether what serves is what was approved", _VERIFY)
    parser.add_argument("target", nargs="*", metavar="TARGET", help=TARGET)
    parser.add_argument("--all", action="store_true", help="every target that was ever approved")
    read = "also read every captured object in the vault and compare its SHA-256"
    parser.add_argument("--read", action="store_true", help=read)
    role = "ARN of what models run as, without a stack (SLUICE_SERVING_ROLE)"
    parser.add_argument("--serving-role", default="", metavar="ARN", help=role)
    trusted_keys(parser)
    bundle = "verify that exported folder instead, without AWS; needs --key"
    parser.add_argument("--bundle", default="", metavar="DIR", help=bundle)
    key = "public key that must have signed the bundle, known from elsewhere"
    parser.add_argument("--key", default="", metavar="FILE", help=key)
    connect(parser)
    parser.set_defaults(
        run=lambda options: (offline if options.bundle or options.key else verify)(options)
    )


def trusted_keys(parser: ArgumentParser) -> None:
    """Add what says whose signatures count, without a stack."""
    text = "ARNs of the keys that are trusted, without a stack (SLUICE_TRUSTED_KEYS)"
    parser.add_argument("--trusted-keys", default="", metavar="ARN,…", help=text)


def _add_gates(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "gates", "whether an evaluation meets the policy", _GATES)
    parser.add_argument("path", metavar="PATH", help="an evaluation-results.json")
    parser.add_argument("--group", required=True, help="the model package group, or application")
    parser.add_argument("--live", default="", metavar="TARGET", help=f"beside it: {TARGET}")
    parser.add_argument("--policy", default="", metavar="FILE", help=POLICY_FILE)
    connect(parser)
    parser.set_defaults(run=gates)


def _add_readiness(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = _parser(commands, "readiness", "whether a target could go back", _READINESS)
    parser.add_argument("target", nargs="*", metavar="TARGET", help=TARGET)
    parser.add_argument("--all", action="store_true", help="every target that was ever approved")
    role = "ARN of what models run as, without a stack (SLUICE_SERVING_ROLE)"
    parser.add_argument("--serving-role", default="", metavar="ARN", help=role)
    trusted_keys(parser)
    connect(parser)
    parser.set_defaults(run=readiness)


def _parser(
    commands: _SubParsersAction[ArgumentParser], name: str, text: str, more: str
) -> ArgumentParser:
    parser = commands.add_parser(
        name, help=text, description=more, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="answer as one JSON document")
    return parser
