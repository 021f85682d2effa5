"""What a rollout can show before it begins: how long proof takes, and what would stay unseen.

Expected log evidence grows in proportion to requests; the figures are what half of all rollouts
need, about, not bounds.
"""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING, Any

from sluice.domain.judge.checks import an_object, is_number, must, positive
from sluice.domain.judge.design_effect import PRIOR
from sluice.domain.judge.mixture import first_stake
from sluice.domain.judge.promote import growth, needed
from sluice.domain.judge.rollback import SHARES, likelihood_bets
from sluice.domain.judge.settings import read_config, read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.judge.settings import Config, Policy

_KNOWN = ("config", "policy", "requests_per_minute", "weights", "rate", "phi")
_HALVINGS = 40


def forecast(doc: Mapping[str, Any]) -> dict[str, Any]:
    """What to expect of a service's rollout; `docs/judge.md` describes document and answer.

    For each step: canary requests a minute, requests and minutes until a canary that is as good as
    stable has proven itself, and the least bad rate that is found within the step's longest bake;
    None where no time would do. Then warnings, in words. Raises `JudgeDocumentError`.
    """
    must(isinstance(doc, dict), "the document must be an object")
    an_object(doc, "the document", _KNOWN)
    config, policy = read_config(doc.get("config")), read_policy(doc.get("policy"))
    requests = positive(doc.get("requests_per_minute"), "requests_per_minute")
    phi = positive(doc.get("phi", PRIOR), "phi")
    rate: Any = doc.get("rate")
    if not is_number(rate) or not 0 <= rate < 1:
        must(False, f"rate is {rate!r}: give stable's bad rate, from 0 to less than 1")
    must(phi >= 1, f"phi is {phi}: give 1 or more")
    weights: Any = doc.get("weights")
    fine = isinstance(weights, list) and weights and all(map(_is_share, weights))
    must(fine, "weights must be the canary's share of each step, between 0 and 1")
    service = _Service(requests, rate, phi, config, policy)
    steps = [service.step(index, weight) for index, weight in enumerate(weights)]
    return {"steps": steps, "warnings": service.warnings(steps[policy.last_step :] or steps[-1:])}


class _Service:
    """A service's traffic and bad rate, and how its canaries are judged."""

    def __init__(
        self, requests: float, rate: float, phi: float, config: Config, policy: Policy
    ) -> None:
        self._requests, self._rate, self._phi = requests, rate, phi
        self._config, self._policy = config, policy

    def step(self, index: int, weight: float) -> dict[str, Any]:
        n_c = self._requests * weight
        share = weight / (1 - weight)
        worth = growth(self._rate, share, self._phi, self._config)
        proof = ceil(needed(self._config) / worth) if worth > 0 else None
        longest = self._policy.longest(index)
        least = self._least_found(n_c, longest, first_stake(new_rollout=index == 0))
        return {
            "step": index,
            "weight": weight,
            "canary_requests_per_minute": n_c,
            "longest_minutes": longest,
            "requests_to_promote": proof,
            "minutes_to_promote": (
                None if proof is None else max(self._policy.min_bake, ceil(proof / n_c))
            ),
            "least_rate_found": least,
        }

    def warnings(self, last: list[dict[str, Any]]) -> list[str]:
        """What can never be decided, of the steps that pass on evidence only.

        For people: steps are counted from 1, and names are those of `rollout` in `config.json`.
        """
        return [line for step in last for line in self._warnings(step)]

    def _warnings(self, step: dict[str, Any]) -> list[str]:
        name = f"step {step['step'] + 1} ({100 * step['weight']:g} %)"
        lines = []
        minutes, longest = step["minutes_to_promote"], step["longest_minutes"]
        if minutes is None:
            lines.append(
                f"{name} never passes on evidence: the margin is too small for a bad rate of "
                f"{100 * self._rate:g} %; raise analysis.margin_abs or margin_ratio"
            )
        elif minutes > longest:
            lines.append(
                f"{name} will be held: proof needs about {step['requests_to_promote']:,} canary "
                f"requests, {minutes:,} minutes of this traffic, and it bakes {longest} at most; "
                "raise bake_minutes.last, the step's weight or analysis.margin_abs"
            )
        if step["least_rate_found"] is None:
            lines.append(
                f"{name} finds no regression in {longest} minutes, not even a canary that answers "
                "nothing: there is too little traffic"
            )
        elif step["least_rate_found"] > self._materially_worse():
            lines.append(
                f"{name} finds bad rates from about {100 * step['least_rate_found']:.2g} % on in "
                f"{longest} minutes; between {100 * self._materially_worse():.2g} % and that, a "
                "canary is neither rolled back nor proven, and is held"
            )
        return lines

    def _materially_worse(self) -> float:
        return self._config.margin_ratio * self._rate + self._config.margin_abs

    def _least_found(self, n_c: float, minutes: int, stake: float) -> float | None:
        """By halving: the more is bad, the sooner it is found."""
        wanted = self._config.rollback_threshold - log(stake * SHARES[0])
        low, high = self._rate, 1.0
        if self._won(n_c, high, minutes) < wanted:
            return None
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._won(n_c, middle, minutes) < wanted:
                low = middle
            else:
                high = middle
        return high

    def _won(self, n_c: float, rate: float, minutes: int) -> float:
        """The best bet's log evidence after some minutes, on average."""
        n_s = self._requests - n_c
        minute = (n_c, rate * n_c, n_s, self._rate * n_s)
        return minutes * max(likelihood_bets(minute, self._phi, self._config))


def _is_share(weight: Any) -> bool:
    return is_number(weight) and 0 < weight < 1
