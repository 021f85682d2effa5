"""What of a model's invocations CloudWatch is told, on virtual time.

https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html
"""

from ministack.services import cloudwatch

from localcloud import hooks

_CLIENT_ERRORS, _SERVER_ERRORS = "InvocationClientErrors", "InvocationServerErrors"
_THROTTLED = frozenset({"ThrottlingException", "ModelNotReadyException"})
_SERVERS_FAULT = 500


def require_hooks() -> None:
    """Declare what we use of the engine's metric store."""
    parameters = ("namespace", "metric_name", "value", "unit", "dimensions")
    hooks.require(cloudwatch, "record_metric", *parameters)


def count(model_id: str, **values: float) -> None:
    """Publish values of a model's metrics, each with and without the model's name."""
    for name, value in values.items():
        unit = "Milliseconds" if name == "InvocationLatency" else "None"
        for dimensions in ({"ModelId": model_id}, {}):
            cloudwatch.record_metric("AWS/Bedrock", name, value, unit, dimensions)


def count_error(model_id: str, code: str, status: int) -> None:
    """Publish that a request failed; a throttled one counts as "neither Invocations nor Errors"."""
    if code in _THROTTLED:
        name = "InvocationThrottles"
    else:
        name = _SERVER_ERRORS if status >= _SERVERS_FAULT else _CLIENT_ERRORS
    count(model_id, **{name: 1.0})
