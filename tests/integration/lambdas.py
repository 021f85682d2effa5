"""Lambda's versions and alias of one function, which moto guards by no revision: played here.

Revisions, refusals and what publishes nothing are as the API's documentation says.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

FUNCTION = "sluice-serve"
APPLICATIONS = ("assistant", "support", "search", "churn")
"""All that it answers for in these tests; nobody should have it so."""
LATEST = "$LATEST"
CODE = "Zm91bmQgaW4gdGhlIHN0YWNr"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:sluice:3"


class RefusedError(Exception):
    """Lambda answers with an error of this code."""


class _NoBody:
    def stream(self) -> list[bytes]:
        return []


class Lambdas:
    """One function: its versions by number, its alias `live`, and what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._revision = 0
        self.latest = self._configured(Variables={"LOG": "INFO"})
        """What can be changed, and the next version is published of."""
        self.versions: dict[str, dict[str, Any]] = {
            "1": self._configured(Variables={"LOG": "INFO"})
        }
        """The first one is what the stack made the alias on."""
        self.slow = 0
        """How many reads find a change under way still."""
        self.fails = ""
        """Why what is published cannot be made ready."""
        self.answers: dict[str, Any] = {}
        """What a version answers; an exception's name, if it raises."""
        self.alias: dict[str, Any] | None = None
        self.before: dict[str, Callable[[], None]] = {}
        """What somebody else does just before an operation is carried out, once."""
        self.lose: set[str] = set()
        """Operations whose next answer is lost on the way: the SDK asks again."""
        self.leads_to(1)
        self._operations: dict[str, Callable[..., Any]] = {
            "GetAlias": self._get_alias,
            "CreateAlias": self._create_alias,
            "UpdateAlias": self._update_alias,
            "GetFunctionConfiguration": self._get_configuration,
            "ListVersionsByFunction": self._list_versions,
            "UpdateFunctionConfiguration": self._configure,
            "PublishVersion": self._publish,
            "Invoke": self._invoke,
        }
        self._play(monkeypatch)

    def _play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = Endpoint._do_get_response

        def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
            if model.name not in self._operations or FUNCTION not in request.url:
                return real(endpoint, request, model, context)
            query = {key: one for key, (one,) in parse_qs(urlsplit(request.url).query).items()}
            status, body = self._answer(model.name, {**query, **json.loads(request.body or "{}")})
            meta = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}
            raw = AWSResponse("https://lambda.example", status, {}, _NoBody())
            return (raw, {**body, **meta}), None

        monkeypatch.setattr(Endpoint, "_do_get_response", answer)

    def holds(self) -> tuple[Any, ...]:
        """All that decides an answer."""
        return self.latest, self.versions, self.alias, self.slow, self.fails, self.lose

    def publishes(self, number: int, release: str) -> None:
        """There is a version that serves this release."""
        self.versions[str(number)] = self._configured(Variables={"SLUICE_VERSION": release})

    def leads_to(self, main: int, **others: float) -> None:
        """The alias leads to `main`, and to `v7=0.25` with that share."""
        weights = {name.removeprefix("v"): weight for name, weight in others.items()}
        self.alias = {
            "Name": "live",
            "FunctionVersion": str(main),
            "RoutingConfig": {"AdditionalVersionWeights": weights},
            "RevisionId": self._next(),
        }

    def traffic(self) -> dict[str, float]:
        """Which version gets what share of the requests, in percent."""
        assert self.alias
        others = self.alias["RoutingConfig"]["AdditionalVersionWeights"]
        shares = {version: round(100 * share) for version, share in others.items()}
        return {self.alias["FunctionVersion"]: 100 - sum(shares.values()), **shares}

    def deploys(self, code: str = "", *, layer: str = "", **variables: str) -> None:
        """A stack update: the environment is replaced, the code and the layer where given."""
        changes = {
            "CodeSha256": code,
            "Layers": [{"Arn": layer}] if layer else [],
            "Environment": {"Variables": variables} if variables else {},
        }
        self.latest = {**self.latest, **{name: one for name, one in changes.items() if one}}

    def calls(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(one == operation for one, _ in self.asked)

    def updates(self) -> list[Any]:
        """Every UpdateAlias, in order."""
        return [asked for operation, asked in self.asked if operation == "UpdateAlias"]

    def _answer(self, operation: str, asked: Any) -> tuple[int, Any]:
        self.asked.append((operation, asked))
        self.before.pop(operation, lambda: None)()
        try:
            status, body = 200, self._operations[operation](asked)
        except RefusedError as error:
            status, body = 400, {"Error": {"Code": str(error), "Message": f"{error} of Lambda"}}
        if operation in self.lose:
            self.lose.remove(operation)
            return 500, {"Error": {"Code": "ServiceException", "Message": "lost"}}
        return status, body

    def _configured(self, **environment: Any) -> dict[str, Any]:
        return {
            "FunctionName": FUNCTION,
            "Environment": environment,
            "CodeSha256": CODE,
            "Layers": [{"Arn": LAYER}],
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }

    def _next(self) -> str:
        self._revision += 1
        return f"revision-{self._revision}"

    def _get_alias(self, _: Any) -> Any:
        if self.alias is None:
            raise RefusedError("ResourceNotFoundException")
        return self.alias

    def _create_alias(self, asked: Any) -> Any:
        if self.alias is not None:
            raise RefusedError("ResourceConflictException")
        if asked["FunctionVersion"] not in self.versions:
            raise RefusedError("ResourceNotFoundException")
        self.leads_to(int(asked["FunctionVersion"]))
        return self.alias

    def _update_alias(self, asked: Any) -> Any:
        alias = self._get_alias(asked)
        if asked.get("RevisionId", alias["RevisionId"]) != alias["RevisionId"]:
            raise RefusedError("PreconditionFailedException")
        others = asked["RoutingConfig"]["AdditionalVersionWeights"]
        if not {asked["FunctionVersion"], *others} <= self.versions.keys():
            raise RefusedError("ResourceNotFoundException")
        if len(others) > 1 or asked["FunctionVersion"] in others:
            raise RefusedError("InvalidParameterValueException")
        changed = {name: asked[name] for name in ("FunctionVersion", "RoutingConfig")}
        self.alias = {**alias, **changed, "RevisionId": self._next()}
        return self.alias

    def _get_configuration(self, asked: Any) -> Any:
        if asked.get("Qualifier", LATEST) == LATEST:
            changing = {"LastUpdateStatus": "InProgress"} if self.slow else {}
            self.slow -= bool(self.slow)
            revision = {"RevisionId": self._revision_of_latest()}
            return {**self.latest, "Version": LATEST, **revision, **changing}
        if asked["Qualifier"] not in self.versions:
            raise RefusedError("ResourceNotFoundException")
        return {**self.versions[asked["Qualifier"]], "Version": asked["Qualifier"]}

    def _list_versions(self, asked: Any) -> Any:
        """One a page: who forgets the pages finds the first version alone."""
        every = [LATEST, *self.versions]
        at = int(asked.get("Marker", 0))
        page = {**self.versions.get(every[at], self.latest), "Version": every[at]}
        more = {"NextMarker": str(at + 1)} if at + 1 < len(every) else {}
        return {"Versions": [page], **more}

    def _configure(self, asked: Any) -> Any:
        self._guard(asked)
        self.latest = {**self.latest, "Environment": asked["Environment"]}
        return self.latest

    def _publish(self, asked: Any) -> Any:
        """Nothing is published while the last version is the same."""
        self._guard(asked)
        if asked.get("CodeSha256", CODE) != self.latest["CodeSha256"]:
            raise RefusedError("InvalidParameterValueException")
        last = max(map(int, self.versions), default=0)
        if not last or self.versions[str(last)] != self.latest:
            last += 1
            self.versions[str(last)] = self.latest
        broken = {"State": "Failed", "StateReason": self.fails} if self.fails else {}
        return {**self.latest, "Version": str(last), **broken}

    def _revision_of_latest(self) -> str:
        return json.dumps(self.latest)

    def _guard(self, asked: Any) -> None:
        if self.slow:
            raise RefusedError("ResourceConflictException")
        revision = self._revision_of_latest()
        if asked.get("RevisionId", revision) != revision:
            raise RefusedError("PreconditionFailedException")

    def _invoke(self, asked: Any) -> Any:
        version = asked["Qualifier"]
        if version not in self.versions:
            raise RefusedError("ResourceNotFoundException")
        said = self.answers.get(version, {"answer": "yes"})
        error = {"FunctionError": "Unhandled"} if "errorType" in said else {}
        return {
            "ExecutedVersion": version,
            "Payload": io.BytesIO(json.dumps(said).encode()),
            **error,
        }
