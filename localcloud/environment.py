"""What must stand in the environment before the engines are imported: they read it at import."""

from __future__ import annotations

import os
from pathlib import Path

from localcloud.constants import ACCOUNT, REGION


def prepare(port: int) -> None:
    """Configure the engines for loopback only, with IAM enforced; call before importing them."""
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        MINISTACK_ACCOUNT_ID=ACCOUNT,
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION=REGION,
    )
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)  # the gateway takes a key it finds here for the account's root


def endpoint_url() -> str:
    """Where every service of the local cloud answers."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def project_root() -> Path:
    """The folder that holds `template.yaml`."""
    return Path(__file__).resolve().parent.parent
