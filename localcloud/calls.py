"""Every API call and what IAM said about it: the ground that tests of least privilege stand on.

One JSON object a line: virtual time, principal, action, resource, and whether it was allowed.
Decisions made for a role outside a request, as about a function's log lines, are there too.
"""

import json
import threading
from pathlib import Path
from typing import Any, TextIO

from localcloud import enforcement
from localcloud.clock import clock

_lock = threading.Lock()
_log: TextIO | None = None


def write_to(path: Path, *, anew: bool = True) -> None:
    """Write the record to `path` from now on: anew, or where it ended."""
    global _log  # noqa: PLW0603
    _log = path.open("w+" if anew else "a+", buffering=1)


def read() -> list[dict[str, Any]]:
    """Every decision so far, oldest first."""
    with _lock:
        if _log is None:
            return []
        lines = Path(_log.name).read_text().splitlines()
    return [json.loads(line) for line in lines]


def mount() -> None:
    """Wrap the one place where IAM decides; the engines look it up for each call."""
    enforcement.wrap(_recorded)


def _recorded(original: Any, *args: Any, **kwargs: Any) -> Any:
    denied = original(*args, **kwargs)
    asked = enforcement.asked(*args, **kwargs)
    caller = enforcement.caller(asked["access_key_id"])
    resource = asked.get("resource_arn", "*")
    write(
        caller.principal_arn if caller else None,
        asked["iam_action"],
        resource,
        allowed=denied is None,
    )
    return denied


def write(principal: str | None, action: str, resource_arn: str, *, allowed: bool) -> None:
    """Record one decision; for those made elsewhere, as by a resource policy."""
    entry = {
        "time": clock.utc().isoformat(),
        "principal": principal,
        "action": action,
        "resource": resource_arn,
        "allowed": allowed,
    }
    with _lock:
        if _log is not None and not _log.closed:
            _log.write(json.dumps(entry) + "\n")


def stop() -> None:
    """Close the record."""
    with _lock:
        if _log is not None:
            _log.close()
