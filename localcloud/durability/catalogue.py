"""Which stores are kept, and which of them the requests of a service may change.

Every account-scoped dictionary of every module in use is kept, so that nobody has to think of a new
one; only what is large, not to be kept, or a plain dictionary of ours, is named here.
"""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import ministack.app as gateway
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import (
    cloudwatch,
    cloudwatch_logs,
    dynamodb,
    lambda_svc,
    s3,
    sts,
)

from localcloud import hooks, schedules, workers
from localcloud.alarms import mutes
from localcloud.alarms import states as alarm_states
from localcloud.autoscaling import state as scaling_state
from localcloud.bedrock import faults as bedrock_faults
from localcloud.bedrock import knowledge
from localcloud.durability.stores import Flat, Marks, Runs, Store, Tree
from localcloud.sagemaker import limits, timing
from localcloud.sagemaker import state as sagemaker_state
from localcloud.workflows import recovery as workflow_recovery

_ENGINE = "ministack.services."
_OURS = "localcloud."
_EVERY_REPLY = "localcloud.workers:pending"  # what a request set off is part of what it did
# What else the requests of a service change.
_ALSO = {
    "application-autoscaling": ("localcloud.autoscaling", "localcloud.sagemaker"),
    "events": ("sqs", "sns"),
    "iam": ("sts",),
    "sagemaker": ("localcloud.sagemaker",),
    "sns": ("sqs",),
    "states": ("localcloud.workflows",),
    "monitoring": ("localcloud.alarms",),
}
_ALL = {"cloudformation"}  # its stacks make resources of every service
# Neither state of an account nor needed after a restart.
_NOT_KEPT = {
    "ministack.services.eventbridge:_events_log",
    "ministack.services.lambda_svc:_esm_backoff_until",
    "ministack.services.dynamodb:_stream_records",
}
_WITH_BLOBS = {"s3", "lambda_svc", "ecr", "secretsmanager", "kms"}
_MINUTE = 60
_EVENTS_IN_A_RUN = 100
_items = Marks()


def require() -> None:
    """Declare what is read of the engines beyond their scoped dictionaries."""
    hooks.require(dynamodb, "_INDEX_MEMBERS", call=False)
    hooks.require(dynamodb, "_tables", call=False)
    hooks.wrap(dynamodb, "_set_item", "table", "pk_val", "sk_val", "item")(_mark_item)
    hooks.wrap(dynamodb, "_remove_item", "table", "pk_val", "sk_val")(_mark_item)
    hooks.wrap(dynamodb, "_items_replaced", "table")(_mark_items)
    hooks.require(s3, "_buckets", call=False)
    hooks.require(sts, "_sessions", call=False)
    hooks.require(cloudwatch, "_metrics", call=False)
    hooks.require(cloudwatch_logs, "_log_groups", call=False)
    hooks.require(lambda_svc, "_ensure_poller")
    hooks.require(lambda_svc, "_schedule_state_transition", "func_name", "delay")
    hooks.require(gateway, "SERVICE_REGISTRY", call=False)
    workflow_recovery.require()


class Catalogue:
    """All stores of this process; engine modules that are imported later join."""

    def __init__(self) -> None:
        self._declared = {store.name: store for store in _declared()}
        self._modules = 0
        self._stores: dict[str, Store] = {}
        self._by_service: dict[str, list[Store]] = {}

    def all(self) -> list[Store]:
        """Every store."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            modules = [name for name in sorted(sys.modules) if name.startswith((_ENGINE, _OURS))]
            self._stores = {**self._found(modules), **self._declared}
            self._by_service = {}
        return list(self._stores.values())

    def of(self, service: str) -> list[Store]:
        """The stores that a request to the service may change."""
        stores = self.all()
        if service in _ALL:
            return stores
        if service not in self._by_service:
            self._by_service[service] = self._touched_by(service, stores)
        return self._by_service[service]

    @staticmethod
    def _touched_by(service: str, stores: list[Store]) -> list[Store]:
        module = gateway.SERVICE_REGISTRY.get(service, {}).get("module", service)
        owners = {_full(name) for name in (module, *_ALSO.get(service, ()))}
        return [
            store for store in stores if store.name == _EVERY_REPLY or _owner(store.name, owners)
        ]

    def named(self, name: str) -> Store:
        """A store by name, its module imported. Raises KeyError for one that is not kept."""
        importlib.import_module(name.partition(":")[0])
        self.all()
        return self._stores[name]

    def _found(self, modules: list[str]) -> dict[str, Store]:
        """The scoped dictionaries of these modules, each under the first that has it."""
        taken = {id(s) for s in _kept_otherwise()}
        found: dict[str, Store] = {}
        for module in modules:
            for attribute, value in list(vars(sys.modules[module]).items()):
                name = f"{module}:{attribute}"
                if not isinstance(value, AccountScopedDict | AccountRegionScopedDict):
                    continue
                if id(value) not in taken and name not in _NOT_KEPT:
                    taken.add(id(value))
                    blobs = module.removeprefix(_ENGINE) in _WITH_BLOBS
                    found[name] = Flat(name, _data_of(sys.modules[module], attribute), blobs)
        return found


def _full(name: str) -> str:
    return name if name.startswith(_OURS) else _ENGINE + name


def _owner(store: str, owners: set[str]) -> bool:
    return any(store.startswith((f"{owner}:", f"{owner}.")) for owner in owners)


def _data_of(module: ModuleType, attribute: str) -> Any:
    return lambda: getattr(module, attribute)._data


def _kept_otherwise() -> list[Any]:
    return [dynamodb._tables, s3._buckets, cloudwatch._metrics, cloudwatch_logs._log_groups]


def _declared() -> Iterator[Store]:
    """Stores that are large, or not scoped dictionaries."""
    yield Tree(
        f"{_ENGINE}dynamodb:_tables",
        lambda: dynamodb._tables._data,
        "items",
        depth=2,
        left_out=(dynamodb._INDEX_MEMBERS,),
        marks=_items,
    )
    yield Tree(f"{_ENGINE}s3:_buckets", lambda: s3._buckets._data, "objects", has_blobs=True)
    yield Flat(f"{_ENGINE}sts:_sessions", lambda: sts._sessions)
    yield Runs(
        f"{_ENGINE}cloudwatch:_metrics",
        lambda: iter(list(cloudwatch._metrics._data.items())),
        lambda key: cloudwatch._metrics._data.setdefault(key, []),
        run_of=lambda _, point: int(point["Timestamp"] // _MINUTE),
        changes=lambda points: sum(point.get("Count", 1.0) for point in points),
    )
    groups = Flat(
        f"{_ENGINE}cloudwatch_logs:_log_groups",
        lambda: cloudwatch_logs._log_groups._data,
        bare=_without_events,
    )
    yield groups
    yield Runs(
        f"{_ENGINE}cloudwatch_logs:events",
        _log_streams,
        lambda key: cloudwatch_logs._log_groups._data[key[0]]["streams"][key[1]]["events"],
        run_of=lambda position, _: position // _EVENTS_IN_A_RUN,
    )
    yield Flat(_EVERY_REPLY, workers.pending, has_blobs=True)
    yield Flat("localcloud.schedules:due", lambda: schedules.timetable.due)
    yield Flat("localcloud.alarms.mutes:_rules", lambda: mutes._rules)
    yield Flat("localcloud.alarms.states:_told", lambda: alarm_states._told)
    yield Flat("localcloud.alarms.states:_held", lambda: alarm_states._held)
    yield Flat("localcloud.sagemaker.timing:durations", lambda: vars(timing.durations))
    for kind in vars(sagemaker_state.State()):
        yield _of_sagemaker(kind)
    yield Flat(
        "localcloud.autoscaling.state:targets",
        lambda: scaling_state.targets,
        guard=scaling_state.lock,
    )
    yield Flat("localcloud.sagemaker.limits:applied", lambda: limits.applied)
    yield Flat("localcloud.bedrock.faults:faults", lambda: bedrock_faults.faults)
    yield Flat("localcloud.bedrock.knowledge:bases", lambda: knowledge.bases, guard=knowledge.lock)
    yield from workflow_recovery.stores()


def _of_sagemaker(kind: str) -> Store:
    return Flat(
        f"localcloud.sagemaker.state:{kind}",
        lambda: getattr(sagemaker_state.state, kind),
        guard=sagemaker_state.lock,
    )


def _mark_item(original: Any, table: Any, pk_val: Any, sk_val: Any, *item: Any) -> Any:
    """Every single write of an item passes here: a request need not compare all the others."""
    before = original(table, pk_val, sk_val, *item)
    for key, known in list(dynamodb._tables._data.items()):
        if known is table:
            _items.add(key, pk_val, sk_val)
    return before


def _mark_items(original: Any, table: Any) -> None:
    original(table)
    _items.all()


def _without_events(group: dict[str, Any]) -> dict[str, Any]:
    streams = {name: {**stream, "events": []} for name, stream in list(group["streams"].items())}
    return {**group, "streams": streams}


def _log_streams() -> Iterator[tuple[Any, list[Any]]]:
    for group, content in list(cloudwatch_logs._log_groups._data.items()):
        for name, stream in list(content["streams"].items()):
            yield (group, name), stream["events"]
