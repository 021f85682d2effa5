"""Names derived from what they name, so that doing a thing twice finds the first one.

A target is `endpoint/{name}` or `application/{name}`; one of each may bear the same name. Where no
slash may stand, in the names of executions and alarms, it is called by its label.

SageMaker allows 63 characters for endpoints, variants, models and endpoint configurations, Step
Functions 80 for an execution. The name of an endpoint or an application is limited to
`MAX_ENDPOINT_NAME` at registration, which leaves room for every suffix below.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sluice.domain.release import System

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ENDPOINT_NAME = 40
ALARM_PREFIX = "sluice-"
_KINDS = {System.SAGEMAKER: "endpoint", System.BEDROCK: "application"}
KINDS = {kind: system for system, kind in _KINDS.items()}
"""What a target's name begins with, and what it serves releases of."""
_APPLICATION_LABEL = "application."
_ALARM = re.compile(
    rf"{ALARM_PREFIX}(?P<label>.+)-(?P<variant>v\d+-e\d+)-(?:errors|model-errors|latency)"
)


def target_of(name: str, system: System = System.SAGEMAKER) -> str:
    """The target that an endpoint is, or an application: what serves releases of `system`."""
    return f"{_KINDS[system]}/{name}"


def name_of(target: str) -> str:
    """The name of the endpoint or the application that a target is."""
    return target.partition("/")[2]


def system_of(target: str) -> System:
    """What a target serves releases of. Raises KeyError for what no target is called."""
    return KINDS[target.partition("/")[0]]


def label(target: str) -> str:
    """What a target is called where no slash may stand: `churn`, `application.support`.

    No name has a dot, so no two targets are called alike.
    """
    of_application = system_of(target) is System.BEDROCK
    return f"{_APPLICATION_LABEL if of_application else ''}{name_of(target)}"


def execution(target: str, *, generation: int, epoch: int) -> str:
    """The execution that holds `target` in `epoch`: `churn-g1-e4`."""
    return f"{label(target)}-g{generation}-e{epoch}"


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


LIVE = "live"
"""The alias that clients of an application call."""
LATEST = "$LATEST"
"""What versions of a function are published of, and no version itself."""
VERSION_VARIABLE = "SLUICE_VERSION"
"""The environment variable that says which release a function's version serves."""
ROLLOUT_VARIABLE = "SLUICE_ROLLOUT"
"""The one that says for which rollout it was published.

Lambda publishes no second version of what has not changed: with this, a release that is tried again
gets a number of its own, and inherits no metrics.
"""


def version_dimensions(function: str, version: str) -> dict[str, str]:
    """The CloudWatch dimensions of what a version answered through the alias, and of nothing else.

    Lambda counts by version only what came by an alias (monitoring-metrics-view).
    """
    return {
        "FunctionName": function,
        "Resource": f"{function}:{LIVE}",
        "ExecutedVersion": version,
    }


def together(versions: Iterable[str]) -> str:
    """What an alias that leads to these versions of its function stands on: `6+7`."""
    return "+".join(sorted(versions, key=lambda one: (len(one), one)))


def apart(config: str) -> tuple[str, ...]:
    """The versions that `together` names."""
    return tuple(config.split("+"))


def is_config(name: str, endpoint: str) -> bool:
    """Whether `name` is a configuration as we call those of `endpoint`."""
    return bool(re.fullmatch(rf"{re.escape(endpoint)}-v\d+(-v\d+)?-e\d+(-both)?", name))


def alarm(target: str, variant_name: str, subject: str) -> str:
    """A CloudWatch alarm on one variant: `sluice-churn-v3-e4-errors`."""
    return f"{ALARM_PREFIX}{label(target)}-{variant_name}-{subject}"


def alarms_of(target: str) -> str:
    """What the names of the alarms on a target's variants begin with; "": of every target."""
    return f"{ALARM_PREFIX}{label(target)}-" if target else ALARM_PREFIX


def watched_variant(alarm_name: str) -> tuple[str, str] | None:
    """The target and the variant that `alarm` named an alarm after, or None for any other."""
    found = _ALARM.fullmatch(alarm_name)
    return (_labelled(found["label"]), found["variant"]) if found else None


def _labelled(text: str) -> str:
    """The target that `label` calls so."""
    name = text.removeprefix(_APPLICATION_LABEL)
    return target_of(name, System.SAGEMAKER if name == text else System.BEDROCK)
