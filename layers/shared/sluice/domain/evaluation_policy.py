"""What an evaluation must show: the operator's gates for each model package group, as JSON.

Pushers do not choose their judge: the file is deployed with the stack. One section holds for a
group, whole: that of its exact name, else of the pattern with the most characters beside its `*`,
else the default. The empty policy demands nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from itertools import combinations
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from sluice.domain import strict_json
from sluice.domain.pushed import MAX_METRIC_NAME, complaints
from sluice.domain.values import Pushed

POLICY = "evaluation_policy.json"
DEFAULT = "default"
MOST_NAMED = 2048
"""Bytes of all names in a section: what came of its gates must fit beside a large manifest."""
_ANY = "*"

Number = Annotated[float, Field(allow_inf_nan=False)]
# Of what a package may be described with, and of what a line of a mail may hold.
MetricName = Annotated[str, Field(max_length=MAX_METRIC_NAME, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
SuiteName = Annotated[str, Field(max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
GroupPattern = Annotated[str, Field(max_length=63, pattern=r"^[a-zA-Z0-9*][a-zA-Z0-9*-]*$")]


class PolicyError(ValueError):
    """The policy cannot be used; the message says what to change."""


class Better(StrEnum):
    """Which way a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"


class MetricGate(Pushed):
    """What one metric must reach."""

    at_least: Number | None = None
    at_most: Number | None = None
    no_worse_than_live_by: Annotated[Number, Field(ge=0)] | None = None
    """By how much, in the metric's own unit, it may be worse than that of what serves."""
    better: Better | None = None
    """Given where it is compared with what serves, and nowhere else."""

    @model_validator(mode="after")
    def _demands(self) -> Self:
        if self.at_least is None and self.at_most is None and self.no_worse_than_live_by is None:
            raise ValueError("give at_least, at_most or no_worse_than_live_by")
        if (self.better is None) != (self.no_worse_than_live_by is None):
            raise ValueError("better goes with no_worse_than_live_by: give both, or neither")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most: nothing passes both")
        return self


class Section(Pushed):
    """The gates of a group."""

    metrics: Annotated[dict[MetricName, MetricGate], Field(max_length=20)] = Field(
        default_factory=dict
    )
    """By the metric's dotted name."""
    required_suites: Annotated[tuple[SuiteName, ...], Field(max_length=20)] = ()
    """Names under `suites` of the evaluation, each with a number below it."""
    max_age_days: Annotated[Number, Field(gt=0, le=3650)] | None = None
    """Of the evaluation, by its `evaluated_at`."""

    @model_validator(mode="after")
    def _brief(self) -> Self:
        said = "".join((*self.metrics, *self.required_suites))
        size = len(said.encode("utf-8"))
        if size > MOST_NAMED:
            raise ValueError(
                f"names of metrics and suites have {size} bytes in all, the limit is {MOST_NAMED}"
            )
        return self

    @property
    def compares(self) -> bool:
        """Whether it needs to know what serves."""
        return any(one.no_worse_than_live_by is not None for one in self.metrics.values())


class _Document(Pushed):
    default: Section = Section()
    groups: dict[GroupPattern, Section] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        patterns = [one for one in self.groups if _ANY in one]
        for one, two in combinations(patterns, 2):
            if _specificity(one) == _specificity(two) and _meet(one, two):
                message = f"groups: {one} and {two} are equally specific, and some name fits both"
                raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class EvaluationPolicy:
    """A policy as it was read."""

    default: Section
    groups: dict[str, Section]
    digest: str
    """SHA-256 of the file's bytes, 64 hex digits."""

    def section_of(self, group: str) -> tuple[str, Section]:
        """The section that holds for the group, and what the policy calls it."""
        if group in self.groups:
            return group, self.groups[group]
        fitting = [one for one in self.groups if fnmatchcase(group, one)]
        if not fitting:
            return DEFAULT, self.default
        found = max(fitting, key=_specificity)
        return found, self.groups[found]


def parse_policy(data: bytes) -> EvaluationPolicy:
    """The policy that `data` spells. Raises PolicyError for anything that is none."""
    try:
        strict_json.parse(data)
        document = _Document.model_validate_json(data, strict=True)
    except strict_json.MalformedJsonError as error:
        message = f"{POLICY}: {error}"
        raise PolicyError(message) from error
    except ValidationError as error:
        message = f"{POLICY}: {complaints(error, file=POLICY)}"
        raise PolicyError(message) from error
    return EvaluationPolicy(
        default=document.default,
        groups=dict(document.groups),
        digest=hashlib.sha256(data).hexdigest(),
    )


def _specificity(pattern: str) -> int:
    return len(pattern.replace(_ANY, ""))


@cache
def _meet(one: str, two: str) -> bool:
    """Whether some name fits both patterns."""
    if one.startswith(_ANY):
        return _meet(one[1:], two) or (two != "" and _meet(one, two[1:]))
    if two.startswith(_ANY):
        return _meet(two, one)
    if not one or not two:
        return one == two
    return one[0] == two[0] and _meet(one[1:], two[1:])
