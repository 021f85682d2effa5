"""Bedrock's catalogue: a few foundation models, and the inference profiles that lead to them.

Ids, what a model refuses and how it is reached are AWS's, except where a comment says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

ON_DEMAND, PROFILE_ONLY = "ON_DEMAND", "INFERENCE_PROFILE"
ACTIVE, LEGACY = "ACTIVE", "LEGACY"
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})


@dataclass(frozen=True, slots=True)
class Model:
    """A foundation model; `refuses` names parameters, `alternatives` those of which one may be."""

    id: str
    name: str
    provider: str
    context_tokens: int
    output_tokens: int
    reached_by: str = ON_DEMAND
    refuses: frozenset[str] = frozenset()
    alternatives: frozenset[str] = frozenset()
    since: float = 0.0
    legacy_at: float | None = None
    ends_at: float | None = None

    @property
    def arn(self) -> str:
        """Its ARN in this Region."""
        return self.arn_in(REGION)

    def arn_in(self, region: str) -> str:
        """Its ARN in a Region."""
        return f"arn:aws:bedrock:{region}::foundation-model/{self.id}"

    @property
    def status(self) -> str:
        """ACTIVE or LEGACY, by the virtual clock."""
        is_legacy = self.legacy_at is not None and clock.now() >= self.legacy_at
        return LEGACY if is_legacy else ACTIVE

    @property
    def has_ended(self) -> bool:
        """Whether its end of life has passed, by the virtual clock."""
        return self.ends_at is not None and clock.now() >= self.ends_at


@dataclass(frozen=True, slots=True)
class Profile:
    """A system-defined inference profile: one model in several Regions."""

    id: str
    name: str
    model: str
    regions: tuple[str, ...] = field(default=("us-east-1", "us-east-2", "us-west-2"))

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{self.id}"

    @property
    def destinations(self) -> tuple[str, ...]:
        """The ARNs of the models it leads to."""
        return tuple(models[self.model].arn_in(region) for region in self.regions)


def _day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


_ALL = (
    # No such model on AWS; this one takes both `temperature` and `top_p`.
    Model(
        "anthropic.claude-sonnet-4-5-20251001-v2:0",
        "Claude Sonnet 4.5",
        "Anthropic",
        200_000,
        64_000,
        since=_day("2025-10-01"),
    ),
    # On AWS it is reached through a profile alone; here on demand too.
    Model(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        "Anthropic",
        200_000,
        64_000,
        alternatives=frozenset({"temperature", "top_p"}),
        since=_day("2025-09-29"),
    ),
    Model(
        "anthropic.claude-opus-4-7",
        "Claude Opus 4.7",
        "Anthropic",
        1_000_000,
        128_000,
        reached_by=PROFILE_ONLY,
        refuses=_SAMPLING,
        since=_day("2026-04-16"),
    ),
    Model(
        "meta.llama3-8b-instruct-v1:0",
        "Llama 3 8B Instruct",
        "Meta",
        8_192,
        2_048,
        since=_day("2024-04-23"),
    ),
    # Its dates are ours, so that there is always one that is being retired.
    Model(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Claude 3 Haiku",
        "Anthropic",
        200_000,
        4_096,
        since=_day("2024-03-13"),
        legacy_at=_day("2025-09-10"),
        ends_at=_day("2099-09-10"),
    ),
    Model(
        "anthropic.claude-v2:1",
        "Claude",
        "Anthropic",
        200_000,
        4_096,
        since=_day("2023-11-29"),
        legacy_at=_day("2025-01-21"),
        ends_at=_day("2025-07-21"),
    ),
)
models = {one.id: one for one in _ALL}
"""By id."""
profiles = {
    one.id: one
    for one in (
        Profile("us.anthropic.claude-opus-4-7", "US Claude Opus 4 7", "anthropic.claude-opus-4-7"),
        Profile(
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "US Claude Sonnet 4 5",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
    )
}
"""By id."""


def find_model(named: str) -> Model | None:
    """The model with this id, or this ARN in this Region; it may have ended."""
    prefix = f"arn:aws:bedrock:{REGION}::foundation-model/"
    return models.get(named.removeprefix(prefix))


def find_profile(named: str) -> Profile | None:
    """The profile with this id or ARN."""
    prefix = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/"
    return profiles.get(named.removeprefix(prefix))


def listed() -> Iterator[Model]:
    """The models there still are."""
    return (one for one in models.values() if not one.has_ended)
