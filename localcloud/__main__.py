"""`python -m localcloud up | down | status`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from localcloud.constants import REGION
from localcloud.server import PortTakenError, Settings, run
from localcloud.statefiles import AlreadyRunningError


def main() -> int:
    """Run one command; the exit code says how it went."""
    arguments = _parser().parse_args()
    settings = Settings(arguments.port, arguments.speed, arguments.state_dir)
    try:
        run(settings, _announce)
    except (PortTakenError, AlreadyRunningError) as error:
        print(f"localcloud: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="AWS on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="serve in the foreground")
    up.add_argument("--port", type=int, default=4566)
    up.add_argument("--speed", type=float, default=1.0)
    up.add_argument("--state-dir", type=Path, default=Path(".localcloud"))
    return parser


def _announce(port: int) -> None:
    print(  # noqa: T201
        f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}\n"
        "export AWS_ACCESS_KEY_ID=test\n"
        "export AWS_SECRET_ACCESS_KEY=test\n"
        f"export AWS_DEFAULT_REGION={REGION}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
