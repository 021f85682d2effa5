"""Reads the document that is judged: what is wrong in it is said once, with what to change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sluice.domain.judge.checks import (
    REAL,
    an_object,
    are_counts,
    is_number,
    must,
    not_negative,
    positive,
    refuse_counts,
)
from sluice.domain.judge.settings import Config, Policy, read_config, read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_METRIC = {"history", "minutes", "kind", "weight", "slo", "tolerate_drop", "margin_drop"}
_MANY = {"config", "policy", "metrics"}
_ONE = {"config", "policy"} | _METRIC
_PAIR = 2
_LONGEST = 7 * 24 * 60


class Kind(StrEnum):
    """What a metric's counts mean."""

    COMPARED = "compared"
    """n requests, x of them bad: the canary against stable."""
    SLO = "slo"
    """n requests, x of them bad: the canary against a fixed rate, nothing to compare with."""
    MEAN = "mean"
    """n scores, x their sum, more is better: the canary's mean against stable's."""


class Minute(NamedTuple):
    """What one minute showed of both variants; None is not known."""

    n_c: float | None
    x_c: float | None
    n_s: float | None
    x_s: float | None
    step: int
    weight: float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's minutes."""

    name: str
    kind: Kind
    history: tuple[tuple[float, float], ...]
    minutes: tuple[Minute, ...]
    weight: float
    slo: float
    tolerate_drop: float
    margin_drop: float | None


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that a verdict depends on."""

    config: Config
    policy: Policy
    metrics: tuple[Metric, ...]


def read_document(doc: Mapping[str, Any]) -> Document:
    """The document, checked. Raises `JudgeDocumentError`."""
    must(isinstance(doc, dict), "the document must be an object")
    several = doc.get("metrics")
    an_object(doc, "the document", _MANY if several is not None else _ONE)
    if several is None:
        metrics: tuple[Metric, ...] = (_metric("", doc),)
    else:
        must(isinstance(several, dict) and several, "metrics must name at least one metric")
        metrics = tuple(_metric(name, one) for name, one in several.items())
        _together(metrics)
    return Document(read_config(doc.get("config")), read_policy(doc.get("policy")), metrics)


def _metric(name: str, given: Any) -> Metric:
    where = f"metrics.{name}." if name else ""
    must(isinstance(given, dict), f"metrics.{name} must be an object with minutes")
    if name:
        an_object(given, f"metrics.{name}", _METRIC)
    kind = _kind(given.get("kind", Kind.COMPARED), where)
    minutes, margin = given.get("minutes"), given.get("margin_drop")
    must(isinstance(minutes, list), f"{where}minutes must be a list, in order of time")
    must(len(minutes) <= _LONGEST, f"{where}minutes holds more than a week: give fewer")
    read = tuple(_minute(one, where, index, kind) for index, one in enumerate(minutes))
    for before, after in pairwise(read):
        must(before.step <= after.step, f"{where}minutes: step falls: give them in order of time")
    return Metric(
        name=name,
        kind=kind,
        history=_history(given.get("history"), where, kind),
        minutes=read,
        weight=positive(given.get("weight", 1.0), f"{where}weight"),
        slo=_slo(given.get("slo"), where, kind),
        tolerate_drop=not_negative(given.get("tolerate_drop", 0.0), f"{where}tolerate_drop"),
        margin_drop=None if margin is None else not_negative(margin, f"{where}margin_drop"),
    )


def _kind(given: Any, where: str) -> Kind:
    must(given in list(Kind), f"{where}kind is {given!r}: give one of {', '.join(Kind)}")
    return Kind(given)


def _history(given: Any, where: str, kind: Kind) -> tuple[tuple[float, float], ...]:
    rows = [] if given is None else given
    must(isinstance(rows, list), f"{where}history must be a list of [n, x]")
    signed = kind is Kind.MEAN
    for index, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != _PAIR:
            must(False, f"{where}history[{index}] must be [n, x]")
        if not are_counts(row[0], row[1], signed=signed):
            refuse_counts(row[0], row[1], f"{where}history[{index}]", signed=signed)
    return tuple((n, x) for n, x in rows if n and x is not None)


def _minute(given: Any, where: str, index: int, kind: Kind) -> Minute:
    if not isinstance(given, dict):
        must(False, f"{where}minutes[{index}] must be an object: n_c, x_c, n_s, x_s, step, weight")
    get = given.get
    minute = Minute(get("n_c"), get("x_c"), get("n_s"), get("x_s"), get("step"), get("weight"))
    n_c, x_c, n_s, x_s, step, weight = minute
    signed = kind is Kind.MEAN
    counted = are_counts(n_c, x_c, signed=signed) and are_counts(n_s, x_s, signed=signed)
    shared = weight is None or (type(weight) in REAL and 0 <= weight <= 1)
    if not (counted and shared and type(step) is int and step >= 0):
        _refuse(minute, f"{where}minutes[{index}]", signed=signed)
    return minute


def _refuse(minute: Minute, name: str, *, signed: bool) -> None:
    """Say what is wrong with it."""
    n_c, x_c, n_s, x_s, step, weight = minute
    refuse_counts(n_c, x_c, f"{name} (canary)", signed=signed)
    refuse_counts(n_s, x_s, f"{name} (stable)", signed=signed)
    whole = type(step) is int and step >= 0
    must(whole, f"{name}.step is {step!r}: give the step's index, counted from 0")
    must(False, f"{name}.weight is {weight!r}: give the canary's share, from 0 to 1")


def _together(metrics: Sequence[Metric]) -> None:
    """Several metrics speak of the same minutes."""
    first = [minute.step for minute in metrics[0].minutes]
    for other in metrics[1:]:
        same = [minute.step for minute in other.minutes] == first
        text = f"metrics.{other.name}.minutes and metrics.{metrics[0].name}.minutes differ in "
        must(same, text + "length or steps: give both for the same minutes")


def _slo(given: Any, where: str, kind: Kind) -> float:
    if kind is not Kind.SLO:
        must(given is None, f"{where}slo belongs to kind {Kind.SLO}: leave it out or set the kind")
        return 0.0
    fine = is_number(given) and 0 < given < 1
    must(fine, f"{where}slo is {given!r}: give the highest bad rate allowed, between 0 and 1")
    return float(given)
