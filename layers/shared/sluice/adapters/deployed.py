"""What is deployed beside a function's code: files, read once when it starts."""

from __future__ import annotations

from pathlib import Path

from sluice.domain.evaluation_policy import POLICY, EvaluationPolicy, parse_policy


def policy_beside(app: str) -> EvaluationPolicy:
    """The evaluation policy in the folder of a function's `app.py`.

    Raises PolicyError, and OSError where it is missing: the function then does not start, and what
    was pushed waits in its queue. A policy that cannot be read lets nothing pass.
    """
    return parse_policy((Path(app).parent / POLICY).read_bytes())
