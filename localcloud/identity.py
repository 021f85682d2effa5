"""Who calls: the account, and sessions of the roles that functions and state machines run under."""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

import boto3
from ministack.core.responses import request_scope
from ministack.services import sts

from localcloud.constants import ACCOUNT, REGION
from localcloud.environment import endpoint_url

if TYPE_CHECKING:
    from botocore.config import Config

_making = threading.Lock()


class SessionKeys(TypedDict):
    """Credentials as boto3 clients take them."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


def role_session(role_arn: str, session_name: str) -> SessionKeys:
    """Credentials that the gateway's IAM evaluates as `role_arn`; the same for the same pair."""
    digest = hashlib.sha256(f"{role_arn}:{session_name}".encode()).hexdigest()
    role_name = role_arn.rsplit("/", 1)[-1]
    keys = SessionKeys(
        aws_access_key_id="ASIA" + digest[:16].upper(),
        aws_secret_access_key=hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        aws_session_token=hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session_name}",
        "UserId": f"{role_name}:{session_name}",
        "SecretAccessKey": keys["aws_secret_access_key"],
        "SessionToken": keys["aws_session_token"],
    }
    with request_scope(ACCOUNT, REGION):
        sts.register_session(keys["aws_access_key_id"], session)
    return keys


def client_as(keys: SessionKeys, service: Any, config: Config) -> Any:
    """A client of `service` here, to be kept by the caller: it holds connections.

    All come from one session, which reads each service's model once, and is not for two threads.
    """
    with _making:
        return _session().client(
            service, region_name=REGION, endpoint_url=endpoint_url(), config=config, **keys
        )


@cache
def _session() -> Any:
    return boto3.session.Session()
