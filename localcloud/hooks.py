"""Every private name of the engines that we stand on, checked before the server starts.

The engines are pinned exactly, and still: a hook that silently misses would make tests pass for the
wrong reason. Each module that hooks an engine declares its names here through `require` and
replaces functions only through `replace`, so that `check()` fails loudly, all missing names in one
message.

`LOCALCLOUD_WITHOUT` names hooks, separated by commas, that are left out, and with
`LOCALCLOUD_COUNT_HOOKS` calls are counted: `python -m tests.localcloud.hooks` shows with both that
some contract test misses each.
"""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Hook:
    """One private name: where it lives and, for a function, the parameters we rely on."""

    owner: Any
    name: str
    parameters: tuple[str, ...] | None = None

    def fault(self) -> str | None:
        """What is wrong with the name, or None."""
        label = f"{getattr(self.owner, '__name__', self.owner)}.{self.name}"
        if not hasattr(self.owner, self.name):
            return f"{label} is gone"
        if self.parameters is None:
            return None
        found = tuple(inspect.signature(getattr(self.owner, self.name)).parameters)
        if found != self.parameters:
            return f"{label} takes {found}, not {self.parameters}"
        return None


class HookError(RuntimeError):
    """An engine does not have the private names the local cloud was written against."""


@dataclass(slots=True)
class Change:
    """One name of an engine that is ours: what stands there, declared by which module, how used."""

    kind: str
    owner: Any
    name: str
    value: Any
    declared_by: str
    calls: int = 0

    @property
    def label(self) -> str:
        """What names it in `LOCALCLOUD_WITHOUT`."""
        return f"{self.declared_by}:{self.owner.__name__}.{self.name}"

    def make(self) -> None:
        """Put it in place, unless it is to be left out."""
        if self.label in os.environ.get("LOCALCLOUD_WITHOUT", "").split(","):
            return
        value = self.value if self.kind == "value" else self._counted(self.value)
        if self.kind == "wrapper":
            value = _around(getattr(self.owner, self.name), value)
        setattr(self.owner, self.name, value)

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if "LOCALCLOUD_COUNT_HOOKS" not in os.environ:
            return function

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return function(*args, **kwargs)

        return counted


_required: list[Hook] = []
_changes: list[Change] = []
_installed = [0, 0]  # how many of each list are in place: services are mounted in two steps


def require(owner: ModuleType | type, name: str, *parameters: str, call: bool = True) -> None:
    """Declare that `owner.name` must exist and, unless `call` is false, take these parameters."""
    _required.append(Hook(owner, name, parameters if call else None))


def replace(
    owner: ModuleType | type, name: str, *parameters: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the function that `install()` puts in place of `owner.name`."""
    require(owner, name, *parameters)
    return _registered("function", owner, name, _caller())


def wrap(
    owner: ModuleType | type, name: str, *parameters: str, by: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that is called in place of `owner.name`.

    Its first argument is what was there. Several modules may wrap one name: each gets the one that
    was registered before it. `by` names the module, where it is not the caller.
    """
    require(owner, name, *parameters)
    return _registered("wrapper", owner, name, by or _caller())


def wrap_now(
    owner: ModuleType | type, name: str, *parameters: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Like `wrap`, but checked and in place at once: for engines imported only when needed.

    Raises HookError.
    """
    declared_by = _caller()

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        fault = Hook(owner, name, parameters).fault()
        if fault:
            raise HookError("the engines changed under us:\n  " + fault)
        change = Change("wrapper", owner, name, function, declared_by)
        _changes.append(change)
        change.make()
        return function

    return register


def put(owner: ModuleType | type, name: str, value: object) -> None:
    """Let `owner.name`, which is no function, be `value` once `install()` has checked all."""
    require(owner, name, call=False)
    _changes.append(Change("value", owner, name, value, _caller()))


def install() -> None:
    """Check every name declared since the last time, then put the replacements in place.

    Raises HookError naming every fault at once.
    """
    required, changes = _installed
    _installed[:] = [len(_required), len(_changes)]
    faults = [fault for hook in _required[required:] if (fault := hook.fault())]
    if faults:
        raise HookError("the engines changed under us:\n  " + "\n  ".join(faults))
    for kind in ("function", "wrapper", "value"):
        for change in _changes[changes:]:
            if change.kind == kind:
                change.make()


def tell(_: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Every hook: its label, its family and, where calls are counted, how many there were.

    What one module puts in place of one name in several places is a family: it stands or falls
    together.
    """
    families: dict[tuple[str, str, int], str] = {}
    return [
        {
            "label": one.label,
            "family": families.setdefault((one.declared_by, one.name, id(one.value)), one.label),
            "calls": one.calls,
        }
        for one in _changes
    ]


def _registered(
    kind: str, owner: Any, name: str, declared_by: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _changes.append(Change(kind, owner, name, function, declared_by))
        return function

    return register


def _caller() -> str:
    """The module that declares a hook."""
    return str(sys._getframe(2).f_globals["__name__"])


def _around(original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(original, *args, **kwargs)

    return wrapped
