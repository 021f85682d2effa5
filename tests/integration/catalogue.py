"""Bedrock's catalogue and knowledge bases, which moto does not know: answered in their place.

Every answer is held against the shape that botocore's model declares for it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.validate import ParamValidator

from tests.builders import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

MODEL_ID = "anthropic.claude-sonnet-4-5-20251001-v2:0"
KNOWLEDGE_BASE, DATA_SOURCE = "KB12345678", "DS12345678"
INGESTED = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


class _NoBody:
    def stream(self) -> list[bytes]:
        return []


class Catalogue:
    """The models, profiles and knowledge bases there are; keeps which operations were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.models: dict[str, dict[str, Any]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.jobs: dict[tuple[str, str], list[tuple[str, str, datetime]]] = {}
        """By knowledge base and data source: id, status and beginning of ingestion jobs."""
        self.refusing = ""
        """An error code with which every call is answered."""
        self.down: set[str] = set()
        """Operations that are not available."""
        self.probed: list[Any] = []
        """Every Converse, as it was asked."""
        self.refuses: dict[str, tuple[str, str]] = {}
        """With which error, code and message, Bedrock answers whoever asks a model."""
        self.has_model(MODEL_ID)
        self._answer: dict[str, Callable[[list[str], Any], Any]] = {
            "GetFoundationModel": lambda path, _: self._found(self.models, path[1], "modelDetails"),
            "GetInferenceProfile": lambda path, _: self._found(self.profiles, path[1]),
            "ListFoundationModels": lambda *_: {"modelSummaries": list(self.models.values())},
            "GetKnowledgeBase": lambda path, _: self._base(path[1]),
            "Converse": lambda path, body: self._converse(path[1], json.loads(body)),
            "ListIngestionJobs": lambda path, body: self._jobs(path[1], path[3], body),
        }
        real = Endpoint._do_get_response

        def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
            if model.name not in self._answer:
                return real(endpoint, request, model, context)
            status, body = self._response(request, model)
            meta = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}
            raw = AWSResponse("https://catalogue.example", status, {}, _NoBody())
            return (raw, {**body, **meta}), None

        monkeypatch.setattr(Endpoint, "_do_get_response", answer)

    def holds(self) -> tuple[Any, ...]:
        """All that decides an answer."""
        return self.models, self.profiles, self.jobs, self.refusing, self.down, self.refuses

    def has_model(self, model_id: str, *, answers_to: str = "", **lifecycle: Any) -> None:
        """The catalogue knows a model; by another name, if it answers to one."""
        self.models[answers_to or model_id] = {
            "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{model_id}",
            "modelId": model_id,
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": {"status": "ACTIVE", **lifecycle},
        }

    def has_profile(self, profile_id: str, *models: str) -> None:
        """The catalogue knows an inference profile that leads to `models`, given as Region/id."""
        kind, account = "inference-profile", ACCOUNT
        arns = [one.split("/") for one in models]
        self.profiles[profile_id] = {
            "inferenceProfileName": "a profile",
            "inferenceProfileArn": f"arn:aws:bedrock:{REGION}:{account}:{kind}/{profile_id}",
            "inferenceProfileId": profile_id,
            "models": [
                {"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}"}
                for region, model in arns
            ],
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }

    def has_knowledge(self, *jobs: tuple[str, str, datetime]) -> None:
        """There is a knowledge base with a data source that these jobs read."""
        self.jobs[KNOWLEDGE_BASE, DATA_SOURCE] = list(jobs)

    def _response(self, request: Any, model: Any) -> tuple[int, dict[str, Any]]:
        self.asked.append(model.name)
        if self.refusing:
            return 400, {"Error": {"Code": self.refusing, "Message": "refused by the test"}}
        if model.name in self.down:
            return 400, {"Error": {"Code": "AccessDeniedException", "Message": "down"}}
        path = [unquote(part) for part in urlsplit(request.url).path.strip("/").split("/")]
        if model.name == "Converse" and path[1] in self.refuses:
            code, message = self.refuses[path[1]]
            return 400, {"Error": {"Code": code, "Message": message}}
        found = self._answer[model.name](path, request.body)
        if found is None:
            error = {"Code": "ResourceNotFoundException", "Message": "there is no such thing"}
            return 404, {"Error": error}
        complaints = ParamValidator().validate(found, model.output_shape)
        assert not complaints.has_errors(), complaints.generate_report()
        return 200, found

    @staticmethod
    def _found(known: dict[str, Any], name: str, member: str = "") -> Any:
        by_arn = {
            one.get("modelArn") or one.get("inferenceProfileArn"): one for one in known.values()
        }
        found = known.get(name) or by_arn.get(name)
        return {member: found} if found and member else found

    def _converse(self, model: str, asked: Any) -> Any:
        self.probed.append({"modelId": model, **asked})
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": "yes"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 9, "outputTokens": 1, "totalTokens": 10},
            "metrics": {"latencyMs": 300},
        }

    def _base(self, name: str) -> Any:
        if name not in {base for base, _ in self.jobs}:
            return None
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:knowledge-base/{name}"
        return {
            "knowledgeBase": {
                "knowledgeBaseId": name,
                "name": "manuals",
                "knowledgeBaseArn": arn,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/manuals",
                "knowledgeBaseConfiguration": {"type": "VECTOR"},
                "status": "ACTIVE",
                "createdAt": INGESTED,
                "updatedAt": INGESTED,
            }
        }

    def _jobs(self, base: str, source: str, body: Any) -> Any:
        if (base, source) not in self.jobs:
            return None
        asked = json.loads(body)
        (wanted,) = asked["filters"]
        assert (wanted["attribute"], wanted["operator"]) == ("STATUS", "EQ")
        assert asked["sortBy"] == {"attribute": "STARTED_AT", "order": "DESCENDING"}
        found = [
            {
                "knowledgeBaseId": base,
                "dataSourceId": source,
                "ingestionJobId": job,
                "status": status,
                "startedAt": at,
                "updatedAt": at,
            }
            for job, status, at in sorted(self.jobs[base, source], key=lambda one: one[2])
            if status in wanted["values"]
        ]
        return {"ingestionJobSummaries": found[::-1][: asked["maxResults"]]}
