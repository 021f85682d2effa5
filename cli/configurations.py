"""A Bedrock configuration as it is pushed: a commit's files, stamped with the commit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.commits import AbsentError, NotCommittedError, WorkTree
from cli.errors import RefusedError
from cli.filesets import File, FileSet
from sluice.domain import strict_json
from sluice.domain.bedrock import (
    AGENT_CONFIG,
    BedrockConfig,
    judge_agent_config,
    judge_evaluated,
    judge_text,
    parse_bedrock_config,
)
from sluice.domain.inbox import BEDROCK_CONFIG, EVALUATION, Place, config_path
from sluice.domain.pinning import refuse_unpinned
from sluice.domain.pushed import parse_evaluation
from sluice.domain.refusal import Refusal
from sluice.domain.rendering import CONTEXT, QUESTION
from sluice.domain.sizes import judge_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STAMP = "prompt_template_version"
_BRACED = re.compile(r"\{\{.*?\}\}")
_PLACEHOLDERS = frozenset({QUESTION, CONTEXT})
_MEANT = f"those are {QUESTION} and {CONTEXT}, spelled exactly so"
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class _Found:
    """A file of the set, as it is to be pushed, or why it cannot be."""

    file: File | None = None
    problem: str = ""


def config_set(path: Path, *, evaluation: Path | None) -> FileSet:
    """The version folder of the commit that is checked out around the config at `path`.

    `evaluation` is where its results lie; None: beside the config or above it, as what it names.
    Raises UnusableError without a commit, RefusedError with everything that is wrong.
    """
    path = path.resolve()
    tree = WorkTree(path.parent)
    stamped = stamp(_committed(tree, path), tree.commit)
    config = parse_bedrock_config(stamped, commit=tree.commit)
    if isinstance(config, Refusal):
        raise RefusedError(told(config))
    files = [File(_place(tree, BEDROCK_CONFIG), stamped, committed=True)]
    found = [_named(tree, path.parent, name) for name in config.named_files]
    found.append(_evaluation(tree, evaluation or _nearest(tree, path.parent, EVALUATION)))
    files = [*(one.file for one in found if one.file), *files]
    problems = [one.problem for one in found if one.problem]
    problems += [told(one) for one in _refusals(config, files, tree.commit)]
    if problems:
        raise RefusedError("\n".join(problems))
    return FileSet(config_path(tree.commit), tuple(files), tuple(_warnings(config, files)))


def stamp(data: bytes, commit: str) -> bytes:
    """The config with the commit in it; what is no JSON object comes back as it is.

    The same file and commit make the same bytes, so that a push can be repeated.
    """
    try:
        value = strict_json.parse(data)
    except strict_json.MalformedJsonError:
        return data
    if not isinstance(value, dict):
        return data
    return (json.dumps({**value, _STAMP: commit}, indent=2, ensure_ascii=False) + "\n").encode()


def _committed(tree: WorkTree, path: Path) -> bytes:
    try:
        data = tree.committed(path)
    except NotCommittedError as error:
        raise RefusedError(f"{error}: commit it, then push") from error
    return data


def _named(tree: WorkTree, folder: Path, name: str) -> _Found:
    """A file that the config names, as the commit has it."""
    path = _nearest(tree, folder, name)
    if path is None:
        where = f"neither in {folder} nor above it, up to {tree.top}"
        return _Found(problem=f"{name} is named by the config and is {where}: add it and commit")
    try:
        data = tree.committed(path)
    except NotCommittedError as error:
        return _Found(problem=f"{error}: commit it, then push")
    if data.startswith(_LFS):
        return _Found(problem=f"{name} is kept in LFS: a prompt must be in Git itself")
    return _Found(File(_place(tree, name), data, committed=True))


def _evaluation(tree: WorkTree, path: Path | None) -> _Found:
    """The results: the commit's own, or a build's, which then say what they evaluated."""
    if path is None or not path.is_file():
        where = path or "neither beside the config nor above it"
        advice = "evaluate the commit, or say with --evaluation where its results are"
        return _Found(problem=f"{EVALUATION}: {where}: {advice}")
    try:
        data, committed = tree.committed(path.resolve()), True
    except AbsentError:
        data, committed = path.read_bytes(), False
    except NotCommittedError as error:
        return _Found(problem=f"{error}: commit it, or let a build write it outside of Git")
    if not committed and not _says(data, tree.commit):
        detail = f"{path} is not in commit {tree.commit[:12]} and does not name it"
        return _Found(problem=f'{detail}: write "{_STAMP}": "{tree.commit}" into it, or commit it')
    return _Found(File(_place(tree, EVALUATION), data))


def _says(data: bytes, commit: str) -> bool:
    """Whether results name the commit, or are malformed: that is told by what judges them."""
    try:
        value = strict_json.parse(data)
    except strict_json.MalformedJsonError:
        return True
    return not isinstance(value, dict) or value.get(_STAMP) == commit


def _nearest(tree: WorkTree, folder: Path, name: str) -> Path | None:
    """The file of that name in the folder, or else in the nearest one above it."""
    for above in (folder, *folder.parents):
        if (above / name).is_file():
            return above / name
        if above == tree.top:
            return None
    return None


def _place(tree: WorkTree, name: str) -> Place:
    return Place(commit=tree.commit, name=name)


def _refusals(config: BedrockConfig, files: list[File], commit: str) -> Iterator[Refusal]:
    """Why registration would not take the set, as far as it can be known without asking AWS."""
    unpinned = refuse_unpinned(config)
    if unpinned:
        yield unpinned
    for file in files:
        refusal = judge_size(file.place, file.size) or _judge(file, commit)
        if refusal:
            yield refusal


def _judge(file: File, commit: str) -> Refusal | None:
    match file.name:
        case name if name == BEDROCK_CONFIG:
            return None
        case name if name == EVALUATION:
            metrics = parse_evaluation(file.data)
            refused = metrics if isinstance(metrics, Refusal) else None
            return refused or judge_evaluated(file.data, commit=commit)
        case name if name == AGENT_CONFIG:
            return judge_agent_config(file.data)
        case name:
            return judge_text(name, file.data)


def _warnings(config: BedrockConfig, files: list[File]) -> Iterator[str]:
    """What will be sent to the model as it stands, though it looks as if it were filled in."""
    name = config.prompt_template_file
    template = next(file.data.decode() for file in files if file.name == name)
    strange = dict.fromkeys(one for one in _BRACED.findall(template) if one not in _PLACEHOLDERS)
    for one in strange:
        yield f"{name}: {one} is no placeholder and is sent as it stands: {_MEANT}"
    if QUESTION not in template:
        yield f"{name} holds no {QUESTION}: the stack's own function cannot serve it"


def told(refusal: Refusal) -> str:
    """A refusal as registration would tell it."""
    return f"{refusal.reason}: {refusal.detail}. {refusal.advice}"
