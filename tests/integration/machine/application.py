"""Lambda's and Bedrock's half of an account: one function's versions and alias, one model.

What it answers is what the service models and AWS's pages say of the calls we make. A change of the
function is under way for a while on virtual time; an alias leads elsewhere at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.builders import a_pinned
from tests.integration.lambdas import CODE, FUNCTION, LAYER
from tests.integration.machine.refusal import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.machine.clock import Clock

type Request = dict[str, Any]

UPDATE_SECONDS = 10
FIRST = "1"
"""What the stack made the alias on: it serves no release."""


@dataclass
class FakeLambda:
    """The function of the application, all that was published of it, and its alias."""

    clock: Clock
    variables: dict[str, str] = field(default_factory=dict)
    code: str = CODE
    revision: int = 1
    due: datetime | None = None
    """Until when a change of `$LATEST` is under way."""
    versions: dict[str, Request] = field(default_factory=lambda: {FIRST: _configured({})})
    main: str = FIRST
    others: dict[str, float] = field(default_factory=dict)
    alias_revision: int = 1
    shares: list[tuple[datetime, dict[str, float]]] = field(default_factory=list)
    """Since when the alias sends what share of the requests to each version."""

    def get_function_configuration(self, asked: Request) -> Request:
        """`$LATEST`, or a version."""
        number = asked["Qualifier"]
        if number == "$LATEST":
            changing = self.due is not None and self.clock.now < self.due
            status = {"LastUpdateStatus": "InProgress"} if changing else {}
            latest = {**_configured(self.variables), "CodeSha256": self.code, **status}
            return {**latest, "Version": number, "RevisionId": str(self.revision)}
        if number not in self.versions:
            raise RefusedError("ResourceNotFoundException", f"no version {number}")
        return {**self.versions[number], "Version": number, "RevisionId": number}

    def update_function_configuration(self, asked: Request) -> Request:
        """It takes a while."""
        self._guard(asked)
        self.variables = dict(asked["Environment"]["Variables"])
        self.revision += 1
        self.due = self.clock.after(UPDATE_SECONDS)
        return self.get_function_configuration({"Qualifier": "$LATEST"})

    def publish_version(self, asked: Request) -> Request:
        """Nothing is published while the newest version is the same."""
        self._guard(asked)
        if asked["CodeSha256"] != self.code:
            raise RefusedError("InvalidParameterValueException", "the code is another")
        fixed = {**_configured(self.variables), "CodeSha256": self.code}
        newest = max(self.versions, key=int)
        if self.versions[newest] != fixed:
            newest = str(int(newest) + 1)
            self.versions[newest] = fixed
            self.revision += 1
        return self.get_function_configuration({"Qualifier": newest})

    def list_versions_by_function(self, asked: Request) -> Request:
        """All of them, in one page."""
        assert asked["FunctionName"] == FUNCTION
        return {"Versions": [{**one, "Version": n} for n, one in self.versions.items()]}

    def get_alias(self, asked: Request) -> Request:
        """Where it leads."""
        assert asked["Name"] == "live"
        return {
            "Name": "live",
            "FunctionVersion": self.main,
            "RoutingConfig": {"AdditionalVersionWeights": self.others},
            "RevisionId": str(self.alias_revision),
        }

    def update_alias(self, asked: Request) -> Request:
        """At once, if it is still as it was read."""
        if asked["RevisionId"] != str(self.alias_revision):
            raise RefusedError("PreconditionFailedException", "the alias changed")
        others = asked["RoutingConfig"]["AdditionalVersionWeights"]
        if not {asked["FunctionVersion"], *others} <= self.versions.keys():
            raise RefusedError("ResourceNotFoundException", "there is no such version")
        self.main, self.others = asked["FunctionVersion"], dict(others)
        self.alias_revision += 1
        self.shares.append((self.clock.now, self.traffic()))
        return self.get_alias(asked)

    def traffic(self) -> dict[str, float]:
        """The share of the requests that each version gets."""
        return {self.main: 1.0 - sum(self.others.values()), **self.others}

    def label(self, number: str) -> str:
        """A version by the release it serves, `v2-3`; nothing, where it serves none."""
        said = self.versions.get(number, {}).get("Environment", {}).get("Variables", {})
        found = re.search(r"/v(\d+)-[^/]*/manifest\.json#", said.get("SLUICE_VERSION", ""))
        return f"v{found[1]}-{number}" if found else ""

    def _guard(self, asked: Request) -> None:
        if self.due and self.clock.now < self.due:
            raise RefusedError("ResourceConflictException", "an update is in progress")
        if asked["RevisionId"] != str(self.revision):
            raise RefusedError("PreconditionFailedException", "the function changed")


@dataclass
class FakeBedrock:
    """One model, which answers unless it is told to refuse."""

    refusing: tuple[str, str] | None = None
    """With which error, code and message, a question is refused."""
    refusals: int = 0
    """How many questions are refused; 0 and below: each."""

    def get_foundation_model(self, asked: Request) -> Request:
        """As when the config was captured."""
        pinned = a_pinned().model
        assert asked["modelIdentifier"] == pinned.id
        (arn,) = pinned.arns
        lifecycle = {"status": pinned.status}
        return {
            "modelDetails": {"modelArn": arn, "modelId": pinned.id, "modelLifecycle": lifecycle}
        }

    def converse(self, asked: Request) -> Request:
        """Yes."""
        assert asked["modelId"] == a_pinned().model.id
        if self.refusing:
            refused, self.refusals = self.refusing, self.refusals - 1
            if not self.refusals:
                self.refusing = None
            raise RefusedError(*refused)
        return {"stopReason": "end_turn"}


def _configured(variables: dict[str, str]) -> Request:
    return {
        "FunctionName": FUNCTION,
        "Environment": {"Variables": dict(variables)},
        "CodeSha256": CODE,
        "Layers": [{"Arn": LAYER}],
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }
