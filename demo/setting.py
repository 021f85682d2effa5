"""Before the story: the cloud started, the stack deployed, the versions trained and packed."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import cloud
from demo.account import Account
from demo.acts import IMAGE_URI, put_image
from demo.commands import Shell
from demo.notices import Notices
from demo.packing import ENDPOINT, Package, broken, inference_source, local_predictions, pack
from demo.rows import Kind, Row
from demo.stage import Stage
from demo.traffic import Caller, Traffic
from demo.watching import EndpointWatch

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from demo.counting import Expected
    from demo.narrator import Narrator
    from localcloud.launcher import LocalCloud

_UNCOMMITTED = "0" * 40


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
        packages=material.packages,
        rows=material.rows,
        expected=material.expected,
        speed=options.speed,
    )


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
