"""The first file an execution environment runs: Lambda's view of Python, then awslambdaric.

Run as `python -I -S bootstrap.py LIFELINE SITE_PACKAGES HANDLER FOLDER...`, outside any package.
The search path becomes the task root, the layers, the standard library and last, as in Lambda's own
image, the few packages the managed runtime carries; nothing else of the developer's environment is
there.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# What AWS's python3.13 image carries besides the standard library.
RUNTIME_PACKAGES = frozenset(
    {
        "awslambdaric",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "runtime_client",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot_restore_py",
        "urllib3",
    }
)


class RuntimePackages:
    """A finder of last resort that knows the managed runtime's packages and no others."""

    def __init__(self, site_packages: str) -> None:
        self._search = [site_packages]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a top-level package of the runtime; its submodules are found through the package."""
        if path is not None or name not in RUNTIME_PACKAGES:
            return None
        return PathFinder.find_spec(name, self._search, target)


def die_with(server: socket.socket) -> None:
    """End this process group when the server ends, however: its end of the socket closes."""
    server.recv(1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Set the stage and hand over to AWS's runtime interface client."""
    lifeline, site_packages, handler, *folders = sys.argv[1:]
    server = socket.socket(fileno=int(lifeline))
    threading.Thread(target=die_with, args=(server,), daemon=True).start()
    sys.path[:0] = folders
    sys.meta_path.append(RuntimePackages(site_packages))
    sys.argv = ["bootstrap", handler]
    from awslambdaric.__main__ import main as serve

    serve(sys.argv)


main()
