"""Function records as ministack keeps them, read into what an environment needs."""

import json
import os
import sysconfig
from typing import Any

from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.constants import REGION
from localcloud.environment import endpoint_url
from localcloud.identity import role_session
from localcloud.lambdas.execution import Launch
from localcloud.lambdas.packages import search_path, unpacked
from localcloud.lambdas.pool import Revision

_SHAPING = (
    "CodeSha256",
    "Environment",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
)
_DEFAULT_TIMEOUT_SECONDS = 3
_DEFAULT_MEMORY_MEGABYTES = 128


def require() -> None:
    """Declare what is read of ministack's records."""
    hooks.require(lambda_svc, "_resolve_layer_zip", "attachment")


def config_of(record: dict[str, Any]) -> dict[str, Any]:
    """The configuration inside a record; some callers hand over the configuration itself."""
    config: dict[str, Any] = record.get("config") or record
    return config


def revision_of(config: dict[str, Any]) -> Revision:
    """Which environments may serve the function: a change here makes Lambda start new ones."""
    state = json.dumps({name: config.get(name) for name in _SHAPING}, sort_keys=True, default=str)
    return Revision(f"{config['FunctionName']}:{config.get('Version', '$LATEST')}", state)


def qualifier_of(config: dict[str, Any]) -> str | None:
    """The version or alias the function was invoked by, None when it was not qualified."""
    _, _, named = config["FunctionArn"].partition(":function:")
    _, _, qualifier = named.partition(":")
    return qualifier or None


def timeout_of(config: dict[str, Any]) -> float:
    """The function's timeout in seconds."""
    return float(config.get("Timeout") or _DEFAULT_TIMEOUT_SECONDS)


def launch_of(record: dict[str, Any], log_stream: str) -> Launch:
    """How to start an environment of this function version."""
    config = config_of(record)
    code = unpacked(record["code_zip"])
    archives = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers") or []]
    layers = [unpacked(archive) for archive in archives if archive]
    handler = config["Handler"]
    variables = {**_chosen(config), **_given(config, log_stream), "LAMBDA_TASK_ROOT": str(code)}
    return Launch(handler, code, search_path(code, layers), variables, log_stream)


def memory_of(config: dict[str, Any]) -> int:
    """The function's memory in megabytes."""
    return int(config.get("MemorySize") or _DEFAULT_MEMORY_MEGABYTES)


def log_group_of(config: dict[str, Any]) -> str:
    """Where the function's output goes."""
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    return chosen or f"/aws/lambda/{config['FunctionName']}"


def execution_key_of(config: dict[str, Any]) -> str:
    """The access key of a session of the function's role."""
    return role_session(config["Role"], config["FunctionName"])["aws_access_key_id"]


def _chosen(config: dict[str, Any]) -> dict[str, str]:
    """The variables of the function's own configuration; reserved ones win over them."""
    chosen: dict[str, str] = (config.get("Environment") or {}).get("Variables") or {}
    return chosen


def _given(config: dict[str, Any], log_stream: str) -> dict[str, str]:
    """The variables Lambda defines for every function, and where AWS is here."""
    keys = role_session(config["Role"], config["FunctionName"])
    logging = config.get("LoggingConfig") or {}
    log_format = logging.get("LogFormat", "Text")
    given = {
        **{name.upper(): str(value) for name, value in keys.items()},
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint_url(),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python3.13')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_of(config)),
        "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version", "$LATEST")),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group_of(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_REGION": REGION,
        "LAMBDA_RUNTIME_DIR": sysconfig.get_path("purelib"),
        "LANG": "en_US.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": ":UTC",
        "_HANDLER": config["Handler"],
    }
    if log_format == "JSON" and logging.get("ApplicationLogLevel"):
        given["AWS_LAMBDA_LOG_LEVEL"] = logging["ApplicationLogLevel"]
    return given
