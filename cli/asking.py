"""Questions that only read: how they are asked on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.audits import check
from cli.commands import (
    POLICY_FILE,
    RELEASE,
    TARGET,
    answering,
    command,
    connect,
    serving_role,
    targets,
    trusted_keys,
)
from cli.diffs import diff
from cli.errors import DONE, NO, NOTHING
from cli.findings import UNREAD
from cli.gates import gates
from cli.histories import PAGE, history
from cli.proofs import offline
from cli.readinesses import readiness
from cli.verifications import verify

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from cli.commands import Commands

_AUDIT = """\
Is the history of a target the one that was written? Each entry hashes its content and names the
hash of the one before; STATE counts them. What does not fit is named: the entry's number, what is
wrong, and between which two it stands.

A bundle is a JSON file with the entries as they are stored. Auditing it needs no AWS. Keep one
elsewhere: who can write the whole ledger can also write another history, with hashes that fit.
"""
_HISTORY = """\
What served the target, from its history in the ledger; no moment is left out. With --at: what
served then and since when, what it was made from, who approved it, and why it came to serve.
Otherwise everything that happened, or what happened between --from and --to, both included.

Times need a zone: 2026-05-03T14:00Z, 2026-05-03T16:00+02:00. An entry counts from its own
millisecond on.
"""
_DIFF = """\
What differs between two releases, by meaning: commit, training data, model, prompts, inference
parameters, image, instances, environment, scripts, smoke test, rollout plan, alarms, evaluation,
and every object by its bytes. Texts come from the vault, held against their digests, as a unified
diff. Scores are told with their delta; which way is better is for you to say.

Values of variables in the environment are shown as they are, also where one looks like a secret: a
manifest holds them in clear, for everybody who may read it.
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
"""
_READINESS = """\
Could the target be taken back? For what serves, which the next canary would return to, and for each
last good release that is still approved, in the order a rollback tries them: the objects in the
vault with their checksums, their encryption key, package, image and role of a model; of an
application its version of the function, and its model in Bedrock, which is asked a short question
(a few tokens). Nothing is changed. One release that is restorable is enough for a canary to begin,
and so is it that there is none to go back to: before a target's first version has served it, or
when none that did is still approved.
"""
_GATES = """\
What does the evaluation policy say of an evaluation, before it is pushed? Each gate of the section
that holds for the group, with its numbers. With --live it is compared with what serves that target
now; registration compares with what serves when the folder is complete.
"""
_UNREAD = "nothing was found amiss, and something could not be read"


def add_questions(commands: Commands) -> None:
    """Add the commands."""
    for add in (_add_history, _add_audit, _add_diff, _add_verify, _add_gates, _add_readiness):
        parser = add(commands)
        answering(parser)
        connect(parser)


def _add_history(commands: Commands) -> ArgumentParser:
    exits = {DONE: "answered", NO: "nothing served at that time"}
    text = "what served a target when, and why"
    parser = command(commands, "history", text, exits=exits, more=_HISTORY)
    parser.add_argument("target", metavar="TARGET", help=TARGET)
    parser.add_argument("--at", default="", metavar="TIME", help="what served at that moment")
    parser.add_argument("--from", dest="begins", default="", metavar="TIME", help="not before")
    parser.add_argument("--to", dest="ends", default="", metavar="TIME", help="and not after")
    shown = f"entries at once ({PAGE}); 0: all"
    parser.add_argument("--limit", type=int, default=PAGE, metavar="N", help=shown)
    parser.add_argument("--after", type=int, default=0, metavar="N", help="go on after entry N")
    parser.set_defaults(run=history)
    return parser


def _add_audit(commands: Commands) -> ArgumentParser:
    exits = {DONE: "sound", NO: "a history is not the one that was written"}
    text = "check the hash chain of a target's history"
    parser = command(commands, "audit", text, exits=exits, more=_AUDIT)
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help=TARGET)
    parser.add_argument("--all", action="store_true", help="every target that was ever approved")
    files = parser.add_mutually_exclusive_group()
    files.add_argument("--bundle", default="", metavar="FILE", help="also write a bundle there")
    files.add_argument(
        "--from-bundle", default="", metavar="FILE", help="check that bundle, not the ledger"
    )
    parser.set_defaults(run=check)
    return parser


def _add_diff(commands: Commands) -> ArgumentParser:
    exits = {DONE: "the same but for their names and how they were captured", NO: "different"}
    text = "what differs between two releases"
    parser = command(commands, "diff", text, exits=exits, more=_DIFF)
    release = f"{RELEASE}; two of them, or one beside --live"
    parser.add_argument("releases", nargs="+", metavar="RELEASE", help=release)
    live = "compare with what serves that target now"
    parser.add_argument("--live", default="", metavar="TARGET", help=live)
    parser.set_defaults(run=diff)
    return parser


def _add_verify(commands: Commands) -> ArgumentParser:
    exits = {DONE: "all as approved", NO: "something is not", UNREAD: _UNREAD}
    text = "whether what serves is what was approved"
    parser = command(commands, "verify", text, exits=exits, more=_VERIFY)
    targets(parser)
    read = "also read every captured object in the vault and compare its SHA-256"
    parser.add_argument("--read", action="store_true", help=read)
    serving_role(parser)
    trusted_keys(parser)
    bundle = "verify that exported folder instead, without AWS; needs --key"
    parser.add_argument("--bundle", default="", metavar="DIR", help=bundle)
    key = "public key that must have signed the bundle, known from elsewhere"
    parser.add_argument("--key", default="", metavar="FILE", help=key)
    parser.set_defaults(
        run=lambda options: (offline if options.bundle or options.key else verify)(options)
    )
    return parser


def _add_gates(commands: Commands) -> ArgumentParser:
    missed = "one is, and such a version is registered as Rejected"
    exits = {DONE: "no gate is missed", NO: missed}
    text = "whether an evaluation meets the policy"
    parser = command(commands, "gates", text, exits=exits, more=_GATES)
    parser.add_argument("path", metavar="PATH", help="an evaluation-results.json")
    parser.add_argument("--group", required=True, help="the model package group, or application")
    parser.add_argument("--live", default="", metavar="TARGET", help=f"beside it: {TARGET}")
    parser.add_argument("--policy", default="", metavar="FILE", help=POLICY_FILE)
    parser.set_defaults(run=gates)
    return parser


def _add_readiness(commands: Commands) -> ArgumentParser:
    nothing = "there is none to go back to, or none yet; a canary begins all the same"
    exits = {DONE: "each is restorable", NO: "one is not", UNREAD: _UNREAD, NOTHING: nothing}
    text = "whether a target could go back"
    parser = command(commands, "readiness", text, exits=exits, more=_READINESS)
    targets(parser)
    serving_role(parser)
    trusted_keys(parser)
    parser.set_defaults(run=readiness)
    return parser
