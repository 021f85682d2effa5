"""Names derived from what they name, so that doing a thing twice finds the first one.

SageMaker allows 63 characters for endpoints, variants, models and endpoint configurations, Step
Functions 80 for an execution. An endpoint's name is limited to `MAX_ENDPOINT_NAME` at registration,
which leaves room for every suffix below.
"""

from __future__ import annotations

import re

MAX_ENDPOINT_NAME = 40
ALARM_PREFIX = "sluice-"
_ALARM = re.compile(
    rf"{ALARM_PREFIX}(?P<endpoint>.+)-(?P<variant>v\d+-e\d+)-(?:errors|model-errors|latency)"
)


def target_of(endpoint: str) -> str:
    """The target that an endpoint is."""
    return f"endpoint/{endpoint}"


def endpoint_of(target: str) -> str:
    """The endpoint that a target is: the opposite of `target_of`."""
    return target.removeprefix("endpoint/")


def execution(target: str, *, generation: int, epoch: int) -> str:
    """The execution that holds `target` in `epoch`: `churn-g1-e4`."""
    return f"{target.rsplit('/', 1)[-1]}-g{generation}-e{epoch}"


def variant(package_version: int, *, epoch: int) -> str:
    """The variant of a package version: `v3-e4`. A retry, in a new epoch, inherits no metrics."""
    return f"v{package_version}-e{epoch}"


SERVERLESS_VARIANT = "serverless"
"""The one variant of a serverless endpoint: AWS wants the name kept from update to update."""


def model(endpoint: str, package_version: int, *, epoch: int) -> str:
    """The SageMaker model behind a variant: `churn-v3-e4`."""
    return f"{endpoint}-{variant(package_version, epoch=epoch)}"


def alone(endpoint: str, package_version: int, *, epoch: int) -> str:
    """The endpoint configuration that holds one variant alone: `churn-v3-e4`."""
    return model(endpoint, package_version, epoch=epoch)


def beside(endpoint: str, *, stable: int, canary: int, epoch: int) -> str:
    """The endpoint configuration of a canary beside its stable: `churn-v2-v3-e4-both`.

    It ends otherwise than `alone` does: an endpoint may well be called `churn-v2`.
    """
    return f"{endpoint}-v{stable}-v{canary}-e{epoch}-both"


def is_config(name: str, endpoint: str) -> bool:
    """Whether `name` is a configuration as we call those of `endpoint`."""
    return bool(re.fullmatch(rf"{re.escape(endpoint)}-v\d+(-v\d+)?-e\d+(-both)?", name))


def alarm(endpoint: str, variant_name: str, subject: str) -> str:
    """A CloudWatch alarm on one variant: `sluice-churn-v3-e4-errors`."""
    return f"{ALARM_PREFIX}{endpoint}-{variant_name}-{subject}"


def alarms_of(endpoint: str) -> str:
    """What the names of the alarms on an endpoint's variants begin with; "": of every endpoint."""
    return f"{ALARM_PREFIX}{endpoint}-" if endpoint else ALARM_PREFIX


def watched_variant(alarm_name: str) -> tuple[str, str] | None:
    """The endpoint and the variant that `alarm` named an alarm after, or None for any other."""
    found = _ALARM.fullmatch(alarm_name)
    return (found["endpoint"], found["variant"]) if found else None
