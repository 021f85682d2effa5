"""The canary judge: counts of two variants, minute by minute, in; a verdict with its evidence out.

Everything here is pure and needs the standard library only. `docs/judge.md` explains it in words.
"""

from __future__ import annotations

from sluice.domain.judge.document import JudgeDocumentError
from sluice.domain.judge.evaluation import evaluate

__all__ = ["JudgeDocumentError", "evaluate"]
