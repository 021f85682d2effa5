"""The smoke test that `config.json` carries: one request, and what its answer must satisfy.

Every size is bounded: it is asked by a function that has seconds, not minutes.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from sluice.domain.fields import FileName, MimeType
from sluice.domain.values import Pushed

LARGEST_BODY = 1024 * 1024
"""Bytes of a request's body file; SageMaker itself takes 6 MiB, 4 on a serverless endpoint."""

LONGEST_ANSWER_SECONDS = 30
"""How long one answer is waited for."""

_OK = 200
_ERRORS = range(400, 600)

Pointer = Annotated[str, Field(max_length=200, pattern=r"^(/([^~/]|~[01])*)*$")]
"""RFC 6901: `/predictions/0/label`; empty for the whole answer."""
Scalar = Annotated[str, Field(max_length=1024)] | bool | int | float | None


class Expectation(Pushed):
    """What the answer to the smoke test must satisfy, beyond being an answer."""

    status: int = _OK
    """200 for any success: SageMaker hands on the container's own status with errors only."""
    content_type: MimeType | None = None
    contains: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    fields: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Members that a JSON answer must have."""
    equals: dict[Pointer, Scalar] = Field(default_factory=dict, max_length=20)
    """What a JSON answer must hold where each pointer points."""
    between: dict[Pointer, tuple[float, float]] = Field(default_factory=dict, max_length=20)
    """Least and greatest value of the number where each pointer points."""
    within_ms: Annotated[int, Field(ge=1, le=LONGEST_ANSWER_SECONDS * 1000)] | None = None

    @field_validator("status")
    @classmethod
    def _told(cls, status: int) -> int:
        if status != _OK and status not in _ERRORS:
            raise ValueError("must be 200, or the model's own 4xx or 5xx")
        return status

    @field_validator("between")
    @classmethod
    def _ascending(cls, between: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        if any(least > greatest for least, greatest in between.values()):
            raise ValueError("the first number must not be greater than the second")
        return between

    @property
    def reads_json(self) -> bool:
        """Whether the answer has to be JSON."""
        return bool(self.fields or self.equals or self.between)


class SmokeTest(Pushed):
    """One request, its body written out or in a file of the folder, and what the answer must be."""

    content_type: MimeType = "application/json"
    accept: MimeType | None = None
    body: Annotated[str, Field(max_length=16_384)] | None = None
    body_file: FileName | None = None
    expect: Expectation = Expectation()
    warm_up_seconds: Annotated[int, Field(ge=0, le=240)] = 60
    """How long a container that is InService may go on failing before that is its answer."""

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if (self.body is None) == (self.body_file is None):
            raise ValueError("give either body or body_file")
        return self
