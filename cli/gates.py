"""`sluice gates`: what the evaluation policy says of an evaluation, before it is pushed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import DONE, NO, UnusableError
from cli.stack import Connection, target_named
from cli.telling import say
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.evaluation_policy import POLICY, EvaluationPolicy, PolicyError, parse_policy
from sluice.domain.gates import missed_by
from sluice.domain.gating import judge_gates
from sluice.domain.inbox import BEDROCK_CONFIG, CONFIG, EVALUATION, MODEL
from sluice.domain.pushed import evaluated_at, parse_evaluation
from sluice.domain.refusal import Refusal
from sluice.domain.scores import Scores, scores
from sluice.gating import Gating

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from cli.filesets import File, FileSet
    from sluice.domain.gating import Standing

SHIPPED = Path(__file__).resolve().parent.parent / "functions" / "register_package" / POLICY
"""The policy of the repository that this command lies in."""


def gates(options: Namespace) -> int:
    """0 when no gate is missed, 1 when one is. Raises UnusableError."""
    policy = _policy(options.policy)
    found = _scores(_read(Path(options.path)), {}, file=options.path)
    live = _live(policy, options) if options.live else None
    judged = judge_gates(policy, options.group, found, live=live, at=datetime.now(UTC))
    missed = missed_by(judged)
    if options.json:
        print(json.dumps({**judged.model_dump(mode="json"), "missed": missed}, indent=2))
    else:
        beside = f", beside {judged.live.release}" if judged.live else ""
        say(f"policy {judged.policy[:12]}, section {judged.section}{beside}")
        for one in judged.judged:
            say(f"  {one.outcome:<13}  {one.detail}")
        count = f"{len(missed)} of {len(judged.judged)} gates are missed"
        say(count if judged.judged else f"the policy demands nothing of {options.group}")
    return NO if missed else DONE


def warnings_of(files: FileSet, policy: str) -> tuple[str, ...]:
    """What of the policy a version folder misses, as far as that is known without the ledger.

    `policy` is its file; empty: that of the repository, if this is one.
    """
    named = {one.name: one for one in files.files}
    group = _group(named)
    if not group or (not policy and not SHIPPED.is_file()):
        return ()
    try:
        rules = _policy(policy)
    except UnusableError as error:
        return (f"not held against the evaluation policy: {error}",)
    labelled = named.get(MODEL) or named.get(CONFIG)
    found = _scores(named[EVALUATION].data, labelled.metadata if labelled else {})
    judged = judge_gates(rules, group, found, live=None, at=datetime.now(UTC))
    return tuple(
        f"below the evaluation policy, so it will be Rejected: {one}" for one in missed_by(judged)
    )


def _policy(path: str) -> EvaluationPolicy:
    try:
        return parse_policy(_read(Path(path) if path else SHIPPED))
    except PolicyError as error:
        said = str(error).removeprefix(f"{POLICY}: ")
        raise UnusableError(f"{path or SHIPPED}: {said}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}") from error


def _scores(data: bytes, metadata: Mapping[str, str], *, file: str = EVALUATION) -> Scores:
    metrics = parse_evaluation(data)
    if isinstance(metrics, Refusal):
        said = metrics.detail.removeprefix(f"{EVALUATION}: ")
        raise UnusableError(f"{file}: {said}. {metrics.advice}")
    return scores(metrics, metadata, evaluated_at=evaluated_at(data))


def _live(policy: EvaluationPolicy, options: Namespace) -> Standing | None:
    table = Connection(options).table()
    return Gating(policy, Releases(table), Targets(table)).standing(target_named(options.live))


def _group(named: Mapping[str, File]) -> str:
    """Whose gates hold; empty for a configuration that leaves its application to the stack."""
    config = named.get(BEDROCK_CONFIG)
    if config:
        return str(json.loads(config.data).get("application") or "")
    release = named[EVALUATION].place.release
    return release.group if release else ""
