"""The canary judge: counts of two variants, minute by minute, in; a verdict with its evidence out.

Everything here is pure and needs the standard library only. `docs/judge.md` explains it in words.
"""

from __future__ import annotations

from sluice.domain.judge.checks import JudgeDocumentError
from sluice.domain.judge.evaluation import evaluate
from sluice.domain.judge.forecast import forecast

__all__ = ["JudgeDocumentError", "evaluate", "forecast"]
