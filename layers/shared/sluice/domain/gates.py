"""What the evaluation policy says of a version, gate by gate: values that its manifest keeps."""

from __future__ import annotations

from enum import StrEnum

from sluice.domain.release import ReleaseName
from sluice.domain.values import Value


class GateOutcome(StrEnum):
    """What became of a gate."""

    PASSED = "Passed"
    MISSED = "Missed"
    NOT_APPLICABLE = "NotApplicable"
    """There was nothing to compare with; nothing is held against the version."""


class Source(StrEnum):
    """Who says a number."""

    REPORT = "Report"
    """`evaluation-results.json`."""
    METADATA = "Metadata"
    """The metadata of `model.tar.gz`, and no report."""


class Gate(Value):
    """One thing that the policy demands, and what was found."""

    name: str
    """`accuracy at_least`, `suite toxicity`, `max_age_days`."""
    wanted: float | str
    """The policy's number, or the name of the suite."""
    found: float | str | None = None
    """The metric; how many numbers the suite holds; when it was evaluated. None: absent."""
    source: Source | None = None
    """Of a metric that was found."""
    live: float | None = None
    """The metric of what serves, where that is compared."""
    outcome: GateOutcome
    detail: str
    """In one line, with the numbers."""


class Live(Value):
    """What served the version's target when its folder was claimed."""

    release: ReleaseName
    digest: str


class Gates(Value):
    """How a version stands to the policy that was deployed when its folder was claimed."""

    policy: str
    """SHA-256 of the policy's bytes."""
    section: str
    """Which of its sections held: a group's name, a pattern, `default`."""
    live: Live | None = None
    """None where nothing served, or nothing is compared with it."""
    judged: tuple[Gate, ...] = ()

    @property
    def missed(self) -> tuple[Gate, ...]:
        """What keeps the version from being registered for approval."""
        return tuple(one for one in self.judged if one.outcome is GateOutcome.MISSED)

    @property
    def not_applicable(self) -> tuple[Gate, ...]:
        """What could not be compared: people should know."""
        return tuple(one for one in self.judged if one.outcome is GateOutcome.NOT_APPLICABLE)


def missed_by(gates: Gates | None) -> tuple[str, ...]:
    """What a version misses, a line each."""
    return tuple(one.detail for one in gates.missed) if gates else ()


def actor_of(gates: Gates) -> str:
    """Who rejected a version that misses a gate, as its record names it: no ARN, the policy."""
    return f"sluice/evaluation-policy/{gates.policy[:12]}"
