"""Documents to judge, with defaults for everything that a test does not care about."""

from __future__ import annotations

from typing import Any

CALM = [[1000, 1]] * 180
"""A history of one bad request a minute, as even as can be: phi is 1."""

type Doc = dict[str, Any]


def a_minute(
    n_c: float | None = 50,
    x_c: float | None = 0,
    n_s: float | None = 950,
    x_s: float | None = 1,
    step: int = 0,
    weight: float | None = 0.05,
) -> Doc:
    """A minute of a service with 1,000 requests, of which the canary gets a twentieth."""
    return {"n_c": n_c, "x_c": x_c, "n_s": n_s, "x_s": x_s, "step": step, "weight": weight}


def a_doc(minutes: list[Doc], **more: Any) -> Doc:
    """A document with the default settings."""
    return {"history": CALM, "minutes": minutes, **more}
