"""Makes the minutes of many rollouts of a scenario at once, the same on every machine.

NumPy's `RandomState` is used on purpose: its streams are frozen for good (NEP 19), those of the
newer generators may change from release to release. Each shard of a scenario has its own seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.judge.scenarios import Scenario

SHARD = 100
"""Rollouts of one seed."""
SEED = "judge-1"
type Floats = NDArray[np.float64]
type Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rollouts by minutes: what happened, and what is known of it."""

    scenario: Scenario
    n_c: Counts
    x_c: Counts
    n_s: Counts
    x_s: Counts
    known: NDArray[np.bool_]
    """Whether there is data of the canary's minute."""
    harm: Floats
    """Requests a minute that the canary spoils beyond what stable would have."""
    history: tuple[Counts, Counts]
    """n and x of stable's minutes before."""

    def doc(self, rollout: int, minutes: Sequence[int] | None = None) -> dict[str, Any]:
        """One rollout, or those of its minutes, as the judge reads it."""
        ladder = self.scenario.ladder
        minutes = list(range(ladder.minutes)) if minutes is None else minutes
        rows = zip(
            self.n_c[rollout, minutes].tolist(),
            self.x_c[rollout, minutes].tolist(),
            self.n_s[rollout, minutes].tolist(),
            self.x_s[rollout, minutes].tolist(),
            self.known[rollout, minutes].tolist(),
            np.array(ladder.steps)[minutes].tolist(),
            strict=True,
        )
        n, x = self.history
        return {
            "history": np.stack([n[rollout], x[rollout]], axis=1).tolist(),
            "minutes": [
                {
                    "n_c": n_c if known else None,
                    "x_c": x_c if known else None,
                    "n_s": n_s,
                    "x_s": x_s,
                    "step": step,
                    "weight": ladder.weights[step],
                }
                for n_c, x_c, n_s, x_s, known, step in rows
            ],
        }


def generate(scenario: Scenario, shard: int, rollouts: int = SHARD) -> Batch:
    """The rollouts of one shard."""
    seed = hashlib.sha256(f"{SEED}/{scenario.id}/{shard}".encode()).digest()
    random = np.random.RandomState(np.frombuffer(seed, dtype=">u4").astype(np.uint32))
    return _Maker(scenario, random, rollouts).batch()


class _Maker:
    """Draws in a fixed order."""

    def __init__(self, scenario: Scenario, random: np.random.RandomState, rollouts: int) -> None:
        self._scenario = scenario
        self._random = random
        self._rollouts = rollouts
        self._minutes = scenario.ladder.minutes

    def batch(self) -> Batch:
        scenario, random = self._scenario, self._random
        before = (self._rollouts, scenario.ladder.history_minutes)
        during = (self._rollouts, self._minutes)
        hist_n = random.poisson(scenario.rpm, before)
        requests = random.poisson(scenario.rpm * self._traffic(), during)
        weights = np.array(scenario.ladder.weights)[scenario.ladder.steps]
        n_c = random.binomial(requests, weights * scenario.share)
        n_s = requests - n_c
        hist_p = self._shared(np.full(before, scenario.base))
        common = self._shared(np.broadcast_to(self._base_rate(), during))
        worse = self._effect(common)
        drift = self._own_drift(before[1])
        quiet = scenario.unseen
        hist_x = self._bad(hist_n, np.minimum(hist_p * drift[0], 1), quiet=quiet)
        x_s = self._bad(n_s, np.minimum(common * drift[1], 1))
        x_c = self._bad(n_c, np.minimum(worse * drift[2], 1))
        known = random.random_sample(during) >= scenario.missing
        return Batch(scenario, n_c, x_c, n_s, x_s, known, n_c * (worse - common), (hist_n, hist_x))

    def _traffic(self) -> Floats:
        if self._scenario.traffic != "diurnal":
            return np.ones(self._minutes)
        return 1 + 0.8 * np.cos(2 * np.pi * np.arange(self._minutes) / self._minutes)

    def _base_rate(self) -> Floats:
        minute, base = np.arange(self._minutes), self._scenario.base
        outage = (minute >= 40) & (minute < 50)
        match self._scenario.drift:
            case "incident":
                return np.where(outage, base + 0.05, base)
            case "big_incident":
                return np.where(outage, 0.3, base)
            case "ramp":
                return base * np.linspace(1, 10, self._minutes)
            case "diurnal":
                return base * (1 + 0.8 * np.sin(2 * np.pi * minute / self._minutes))
            case _:
                return np.full(self._minutes, base)

    def _shared(self, rate: Floats) -> Floats:
        cv = self._scenario.common_cv
        if not cv:
            return rate
        return np.minimum(rate * self._random.gamma(1 / cv**2, cv**2, rate.shape), 1)

    def _effect(self, common: Floats) -> Floats:
        if self._scenario.effect is None:
            return common
        how, much = self._scenario.effect
        changed = {
            "x": common * much,
            "+": common + much,
            "=": np.maximum(common, much),
            "margin": common * 1.5 + much,
        }[how]
        late = np.arange(self._minutes) >= self._scenario.onset
        return np.where(late, np.minimum(changed, 1), common)

    def _own_drift(self, before: int) -> tuple[Floats | float, ...]:
        """What multiplies the rates of history, stable and canary, each drifting by itself."""
        if self._scenario.noise != "ar":
            return (1.0, 1.0, 1.0)
        stable = self._drifting(before + self._minutes)
        return stable[:, :before], stable[:, before:], self._drifting(self._minutes)

    def _drifting(self, minutes: int) -> Floats:
        rho, spread = self._scenario.kw["rho"], np.log(1 + self._scenario.kw["kappa"] ** 2)
        steps = self._random.standard_normal((minutes, self._rollouts))
        for minute in range(1, minutes):
            steps[minute] = rho * steps[minute - 1] + np.sqrt(1 - rho**2) * steps[minute]
        drifting: Floats = np.exp(np.sqrt(spread) * steps.T - spread / 2)
        return drifting

    def _bad(self, n: Counts, p: Floats, *, quiet: bool = False) -> Counts:
        kw = self._scenario.kw
        match "" if quiet else self._scenario.noise:
            case "clump":
                runs = self._random.poisson(n * p / kw["mean"])
                longer = self._random.negative_binomial(np.maximum(runs, 1), 1 / kw["mean"])
                return np.minimum(np.where(runs > 0, runs + longer, 0), n)
            case "bb":
                inside = np.clip(p, 1e-12, 1 - 1e-12)
                size = np.maximum((1 - inside) / (kw["kappa"] ** 2 * inside) - 1, 1e-3)
                own = self._random.beta(inside * size, (1 - inside) * size)
                return self._random.binomial(n, np.where(p > 0, own, 0))
            case _:
                return self._random.binomial(n, p)
