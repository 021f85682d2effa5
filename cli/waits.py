"""`sluice wait`: block a pipeline until a release is registered, approved or promoted."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cli.errors import UnusableError
from cli.looking import CODES, look_until
from cli.stack import Connection, target_named
from cli.standing import Goal, Standing, of_folder, of_release
from cli.telling import shown
from sluice.adapters.ledger.copies import Copies
from sluice.adapters.ledger.intake import Intake
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain import names
from sluice.domain.inbox import MODEL_FOLDER, Place
from sluice.domain.manifest import vault_key
from sluice.domain.release import Capture, Release, ReleaseName, named

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.adapters.ledger.table import Table

_RELEASE = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*-v[1-9][0-9]{0,5}")
_FOLDER = re.compile(r"models/(?P<release>\S+)|configs/(?P<commit>[0-9a-f]{7,64})")


def wait(options: Namespace) -> int:
    """0 when it came to be so, 1 when it never will, 3 when the time was over before."""
    subject, goal = options.subject.rstrip("/"), Goal(options.goal)
    table = Connection(options).table()
    watched = _watched(subject, table)

    def look() -> Standing:
        return _standing(watched, goal, table)

    found = look_until(look, seconds=options.timeout * 60, every=options.every)
    tell(found, goal, as_json=options.json, subject=subject)
    return CODES[found.state]


def tell(found: Standing, goal: str, *, as_json: bool, **more: Any) -> None:
    """Say what was found, for people or, in one JSON object, for programs."""
    release = found.release
    if not as_json:
        about = release.name if release else more["subject"]
        print(shown(f"{about}: {found.state}: {found.said}"))
        return
    named_so = str(release.name) if release and release.name.version else None
    document = {
        "for": str(goal),
        "state": str(found.state),
        "said": found.said,
        "release": named_so,
        "target": names.target_of(release.target, release.system) if release else None,
        "package_arn": (release.package_arn or None) if release else None,
        "approval": str(release.approval) if release else None,
    }
    print(json.dumps({**more, **document}, ensure_ascii=False))


def standing_of(release: Release, goal: Goal, table: Table) -> Standing:
    """How far a release has come, by the ledger."""
    targets, target = Targets(table), names.target_of(release.target, release.system)
    state = targets.read(target) if goal is Goal.PROMOTED else None
    history = targets.history(target, newest_first=True) if state else ()
    copied = told_of(release, table) if release.capture is Capture.CLAIMED else ""
    return of_release(release, goal, history, target=state, copied=copied)


def told_of(release: Release, table: Table) -> str:
    """How far the copies of a model's files are, where they are many and under way."""
    return Copies(table).told(vault_key(release.name, release.digest, MODEL_FOLDER))


def _watched(subject: str, table: Table) -> ReleaseName | Place:
    """The release or the version folder that is meant. Raises UnusableError for neither."""
    folder = _FOLDER.fullmatch(subject)
    if folder and folder["commit"]:
        return Place(commit=folder["commit"], name="")
    if folder and _RELEASE.fullmatch(folder["release"]):
        return Place(release=named(folder["release"]), name="")
    if _RELEASE.fullmatch(subject):
        name = named(subject)
        if Releases(table).get(name) is None:
            advice = f"name one that is, or wait for its folder: models/{name}, configs/COMMIT"
            raise UnusableError(f"no release {name} is in the ledger: {advice}")
        return name
    if subject.startswith(("models/", "configs/")):
        folders = "models/GROUP-vN, or configs/COMMIT in 7 to 64 lower-case hexadecimal digits"
        raise UnusableError(f"no version folder is called {subject!r}: name it {folders}")
    return _newest(target_named(subject), table)


def _newest(target: str, table: Table) -> ReleaseName:
    """The newest release for a target. Raises UnusableError where there is none."""
    state, name = Targets(table).read(target), names.name_of(target)
    group = state.owner if state and state.owner else name
    for release in Releases(table).of_group(group, newest_first=True):
        if (release.target, release.system) == (name, names.system_of(target)):
            return release.name
    advice = "push one, or name the release or its folder"
    raise UnusableError(f"no release for {target} is in the ledger: {advice}")


def _standing(watched: ReleaseName | Place, goal: Goal, table: Table) -> Standing:
    releases = Releases(table)
    if isinstance(watched, ReleaseName):
        release = releases.get(watched)
    else:
        release = releases.of_folder(watched)
    if release is not None:
        return standing_of(release, goal, table)
    assert isinstance(watched, Place), watched  # noqa: S101 - a release never leaves the ledger
    return of_folder(tuple(Intake(table).folder(watched.folder)))
