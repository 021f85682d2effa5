"""A model as it is pushed: a version folder on the disk, its weights with their metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cli.commits import WorkTree
from cli.configurations import told
from cli.errors import RefusedError, UnusableError
from cli.filesets import File, FileSet
from cli.model_folders import files_of, refusals_of, unlisted
from sluice.domain import strict_json
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL, MODEL_FOLDER, Place, folder_path
from sluice.domain.pushed import ModelConfig, parse_config, parse_evaluation
from sluice.domain.refusal import Refusal
from sluice.domain.registration import MODEL_SAMPLE, judge_labels, judge_model, judge_target
from sluice.domain.release import ReleaseName
from sluice.domain.scores import refuse_disagreement
from sluice.domain.sizes import judge_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

METADATA = "metadata.json"
"""What a training script says of its weights; it is not pushed as a file."""
_GIT_SHA = "git-sha"
_NAME = re.compile(r"(?P<group>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})-v(?P<version>[1-9][0-9]{0,5})")
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_MOST_METADATA = 2048
"""Bytes that S3 allows for all of an object's metadata (Amazon S3 user guide, object metadata)."""


def model_set(folder: Path, *, git_sha: str, metadata: Sequence[str]) -> FileSet:
    """The version folder that a folder on the disk is, named like it: `churn-v4`.

    Raises UnusableError for what cannot be read, RefusedError with everything that is wrong.
    """
    release = _release(folder)
    config = parse_config(_read(folder / CONFIG))
    if isinstance(config, Refusal):
        raise RefusedError(told(config))
    labels = _metadata(folder, git_sha=git_sha, said=metadata)
    of_config = labels if config.model_files else {}
    texts = [
        File(Place(release=release, name=name), _read(folder / name))
        for name in (EVALUATION, *config.named_files)
    ]
    texts.append(
        File(Place(release=release, name=CONFIG), _read(folder / CONFIG), metadata=of_config)
    )
    listed = files_of(folder, config, release)
    weights = listed if config.model_files else [_weights(folder, release, labels)]
    files = (*weights, *texts)
    wrong = (*refusals_of(folder, config), *_refusals(config, files, release))
    if wrong:
        raise RefusedError("\n".join(map(told, wrong)))
    left = [f"{one} is not in model_files: it is not pushed" for one in unlisted(folder, config)]
    return FileSet(folder_path(release), files, warnings=tuple(left))


def _release(folder: Path) -> ReleaseName:
    name = folder.resolve().name
    found = _NAME.fullmatch(name)
    if found is None:
        message = f"{folder} is not named like a version: call the folder GROUP-vN, as churn-v4"
        raise UnusableError(message)
    return ReleaseName(group=found["group"], version=int(found["version"]))


def _weights(folder: Path, release: ReleaseName, metadata: Mapping[str, str]) -> File:
    path = folder / MODEL
    if not path.is_file():
        advice = f"pack it with `tar -czf {MODEL} -C FOLDER .`"
        if (folder / MODEL_FOLDER).is_dir():
            advice += f", or list {MODEL_FOLDER} in {CONFIG} as `--list-model-files` prints it"
        raise UnusableError(f"{path} is missing: {advice}")
    return File(Place(release=release, name=MODEL), path=path, metadata=metadata)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}") from error


def _metadata(folder: Path, *, git_sha: str, said: Sequence[str]) -> dict[str, str]:
    """What the weights are labelled with: of metadata.json, then of the options, then of Git."""
    pairs = [one.partition("=") for one in said]
    found = {**_written(folder / METADATA), **{key: value for key, _, value in pairs}}
    if git_sha:
        found[_GIT_SHA] = git_sha
    found = found if found.get(_GIT_SHA) else {**found, _GIT_SHA: _commit(folder)}
    strange = [key for key, value in found.items() if not (_KEY.fullmatch(key) and _plain(value))]
    if strange:
        message = f"metadata {', '.join(strange)}: S3 takes lower-case names and plain ASCII values"
        raise UnusableError(message)
    if sum(len(key) + len(value) for key, value in found.items()) > _MOST_METADATA:
        raise UnusableError(f"metadata: S3 takes {_MOST_METADATA} bytes of it, this is more")
    return found


def _written(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        value = strict_json.parse(path.read_bytes())
    except strict_json.MalformedJsonError as error:
        raise UnusableError(f"{path}: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise UnusableError(f"{path} is not a JSON object of texts")
    return value


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip() and value != ""


def _commit(folder: Path) -> str:
    """The commit that is checked out around the folder, if what Git tracks is as it has it."""
    try:
        tree = WorkTree(folder)
    except UnusableError as error:
        raise UnusableError(f"{error}; or say with --git-sha what trained the model") from error
    changed = tree.changed()
    if changed:
        named = ", ".join(changed[:5]) + (" and more" if len(changed) > 5 else "")  # noqa: PLR2004
        advice = "commit, or say with --git-sha what trained the model"
        raise RefusedError(f"{named}: changed since commit {tree.commit[:12]}: {advice}")
    return tree.commit


def _refusals(
    config: ModelConfig, files: Sequence[File], release: ReleaseName
) -> Iterator[Refusal]:
    """Why registration would not take the folder, as far as it can be known offline."""
    target = judge_target(config.endpoint_name, release)
    if target:
        yield target
    named = {file.name: file for file in files}
    disagreement = _disagreement(named.get(MODEL) or named[CONFIG], named[EVALUATION].data)
    if disagreement:
        yield disagreement
    for file in files:
        refusal = judge_size(file.place, file.size) or _judge(file)
        if refusal:
            yield refusal


def _judge(file: File) -> Refusal | None:
    if file.name == CONFIG and file.metadata:
        return judge_labels(file.metadata, of=CONFIG)
    if file.path and file.name == MODEL:
        with file.path.open("rb") as opened:
            first = opened.read(MODEL_SAMPLE)
        return judge_model(first, file.metadata, size=file.size)
    if file.name == EVALUATION:
        metrics = parse_evaluation(file.data)
        return metrics if isinstance(metrics, Refusal) else None
    return None


def _disagreement(labelled: File, evaluation: bytes) -> Refusal | None:
    metrics = parse_evaluation(evaluation)
    if isinstance(metrics, Refusal):
        return None
    return refuse_disagreement(metrics, labelled.metadata, of=labelled.name)
