"""Before the story: the cloud started, the stack deployed, the versions trained and packed."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from demo import cloud
from demo.account import Account
from demo.acts import IMAGE_URI, put_image
from demo.application import EXAMPLE, TARGET, Alias, Repository, Scene
from demo.aside import Aside
from demo.assistant import play
from demo.commands import Shell
from demo.meanwhile import Meanwhile
from demo.notices import Notices
from demo.packing import ENDPOINT, Package, broken, inference_source, local_predictions, pack
from demo.patience import Patience
from demo.questions import Asker, questions
from demo.rows import Kind, Row
from demo.stage import Stage
from demo.traffic import NO_RETRIES, Caller, Traffic
from demo.watching import EndpointWatch

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from demo.counting import Expected
    from demo.narrator import Narrator
    from localcloud.launcher import LocalCloud

_UNCOMMITTED = "0" * 40
_QUESTIONS_A_SECOND = 6.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the person chose."""

    speed: float
    port: int
    rate: float
    keep: bool
    template: Path
    folder: Path
    break_version_2: bool


@dataclass(frozen=True, slots=True)
class Material:
    """The packed versions, the rows users send, and what each version says about each row here."""

    packages: dict[int, Package]
    rows: dict[Kind, tuple[Row, ...]]
    expected: Expected


def set_up(options: Options, narrator: Narrator, closing: ExitStack) -> Stage:
    """Everything in place for the first step; `closing` takes it all down again."""
    workers = closing.enter_context(ThreadPoolExecutor(2))
    root = options.template.resolve().parent
    shell = Shell(narrator, root)
    closing.callback(shell.stop)
    shell.export(cloud.offline(root))
    built = options.folder / "build"
    building = workers.submit(cloud.build, shell, options.template, built)
    training = workers.submit(_material, options, narrator)
    local = _cloud(options, narrator, closing)
    shell.export(cloud.variables(local))
    os.environ.update(cloud.variables(local))
    os.environ.pop("AWS_PROFILE", None)
    building.result()
    imaging = workers.submit(put_image, shell, options.folder)
    cloud.deploy(shell, built)
    imaging.result()
    return _stage(options, narrator, closing, shell, local, training.result())


def _cloud(options: Options, narrator: Narrator, closing: ExitStack) -> LocalCloud:
    folder = options.folder / "cloud"
    if cloud.stop_earlier(folder):
        narrator.say("stopped the local cloud that an earlier demo kept")
    local = cloud.started(folder, port=options.port, speed=options.speed)

    @closing.push
    def stop(kind: type[BaseException] | None, *_: object) -> None:
        if options.keep and kind is not KeyboardInterrupt:
            narrator.say(f"the local cloud stays: {local.endpoint_url}, process {local.pid}")
        else:
            local.__exit__()

    narrator.say(f"the local cloud answers; one of its minutes lasts {60 / options.speed:g} s")
    return local


def _material(options: Options, narrator: Narrator) -> Material:
    # Late: scikit-learn takes seconds to load, and the build need not wait for that.
    from demo.models import RECIPES, held_out, train  # noqa: PLC0415

    folder = options.folder / "versions"
    shutil.rmtree(folder, ignore_errors=True)
    sha = _git_sha(options.template.resolve().parent)
    rows = {kind: held_out(kind) for kind in Kind}
    packages: dict[int, Package] = {}
    expected: dict[tuple[int, Kind], tuple[str, ...]] = {}
    for version in RECIPES:
        trained = train(version)
        narrator.say(
            f"trained version {version}: {trained.description}, "
            f"{trained.accuracy:.1%} of {len(rows[Kind.COMPLETE])} held-out rows right"
        )
        source = inference_source(version)
        if version == 2 and options.break_version_2:  # noqa: PLR2004
            source = broken(source)
        package = pack(trained, source, image_uri=IMAGE_URI, git_sha=sha, into=folder)
        packages[version] = package
        for kind in Kind:
            expected[version, kind] = local_predictions(package, rows[kind])
    return Material(packages, rows, expected)


def _stage(
    options: Options,
    narrator: Narrator,
    closing: ExitStack,
    shell: Shell,
    local: LocalCloud,
    material: Material,
) -> Stage:
    account = Account()
    caller = Caller(account.runtime, ENDPOINT)
    traffic = Traffic(caller, material.rows, rate=options.rate)
    watch = EndpointWatch(account.endpoint)
    closing.callback(watch.stop)
    closing.callback(traffic.stop)
    watch.start()
    return Stage(
        narrator=narrator,
        shell=shell,
        cloud=local,
        account=account,
        traffic=traffic,
        watch=watch,
        caller=caller,
        notices=Notices(account.outputs["NotificationsTopicArn"]),
        meanwhile=_meanwhile(options, narrator, closing, local, account),
        packages=material.packages,
        rows=material.rows,
        expected=material.expected,
        speed=options.speed,
    )


def _meanwhile(
    options: Options, narrator: Narrator, closing: ExitStack, local: LocalCloud, account: Account
) -> Meanwhile:
    """The assistant's part, with commands and users of its own."""
    aside = Aside(narrator)
    folder = options.folder / "assistant"
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(aside, folder)
    closing.callback(shell.stop)
    shell.export(cloud.variables(local), quietly=True)
    alias = account.outputs["LiveAliasArn"]
    client = boto3.client("lambda", config=NO_RETRIES)
    asked = questions(EXAMPLE / "evaluation" / "questions.json")
    users = Traffic(Asker(client, alias), asked, rate=_QUESTIONS_A_SECOND, workers=3)
    closing.callback(users.stop)
    scene = Scene(
        narrator=aside,
        shell=shell,
        account=account,
        repository=Repository(folder, shell),
        alias=Alias(client, alias),
        users=users,
        patience=Patience(options.speed, aside.status, lambda: "", lambda: _told(account)),
    )
    return Meanwhile(aside, lambda: play(scene))


def _told(account: Account) -> str:
    entries = account.history(TARGET)
    return "\n".join(["the assistant's ledger, newest last:", *map(str, entries[-8:])])


def _git_sha(folder: Path) -> str:
    """The commit the code is at, or zeros where there is no repository."""
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - the person's own git
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else _UNCOMMITTED
