"""The AWS calls of state machines: through the gateway, as the machine's own role.

The role is enforced because there is no other way in: every call is signed with a session of it.
The requests and responses of direct SDK integrations are written in PascalCase whatever the
service's own case, and values other than strings are turned to JSON where the service wants a
string.
"""

import base64
import datetime
import sys
import threading
import uuid
from typing import Any

from botocore.config import Config
from botocore.response import StreamingBody
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
)

from localcloud import hooks, identity

_SESSION_NAME = "stepfunctions"
_LONGEST_CALL_SECONDS = 905
_config = Config(
    parameter_validation=False,
    retries={"total_max_attempts": 1},
    inject_host_prefix=False,
    connect_timeout=5,
    read_timeout=_LONGEST_CALL_SECONDS,
    max_pool_connections=50,
    proxies={},
)
_lock = threading.Lock()
_clients: dict[tuple[str, str, str], Any] = {}


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """A client of `service` with a session of the state's role. Without a role there is no call."""
    role_arn = state_credentials.role_arn
    keys = identity.role_session(role_arn, _SESSION_NAME)
    with _lock:
        client = _clients.get((region, service, role_arn))
        if client is None:
            client = identity.client_as(keys, service, _config)
            client.meta.events.register("after-call", _name_the_request)
            _clients[region, service, role_arn] = client
    return client


def _name_the_request(parsed: dict[str, Any], **_: Any) -> None:
    """Some refusals of the gateway carry no request id; the engine quotes it in every cause."""
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", str(uuid.uuid4()))


def mount() -> None:
    """Put our clients and shapes into every module of the engine that calls AWS."""
    parameters = ("region", "service", "state_credentials")
    for name, module in sorted(sys.modules.items()):
        if name.startswith("moto.stepfunctions.") and hasattr(module, "boto_client_for"):
            hooks.replace(module, "boto_client_for", *parameters)(client_for)
    for method in ("_to_boto_request", "_from_boto_response"):
        hooks.require(state_task_service.StateTaskService, method, call=False)
    hooks.replace(
        state_task_service_aws_sdk.StateTaskServiceAwsSdk,
        "_eval_service_task",
        "self",
        "env",
        "resource_runtime_part",
        "normalised_parameters",
        "state_credentials",
    )(_call_directly)


def _call_directly(
    self: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: dict[str, Any],
    state_credentials: Any,
) -> None:
    client = client_for(
        region=resource_runtime_part.region,
        service=self._get_boto_service_name(),
        state_credentials=state_credentials,
    )
    action = self._get_boto_service_action()
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[action])
    if operation.input_shape is not None:
        self._to_boto_request(normalised_parameters, operation.input_shape)
    response = getattr(client, action)(**normalised_parameters) or {}
    response.pop("ResponseMetadata", None)
    if operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)
    env.stack.append(_plain(response))


def _plain(value: Any) -> Any:
    """The value as JSON: times in ISO 8601, bytes in base64."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
