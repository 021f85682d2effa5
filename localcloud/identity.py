"""Who calls: the account, and sessions of the roles that functions and state machines run under."""

from __future__ import annotations

import hashlib
from typing import TypedDict

from ministack.core.responses import request_scope
from ministack.services import sts

from localcloud.constants import ACCOUNT, REGION


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
