"""Every private name of the engines that we stand on, checked before the server starts.

The engines are pinned exactly, and still: a hook that silently misses would make tests pass for the
wrong reason. Each module that hooks an engine declares its names here through `require` and
replaces functions only through `replace`, so that `check()` fails loudly, all missing names in one
message.
"""

import functools
import inspect
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


_required: list[Hook] = []
_replacements: list[tuple[Any, str, Callable[..., Any]]] = []
_wrappers: list[tuple[Any, str, Callable[..., Any]]] = []
_values: list[tuple[Any, str, object]] = []


def require(owner: ModuleType | type, name: str, *parameters: str, call: bool = True) -> None:
    """Declare that `owner.name` must exist and, unless `call` is false, take these parameters."""
    _required.append(Hook(owner, name, parameters if call else None))


def replace(
    owner: ModuleType | type, name: str, *parameters: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the function that `install()` puts in place of `owner.name`."""
    require(owner, name, *parameters)

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _replacements.append((owner, name, function))
        return function

    return register


def wrap(
    owner: ModuleType | type, name: str, *parameters: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function that is called in place of `owner.name`.

    Its first argument is what was there. Several modules may wrap one name: each gets the one that
    was registered before it.
    """
    require(owner, name, *parameters)

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _wrappers.append((owner, name, function))
        return function

    return register


def wrap_now(
    owner: ModuleType | type, name: str, *parameters: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Like `wrap`, but checked and in place at once: for engines imported only when needed.

    Raises HookError.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        fault = Hook(owner, name, parameters).fault()
        if fault:
            raise HookError("the engines changed under us:\n  " + fault)
        setattr(owner, name, _around(getattr(owner, name), function))
        return function

    return register


def put(owner: ModuleType | type, name: str, value: object) -> None:
    """Let `owner.name`, which is no function, be `value` once `install()` has checked all."""
    require(owner, name, call=False)
    _values.append((owner, name, value))


def install() -> None:
    """Check every declared name, then put the replacements in place.

    Raises HookError naming every fault at once.
    """
    faults = [fault for hook in _required if (fault := hook.fault())]
    if faults:
        raise HookError("the engines changed under us:\n  " + "\n  ".join(faults))
    for owner, name, function in _replacements:
        setattr(owner, name, function)
    for owner, name, function in _wrappers:
        setattr(owner, name, _around(getattr(owner, name), function))
    for owner, name, value in _values:
        setattr(owner, name, value)


def _around(original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(original, *args, **kwargs)

    return wrapped
