"""The assistant as a user of the account sees it: its repository, its alias, its ledger."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.commands import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

    from demo.account import Account, Entry
    from demo.aside import Aside
    from demo.commands import Shell
    from demo.patience import Patience
    from demo.questions import Asked, Length, Question
    from demo.traffic import Traffic

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "assistant"
GROUP = "bedrock"
TARGET = f"application/{GROUP}"
CONFIG = "config/bedrock-config.json"
_PLAN = {
    "rollout": {
        "steps": [50, 100],
        "bake_minutes": {"min": 2, "max": 15, "last": 2},
        "analysis": {"margin_abs": 0.2},
        "standby_minutes": 1,
    },
    "alarms": {"error_rate": 0.05, "evaluation_periods": 1, "datapoints": 1},
}
"""Short, as for the versions of the classifier."""
_SOMEBODY = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
_RELEASE = re.compile(r"/v(\d+)-[0-9a-f]+/")
_WHOLE = 100.0


class Repository:
    """A copy of the example system, in Git."""

    def __init__(self, folder: Path, shell: Shell) -> None:
        self.folder = folder
        self._shell = shell

    def begin(self) -> None:
        """Copy the example and make it a repository."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(EXAMPLE, self.folder)
        self.configure(**_PLAN)
        self._shell.run("git", "init", "--quiet", "--initial-branch=main")

    def configure(self, **changes: Any) -> None:
        """Change fields of the config."""
        path = self.folder / CONFIG
        config = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps(config, indent=2) + "\n")

    def write(self, name: str, text: str) -> None:
        """Write a prompt."""
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        """A prompt as it lies there."""
        return (self.folder / name).read_text()

    def commit(self, why: str) -> str:
        """Commit everything; the commit."""
        self._shell.run("git", "add", "--all")
        self._shell.run("git", *_SOMEBODY, "commit", "--quiet", "--message", why)
        return self._shell.run("git", "rev-parse", "HEAD").strip()

    def evaluate(self) -> dict[str, Any]:
        """Have the example's own script evaluate the commit; its results."""
        self._shell.run(sys.executable, "evaluation/evaluate.py")
        results: dict[str, Any] = json.loads(self.read("evaluation-results.json"))
        return results

    def restate(self, commit: str) -> None:
        """Write the results there are as those of another commit, as a careless build might."""
        results = {**json.loads(self.read("evaluation-results.json"))}
        results["prompt_template_version"] = commit
        self.write("evaluation-results.json", json.dumps(results))

    def push(self) -> tuple[int, str]:
        """`sluice push`, until it is registered or refused; the exit code, and what it said."""
        waiting = ("--wait", "registered", "--every", "0.5", "--timeout", "2")
        try:
            return 0, self._shell.run("sluice", "push", CONFIG, *waiting)
        except CommandError as error:
            return error.code, error.said


class Alias:
    """The alias `live`, and which release each version that it leads to serves."""

    def __init__(self, client: LambdaClient, arn: str) -> None:
        self._client = client
        self._function, _, self._name = arn.rpartition(":")

    def shares(self) -> dict[int, float]:
        """The percentage that each release gets, by its number; those with none left out."""
        found = self._client.get_alias(FunctionName=self._function, Name=self._name)
        routing = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        weights = {found["FunctionVersion"]: 1 - sum(routing.values()), **routing}
        shares = {self._release(version): weight for version, weight in weights.items() if weight}
        return {n: round(weight * _WHOLE, 1) for n, weight in sorted(shares.items())}

    def _release(self, version: str) -> int:
        """The release that a published version serves; 0 for the one that serves none."""
        told = self._client.get_function_configuration(
            FunctionName=self._function, Qualifier=version
        )
        variables = told.get("Environment", {}).get("Variables", {})
        found = _RELEASE.search(variables.get("SLUICE_VERSION", ""))
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Scene:
    """The cast of what happens beside the story."""

    narrator: Aside
    shell: Shell
    account: Account
    repository: Repository
    alias: Alias
    users: Traffic[Length, Question, Asked]
    patience: Patience

    def entries(self) -> int:
        """How many entries the ledger's history has; what comes later has a greater number."""
        return len(self.account.history(TARGET))

    def event(self, event: str, version: int, *, after: int) -> Callable[[], Entry | None]:
        """A probe for the first entry beyond `after` that says `event` of `version`."""

        def probe() -> Entry | None:
            later = (one for one in self.account.history(TARGET) if one.n > after)
            return next((e for e in later if (e.event, e.version) == (event, version)), None)

        return probe
