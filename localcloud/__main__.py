"""`python -m localcloud up | down | status`: AWS on one machine, from the shell."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from localcloud import launcher, stack
from localcloud.durability.journal import JournalError
from localcloud.server import PortTakenError, Settings, run
from localcloud.statefiles import AlreadyRunningError, StateFiles


def main() -> int:
    """Run one command; the exit code is 0 when it did what it says, 1 when it could not."""
    arguments = _parser().parse_args()
    code: int = arguments.run(arguments)
    return code


def _up(arguments: argparse.Namespace) -> int:
    if arguments.second:
        os.environ["LOCALCLOUD_SECOND"] = arguments.second
    try:
        run(
            Settings(
                arguments.port,
                arguments.speed,
                arguments.state_dir,
                arguments.keep,
                arguments.lifeline,
            ),
            partial(_announce_and_deploy, arguments.parameter) if arguments.deploy else _announce,
        )
    except (PortTakenError, AlreadyRunningError, JournalError) as error:
        return _fail(str(error))
    return 0


def _down(arguments: argparse.Namespace) -> int:
    files = StateFiles(arguments.state_dir)
    running = files.running()
    launcher.stop(files)
    forgot = files.forget()
    if running is None and not forgot:
        return _fail(f"nothing runs in {arguments.state_dir}, and nothing is kept there")
    if running is not None:
        _say(f"stopped pid {running.pid}")
    if forgot:
        _say("forgot its state")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    running = StateFiles(arguments.state_dir).running()
    if running is None or not launcher.is_healthy(running.endpoint_url):
        return _fail(f"nothing answers for {arguments.state_dir}")
    told = launcher.control(running.endpoint_url, "clock")
    _say(f"pid {running.pid} at {running.endpoint_url}, {told['time']}, speed {told['speed']:g}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="AWS on one machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    up = _command(commands, "up", "serve in the foreground until interrupted", _up)
    up.add_argument("--port", type=int, default=4566, help="0 takes a free one (default: 4566)")
    up.add_argument("--speed", type=_speed, default=1.0, help="virtual seconds per second (1)")
    up.add_argument("--second", default="", help="services on their second engine: dynamodb,lambda")
    up.add_argument("--keep", action="store_true", help="keep the state until `down`")
    up.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    up.add_argument("--deploy", action="store_true", help="deploy the stack that was built")
    parameter = "a parameter of that stack; may be given again"
    up.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help=parameter
    )
    _command(commands, "down", "stop what runs in the state folder, and forget its state", _down)
    _command(commands, "status", "say where it answers and what time it is there", _status)
    return parser


def _command(
    commands: Any, name: str, does: str, run_command: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser
    command = commands.add_parser(name, help=does, description=does)
    command.add_argument(
        "--state-dir", type=Path, default=Path(".localcloud"), help="(.localcloud)"
    )
    command.set_defaults(run=run_command)
    return command


def _speed(text: str) -> float:
    speed = float(text)
    if speed <= 0:
        message = f"must be positive, not {text}"
        raise argparse.ArgumentTypeError(message)
    return speed


def _announce(port: int) -> None:
    for name, value in launcher.client_environment(f"http://127.0.0.1:{port}").items():
        _say(f"export {name}={value}")


def _announce_and_deploy(parameters: Sequence[str], port: int) -> None:
    """Deploy beside the server, which must answer meanwhile; end it if that fails."""
    _announce(port)
    _say("deploying the stack; that takes about a quarter of a minute")
    threading.Thread(target=_deploy, args=(port, parameters), daemon=True).start()


def _deploy(port: int, parameters: Sequence[str]) -> None:
    try:
        stack.deploy(f"http://127.0.0.1:{port}", parameters)
    except stack.DeployError as error:
        _fail(str(error))
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        _say("the stack `sluice` is deployed; Ctrl-C ends the local cloud")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _fail(line: str) -> int:
    print(f"localcloud: {line}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
