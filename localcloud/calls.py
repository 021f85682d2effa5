"""Every API call and what IAM said about it: the ground that tests of least privilege stand on."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, TextIO

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import get_account_id

from localcloud import hooks
from localcloud.clock import clock

_lock = threading.Lock()
_log: TextIO | None = None


def write_to(path: Path) -> None:
    """Append the records to `path` from now on, one JSON object a line."""
    global _log  # noqa: PLW0603
    _log = path.open("a", buffering=1)


def mount() -> None:
    """Wrap the one place where IAM decides."""
    decide = iam_evaluator.enforce
    hooks.require(iam_evaluator, "resolve_principal", call=False)

    @hooks.replace(
        iam_evaluator,
        "enforce",
        "access_key_id",
        "iam_action",
        "service",
        "region",
        "resource_arn",
        "service_context",
    )
    def recorded(  # noqa: PLR0913
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = decide(access_key_id, iam_action, service, region, resource_arn, service_context)
        record(access_key_id, iam_action, resource_arn, allowed=denied is None)
        return denied


def record(access_key_id: str, action: str, resource_arn: str, *, allowed: bool) -> None:
    """Write one decision down."""
    principal = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
    entry = {
        "time": clock.utc().isoformat(),
        "principal": None if isinstance(principal, AuthError) else principal.arn,
        "action": action,
        "resource": resource_arn,
        "allowed": allowed,
    }
    with _lock:
        if _log is not None and not _log.closed:
            _log.write(json.dumps(entry) + "\n")


def stop() -> None:
    """Close the log."""
    with _lock:
        if _log is not None:
            _log.close()
