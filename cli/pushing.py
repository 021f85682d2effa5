"""`sluice push`: bring a version folder to where engineers push, and say what became of it."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.configurations import config_set
from cli.errors import DONE, RefusedError, UnusableError
from cli.gates import warnings_of
from cli.looking import CODES, look_until
from cli.model_folders import listing
from cli.models import model_set
from cli.stack import Connection
from cli.standing import Goal, Standing, State, of_push
from cli.telling import shown
from cli.uploads import ONE_PART, Inbox, Pushed
from cli.waits import standing_of, tell, told_of
from sluice.adapters.ledger.intake import Intake
from sluice.adapters.ledger.releases import Releases
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.inbox import BEDROCK_CONFIG, CONFIG, MODEL, identity
from sluice.domain.refusal import CURABLE

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from cli.filesets import File, FileSet
    from sluice.adapters.ledger.table import Table

_PERCENT = 100
_AT_A_TIME = 8
"""Small files: within the ten connections that boto3 keeps to one service."""


def push(options: Namespace) -> int:
    """0 when it lies there (and is what was waited for), 1 when refused, 3 when it took too long.

    Raises UnusableError, and RefusedError before anything was uploaded.
    """
    if options.list_model_files:
        print(json.dumps({"model_files": listing(Path(options.path))}, indent=2))
        return DONE
    files = _assembled(options)
    files = replace(files, warnings=(*files.warnings, *warnings_of(files, options.policy)))
    for warning in files.warnings:
        print(f"sluice: warning: {warning}", file=sys.stderr)
    connection = Connection(options)
    table = connection.table() if options.wait else None
    inbox = Inbox(connection.s3(), connection.bucket(), progress=_progress)
    _refuse_others(inbox, files)
    pushed = _push_all(inbox, files.files, table, quiet=options.json)
    found = _became(table, pushed, inbox.bucket, options) if table else _lies(pushed)
    _tell(found, pushed, files, inbox.bucket, options)
    return CODES[found.state]


def _assembled(options: Namespace) -> FileSet:
    """What PATH names: a configuration, or a model. Raises UnusableError."""
    path = Path(options.path)
    if not path.exists():
        raise UnusableError(f"{path} does not exist: name a {BEDROCK_CONFIG} or a model's folder")
    evaluation = Path(options.evaluation) if options.evaluation else None
    if path.is_file():
        return config_set(path, evaluation=evaluation)
    if (path / BEDROCK_CONFIG).is_file():
        return config_set(path / BEDROCK_CONFIG, evaluation=evaluation)
    if (path / CONFIG).is_file() or (path / MODEL).is_file():
        return model_set(path, git_sha=options.git_sha, metadata=options.metadata)
    raise UnusableError(f"{path} holds neither {BEDROCK_CONFIG} nor {MODEL} and {CONFIG}")


def _refuse_others(inbox: Inbox, files: FileSet) -> None:
    """Nothing is uploaded beside what the commit cannot be. Raises RefusedError."""
    others = [one.key for one in files.files if one.committed and inbox.differs(one)]
    if others:
        said = f"{', '.join(others)}: other bytes were pushed for this commit"
        raise RefusedError(f"{said}, and a commit's folder is one configuration: commit anew")


def _push_all(
    inbox: Inbox, files: Sequence[File], table: Table | None, *, quiet: bool
) -> list[Pushed]:
    """All files, the config last.

    A model's small ones go several at a time; of a large one its parts do.
    """
    small = [one for one in files if one.place.in_model and one.size <= ONE_PART]
    with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
        together = list(pool.map(lambda one: _push(inbox, one, table, quiet=quiet), small))
    done = {one.file.name: one for one in together}
    for one in files:
        if one.name not in done:
            done[one.name] = _push(inbox, one, table, quiet=quiet)
    return [done[one.name] for one in files]


def _push(inbox: Inbox, file: File, table: Table | None, *, quiet: bool) -> Pushed:
    pushed = inbox.push(file)
    if table and not pushed.uploaded and _is_curable(table, pushed, inbox.bucket):
        pushed = inbox.push(file, again=True)
    if not quiet:
        print(f"{'uploaded' if pushed.uploaded else 'unchanged'}  {file.size:>12,}  {file.key}")
    return pushed


def _is_curable(table: Table, pushed: Pushed, bucket: str) -> bool:
    """Whether the version that stands there was refused for what may have come since.

    Registration judges a version once, and the folder's next version anew.
    """
    if Releases(table).of_folder(pushed.file.place):
        return False
    receipt = Intake(table).receipt(identity(bucket, pushed.file.key, pushed.version_id))
    return receipt is not None and receipt.reason in CURABLE


def _progress(name: str, done: int, size: int) -> None:
    """Weights take their time: on a terminal one sees how far they are."""
    if not sys.stderr.isatty():
        return
    end = "\n" if done >= size else ""
    percent = done * _PERCENT // max(size, 1)
    print(f"\r{name}: {percent} % of {size:,} bytes", end=end, file=sys.stderr, flush=True)


def _lies(pushed: Sequence[Pushed]) -> Standing:
    """What is known without asking the ledger."""
    anew = sum(one.uploaded for one in pushed)
    said = f"{anew} of {len(pushed)} files uploaded" if anew else "unchanged: nothing uploaded"
    return Standing(State.REACHED, said)


def _became(table: Table, pushed: Sequence[Pushed], bucket: str, options: Namespace) -> Standing:
    """What became of it, within the time there is."""
    goal = Goal(options.wait)

    def look() -> Standing:
        found = _taken_up(table, pushed, bucket)
        if found.state is State.REACHED and found.release and goal is not Goal.REGISTERED:
            return standing_of(found.release, goal, table)
        return found

    return look_until(look, seconds=options.timeout * 60, every=options.every)


def _taken_up(table: Table, pushed: Sequence[Pushed], bucket: str) -> Standing:
    intake, releases = Intake(table), Releases(table)
    receipts = {
        one.file.name: intake.receipt(identity(bucket, one.file.key, one.version_id))
        for one in pushed
    }
    release = releases.of_folder(pushed[0].file.place)
    captured = dict[str, str]()
    if release:
        text = releases.captured(release.name).manifest
        manifest = parse_any_manifest(text, digest=release.digest)
        captured = {one.name: one.version_id for one in manifest.objects}
    versions = {one.file.name: one.version_id for one in pushed}
    copied = told_of(release, table) if release else ""
    return of_push(receipts, release, pushed=versions, captured=captured, copied=copied)


def _tell(
    found: Standing, pushed: Sequence[Pushed], files: FileSet, bucket: str, options: Namespace
) -> None:
    where = f"s3://{bucket}/{files.folder}/"
    if options.json:
        listed = {one.file.name: one.version_id for one in pushed}
        anew = [one.file.name for one in pushed if one.uploaded]
        more: dict[str, Any] = {"folder": files.folder, "files": listed, "uploaded": anew}
        goal = Goal(options.wait) if options.wait else "pushed"
        tell(found, goal, as_json=True, subject=where, warnings=files.warnings, **more)
        return
    name = f"{found.release.name}: " if found.release else ""
    print(shown(f"{where}\n{name}{found.said}"))
