"""Cold starts: what each function's costs, and whether it may.

`python -m benchmarks.cold_start`, after `make build ARCHITECTURE=x86_64` on an x86 machine, runs
each function's init and first event in fresh processes against a stub AWS. It counts instructions
and AWS calls, which are the same on a busy machine, and takes CPU time, which is not. The result
goes into `benchmarks/results/`; with `--check FILE` nothing may have risen since that result.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.artifact import size_of
from benchmarks.measuring import ColdStart, MeasurementError, Taken, valgrind_version
from benchmarks.report import show, write_into
from benchmarks.results import Event, Result, Timing, dump_result, load_result, risen
from benchmarks.scenario import REFERENCE, Scenario, load_scenarios
from benchmarks.stub_aws import StubAws, stub_aws
from benchmarks.usual import usual_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.artifact import Size

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
_LAYER = "SharedLayer"
_NO_VALGRIND = "valgrind is missing (apt-get install valgrind): CPU time only, no instructions"


def main() -> int:
    """Measure; the exit code is 1 when a figure rose or something did not run as it should."""
    parser = _parser()
    options = parser.parse_args()
    console, errors = Console(), Console(stderr=True, soft_wrap=True)
    if options.markdown:
        write_into(PAGE, load_result(options.markdown))
        return 0
    if not (options.build / _LAYER).is_dir():
        parser.error(f"{options.build} holds no build: run `make build ARCHITECTURE=x86_64`")
    try:
        result = _measure(options, errors)
    except MeasurementError as error:
        errors.print(str(error), markup=False)
        return 1
    show(result, console)
    if not options.functions:
        _write(result, console)
    return _check(options.check, result, errors) if options.check else 0


def _measure(options: argparse.Namespace, progress: Console) -> Result:
    valgrind = valgrind_version()
    if not valgrind:
        progress.print(_NO_VALGRIND)
    scenarios = _scenarios(options.build, options.functions)
    with stub_aws(options.port) as stub:
        starts = [_start(options.build, scenario, stub) for scenario in scenarios]
        taken = _take(starts, options.repeat, progress)
        events = [_event(start, taken[start], valgrind, progress) for start in starts]
    return Result(
        date=datetime.now(UTC).date().isoformat(),
        revision=revision(),
        note="" if valgrind else _NO_VALGRIND,
        python=platform.python_version(),
        valgrind=valgrind,
        events=events,
        sizes=_sizes(options.build),
        timings=[_timing(start.scenario, taken[start]) for start in starts],
    )


def _scenarios(build: Path, functions: Sequence[str]) -> list[Scenario]:
    """Made by a process that sees the built layer, since they are made with its package."""
    made = subprocess.run(
        [sys.executable, "-S", "-m", "benchmarks.scenarios"],
        cwd=ROOT,
        env={"PYTHONPATH": str(build / _LAYER / "python"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise MeasurementError(f"no scenarios for this build\n{made.stderr}")
    scenarios = load_scenarios(made.stdout)
    unknown = set(functions) - {scenario.function for scenario in scenarios}
    if unknown:
        raise MeasurementError(f"no scenario for {', '.join(sorted(unknown))}")
    return [one for one in scenarios if not functions or one.function in functions]


def _start(build: Path, scenario: Scenario, stub: StubAws) -> ColdStart:
    if scenario.function == REFERENCE:
        return ColdStart(ROOT / "benchmarks" / REFERENCE, usual_layer(), scenario, stub)
    words = scenario.function.split("_")
    logical_id = f"{''.join(word.capitalize() for word in words)}Function"
    return ColdStart(build / logical_id, build / _LAYER / "python", scenario, stub)


def _take(starts: list[ColdStart], repeat: int, progress: Console) -> dict[ColdStart, list[Taken]]:
    """Interleaved, so that a busy moment is shared by all."""
    taken: dict[ColdStart, list[Taken]] = {start: [] for start in starts}
    for turn in range(repeat):
        progress.print(f"timing, {turn + 1} of {repeat}")
        for start in starts:
            taken[start].append(start.take())
    return taken


def _event(start: ColdStart, taken: Sequence[Taken], valgrind: str, progress: Console) -> Event:
    scenario = start.scenario
    init, instructions, calls = None, None, taken[0].calls
    if valgrind:
        progress.print(f"counting {scenario.function}, {scenario.name}")
        counted = start.count()
        init, instructions = counted.init, counted.event
        if any(one.calls != counted.calls for one in taken):
            raise MeasurementError(f"{scenario.name} calls AWS differently each time")
    return Event(scenario.function, scenario.name, init, instructions, list(calls))


def _timing(scenario: Scenario, taken: Sequence[Taken]) -> Timing:
    return Timing(
        function=scenario.function,
        event=scenario.name,
        init_cpu_ms=round(min(one.init_seconds for one in taken) * 1000, 1),
        cpu_ms=round(min(one.seconds for one in taken) * 1000, 1),
        peak_rss_mib=round(max(one.peak_rss_bytes for one in taken) / 1024**2, 2),
    )


def _sizes(build: Path) -> dict[str, Size]:
    return {folder.name: size_of(folder) for folder in sorted(build.iterdir()) if folder.is_dir()}


def revision() -> str:
    """The commit, and whether what is deployed differs from it."""
    deployed = ("functions", "layers", "template.yaml")
    changed = _git("status", "--porcelain", "--", *deployed)
    return _git("rev-parse", "--short", "HEAD") + ("-changed" if changed else "")


def _git(*arguments: str) -> str:
    said = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607 - whichever git built the tree
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


def _write(result: Result, console: Console) -> None:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{result.stem}.json"
    file.write_text(dump_result(result))
    console.print(f"written to {file.relative_to(ROOT)}")


def _check(file: Path, result: Result, errors: Console) -> int:
    before = load_result(file)
    rose = risen(before, result)
    if before.valgrind and not result.valgrind:
        rose.append(_NO_VALGRIND)
    for line in rose:
        errors.print(f"rose since {before.stem}: {line}")
    return 1 if rose else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--functions", nargs="+", default=[], metavar="NAME", help="only these; writes no result")
    add("--repeat", type=int, default=3, help="processes timed for each event (%(default)s)")
    add("--check", type=Path, metavar="FILE", help="exit with 1 if a figure rose since this result")
    add(
        "--markdown", type=Path, metavar="FILE", help="measure nothing: put this result on the page"
    )
    add("--build", type=Path, default=ROOT / ".aws-sam" / "build", help="where `sam build` built")
    add("--port", type=int, default=0, help="of the stub AWS (default: a free one)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
