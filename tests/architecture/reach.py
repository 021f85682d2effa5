"""Which calls to AWS a function's code can make, read from its sources.

From the functions of an `app.py` along every method and function that is named on the way, types
taken from annotations: what is called in some branch counts, whether a test takes it or not.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

from tests.architecture.project import LAYER, SLUICE, parsed, sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STUBS = "mypy_boto3_"
_PAGINATOR = "get_paginator"
_NO_CALLS = {"exceptions", "meta"}
_CODE = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Client:
    """A boto3 client, known by its stub's package."""

    service: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, or a function of a module or a class, by where it is defined."""

    module: str
    name: str
    """`Vault`, `Vault.keep`, or a function's bare name."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call to AWS, where it stands."""

    service: str
    method: str
    where: str
    keywords: frozenset[str]


@dataclass(slots=True)
class Reach:
    """All that can be reached from one entry."""

    calls: set[Call] = field(default_factory=set)
    edges: set[tuple[str, str]] = field(default_factory=set)
    """Who names whom, by `Class.method` or function name."""

    @property
    def names(self) -> set[str]:
        """Everything that is named by something reached."""
        return {callee for _, callee in self.edges}


type _Type = Client | Definition | None


class Module:
    """One source file: what it defines and what its names mean."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = _module_name(path)
        tree = parsed(path)
        self.functions = {one.name: one for one in tree.body if isinstance(one, _CODE)}
        self.classes = {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}
        self._imported = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    @cached_property
    def variables(self) -> dict[str, _Type]:
        """The types of the module's own variables, as `app.py` has them."""
        found = dict[str, _Type]()
        for one in parsed(self.path).body:
            match one:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found[name] = self.made_by(value)
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    pairs = zip(names, values, strict=True)
                    found |= {ast.unparse(one): self.made_by(value) for one, value in pairs}
        return found

    def meaning(self, name: str) -> _Type:
        """The class, function or client that a name stands for, if it is one of ours."""
        if name in self.functions or name in self.classes:
            return Definition(self.name, name)
        module, original = self._imported.get(name, ("", ""))
        if module.startswith(_STUBS):
            return Client(module.removeprefix(_STUBS))
        known = _modules().get(module)
        return known.meaning(original) if known else None

    def annotated(self, annotation: ast.expr | None) -> _Type:
        """The first type of ours in an annotation."""
        if annotation is None:
            return None
        names = [one.id for one in ast.walk(annotation) if isinstance(one, ast.Name)]
        return next((found for found in map(self.meaning, names) if found), None)

    def made_by(self, value: ast.expr) -> _Type:
        """The type of what a constructor's call makes."""
        match value:
            case ast.Call(func=ast.Name(id=name)):
                made = self.meaning(name)
                return made if isinstance(made, Definition) and _class(made) else None
        return None


def reach(app: Path, *, opaque: frozenset[str] = frozenset()) -> Reach:
    """What the handlers of `app` can reach; `opaque` methods are not looked into."""
    found, seen = Reach(), set[Definition]()
    module = Module(app)
    waiting = [(module, "", one) for one in module.functions.values()]
    while waiting:
        for callee in _look_into(*waiting.pop(), found):
            if callee not in seen and callee.name not in opaque:
                seen.add(callee)
                waiting.append(_code(callee))
    return found


def _look_into(module: Module, owner: str, code: _CODE, found: Reach) -> Iterator[Definition]:
    """Note the calls to AWS in `code`; yield what else of ours it names."""
    name = f"{owner}.{code.name}" if owner else code.name
    scope = _scope(module, owner, code)
    called = {id(one.func): one for one in ast.walk(code) if isinstance(one, ast.Call)}
    for node in ast.walk(code):
        match node:
            case ast.Attribute(value=value, attr=attribute):
                on = _type_of(value, module, scope)
                if isinstance(on, Client) and attribute not in _NO_CALLS:
                    found.calls.add(_call(on, attribute, name, called.get(id(node))))
                named = _methods(on, attribute)
            case ast.Name(id=one, ctx=ast.Load()):
                meaning = module.meaning(one)
                known = isinstance(meaning, Definition) and _function(meaning)
                named = [meaning] if isinstance(meaning, Definition) and known else []
            case _:
                named = []
        for callee in named:
            found.edges.add((name, callee.name))
            yield callee


def _scope(module: Module, owner: str, code: _CODE) -> dict[str, _Type]:
    arguments = [*code.args.args, *code.args.kwonlyargs]
    scope = {**module.variables, **{one.arg: module.annotated(one.annotation) for one in arguments}}
    if owner:
        scope["self"] = Definition(module.name, owner)
    return scope


def _type_of(value: ast.expr, module: Module, scope: dict[str, _Type]) -> _Type:
    match value:
        case ast.Name(id=name):
            return scope.get(name)
        case ast.Attribute(value=inner, attr=attribute):
            on = _type_of(inner, module, scope)
            return _fields(on).get(attribute) if isinstance(on, Definition) else None
        case ast.Call(func=ast.Attribute(value=inner, attr=attribute) as factory):
            # A client made when it is first needed, by a field that is annotated with its type.
            made = _type_of(factory, module, scope)
            on = _type_of(inner, module, scope)
            return made if isinstance(made, Client) else _returned(_method(on, attribute))
    return module.made_by(value)


@cache
def _fields(of: Definition) -> dict[str, _Type]:
    """The types of a class's fields: annotated ones, and those `__init__` sets."""
    module, found = _modules()[of.module], dict[str, _Type]()
    body = module.classes[of.name].body if of.name in module.classes else []
    for one in body:
        match one:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                found[name] = module.annotated(annotation)
            case ast.FunctionDef(name="__init__") as init:
                scope = _scope(module, of.name, init)
                for node in ast.walk(init):
                    match node:
                        case ast.Assign(targets=[ast.Attribute(attr=attribute)], value=value):
                            given = scope.get(value.id) if isinstance(value, ast.Name) else None
                            found[attribute] = given or module.made_by(value)
    return found


def _call(on: Client, attribute: str, where: str, node: ast.Call | None) -> Call:
    keywords = frozenset(one.arg or "**" for one in node.keywords) if node else frozenset[str]()
    if attribute == _PAGINATOR:
        # Its name must be a literal: anything else fails here.
        (name,) = [
            one.value for one in (node.args if node else []) if isinstance(one, ast.Constant)
        ]
        return Call(on.service, str(name), where, keywords)
    return Call(on.service, attribute, where, keywords)


def _method(on: _Type, name: str) -> Definition | None:
    found = _class(on) if isinstance(on, Definition) else None
    if found is None or not isinstance(on, Definition):
        return None
    defined = any(isinstance(one, _CODE) and one.name == name for one in found.body)
    return Definition(on.module, f"{on.name}.{name}") if defined else None


def _methods(on: _Type, name: str) -> list[Definition]:
    """The method, and of a Protocol that of every class which has all of the Protocol's."""
    called = _method(on, name)
    if called is None or not isinstance(on, Definition):
        return []
    asked = _class(on)
    if asked is None or not _is_protocol(asked):
        return [called]
    return [Definition(one.module, f"{one.name}.{name}") for one in _classes_with(_has(asked))]


def _is_protocol(one: ast.ClassDef) -> bool:
    return "Protocol" in {ast.unparse(base) for base in one.bases}


def _classes_with(methods: frozenset[str]) -> list[Definition]:
    return [
        Definition(module.name, name)
        for module in _modules().values()
        for name, one in module.classes.items()
        if methods <= _has(one) and not _is_protocol(one)
    ]


def _has(one: ast.ClassDef) -> frozenset[str]:
    return frozenset(part.name for part in one.body if isinstance(part, _CODE))


def _returned(method: Definition | None) -> _Type:
    """The type of ours that a method returns."""
    if method is None:
        return None
    module, _, code = _code(method)
    return module.annotated(code.returns)


def _class(of: Definition) -> ast.ClassDef | None:
    module = _modules().get(of.module)
    return module.classes.get(of.name) if module else None


def _function(of: Definition) -> bool:
    module = _modules().get(of.module)
    return bool(module and of.name in module.functions)


def _code(of: Definition) -> tuple[Module, str, _CODE]:
    module = _modules()[of.module]
    owner, _, name = of.name.rpartition(".")
    if not owner:
        return module, "", module.functions[name]
    body = module.classes[owner].body
    return module, owner, next(one for one in body if isinstance(one, _CODE) and one.name == name)


def calls_of_adapters() -> set[Call]:
    """Every call to AWS that any adapter has, reached by a function or not."""
    found = Reach()
    for name, module in _modules().items():
        if name.startswith("sluice.adapters."):
            for owner, one in module.classes.items():
                for code in one.body:
                    if isinstance(code, _CODE):
                        list(_look_into(module, owner, code, found))
    return found.calls


@cache
def _modules() -> dict[str, Module]:
    """Every module of the package, by its name."""
    return {_module_name(path): Module(path) for path in sources(SLUICE)}


def _module_name(path: Path) -> str:
    if not path.is_relative_to(LAYER):
        return "app"
    parts = path.relative_to(LAYER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
