"""Knowledge bases: their passages, the jobs that read them in, and what a question finds there.

They are made through `/_localcloud/knowledge`: nothing is crawled and nothing is embedded.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from localcloud.bedrock import authorization
from localcloud.bedrock.answering import words
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import Body
from localcloud.sagemaker.errors import ServiceError

_RESULTS = 5
_MOST = 1000
_EMBEDDER = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.titan-embed-text-v2:0"


@dataclass(slots=True)
class Source:
    """A data source: what was read of it last, and when it was read."""

    passages: list[str]
    jobs: list[float] = field(default_factory=list)
    """When each job began, the oldest first; each is COMPLETE at once."""


@dataclass(slots=True)
class Base:
    """A knowledge base and its data sources by id."""

    made: float
    sources: dict[str, Source] = field(default_factory=dict)


lock = threading.RLock()
bases: dict[str, Base] = {}
"""By id."""


def make(body: dict[str, Any] | None) -> dict[str, Any]:
    """Tell every knowledge base; with a body, a data source is read in first, and made if need be.

    Raises ValueError for ids of another form than Bedrock's.
    """
    with lock:
        if body is not None:
            for name in ("knowledge_base_id", "data_source_id"):
                if len(body[name]) != 10 or not body[name].isalnum():  # noqa: PLR2004
                    message = f"{name} is ten letters and digits, not {body[name]!r}"
                    raise ValueError(message)
            base = bases.setdefault(body["knowledge_base_id"], Base(clock.now()))
            source = base.sources.setdefault(body["data_source_id"], Source([]))
            source.passages = [str(one) for one in body["passages"]]
            source.jobs.append(clock.now())
        return {
            name: {known: len(one.passages) for known, one in base.sources.items()}
            for name, base in bases.items()
        }


def forget() -> None:
    """Forget every knowledge base."""
    with lock:
        bases.clear()


def get_base(request: Body, access_key: str) -> Body:
    """GetKnowledgeBase."""
    name = request["knowledgeBaseId"]
    with lock:
        base = _base(name, "GetKnowledgeBase", access_key)
        return {
            "knowledgeBase": {
                "knowledgeBaseId": name,
                "name": f"knowledge-{name}",
                "knowledgeBaseArn": _arn(name),
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/knowledge-{name}",
                "knowledgeBaseConfiguration": {
                    "type": "VECTOR",
                    "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": _EMBEDDER},
                },
                "status": "ACTIVE",
                "createdAt": base.made,
                "updatedAt": base.made,
            }
        }


def get_source(request: Body, access_key: str) -> Body:
    """GetDataSource."""
    name = request["dataSourceId"]
    with lock:
        base = _base(request["knowledgeBaseId"], "GetDataSource", access_key)
        _source(base, request)
        return {
            "dataSource": {
                "knowledgeBaseId": request["knowledgeBaseId"],
                "dataSourceId": name,
                "name": f"source-{name}",
                "status": "AVAILABLE",
                "dataSourceConfiguration": {
                    "type": "S3",
                    "s3Configuration": {"bucketArn": f"arn:aws:s3:::source-{name.lower()}"},
                },
                "createdAt": base.made,
                "updatedAt": base.made,
            }
        }


def list_jobs(request: Body, access_key: str) -> Body:
    """ListIngestionJobs."""
    base_id, source_id = request["knowledgeBaseId"], request["dataSourceId"]
    with lock:
        source = _source(_base(base_id, "ListIngestionJobs", access_key), request)
        found = [
            {
                "knowledgeBaseId": base_id,
                "dataSourceId": source_id,
                "ingestionJobId": _job_id(base_id, source_id, number),
                "status": "COMPLETE",
                "startedAt": began,
                "updatedAt": began,
            }
            for number, began in enumerate(source.jobs)
        ]
    for wanted in request.get("filters", []):
        found = [one for one in found if one["status"] in wanted["values"]]
    if request.get("sortBy", {}).get("order") == "DESCENDING":
        found.reverse()
    start = int(request.get("nextToken", 0))
    end = start + request.get("maxResults", _MOST)
    more = {"nextToken": str(end)} if end < len(found) else {}
    return {"ingestionJobSummaries": found[start:end], **more}


def retrieve(request: Body, access_key: str) -> Body:
    """Retrieve: the passages with most words in common with the query, the best first."""
    name = request["knowledgeBaseId"].rpartition("/")[2]
    asked = words(request["retrievalQuery"].get("text", ""))
    search = request.get("retrievalConfiguration", {}).get("vectorSearchConfiguration", {})
    with lock:
        base = _base(name, "Retrieve", access_key)
        found = [
            (len(words(text) & asked) / max(1, len(asked)), source, text)
            for source, one in base.sources.items()
            for text in one.passages
        ]
    found.sort(key=lambda one: -one[0])
    best = found[: search.get("numberOfResults", _RESULTS)]
    return {"retrievalResults": [_result(*one) for one in best]}


def _result(score: float, source: str, text: str) -> dict[str, Any]:
    named = hashlib.sha256(text.encode()).hexdigest()[:16]
    uri = f"s3://source-{source.lower()}/{named}.txt"
    return {
        "content": {"type": "TEXT", "text": text},
        "location": {"type": "S3", "s3Location": {"uri": uri}},
        "score": score,
    }


def _base(name: str, action: str, access_key: str) -> Base:
    """The knowledge base, if the caller may do this with it."""
    authorization.require(access_key, action, _arn(name))
    if name not in bases:
        raise _absent(f"Knowledge base with id {name} does not exist")
    return bases[name]


def _source(base: Base, request: Body) -> Source:
    name = request["dataSourceId"]
    if name not in base.sources:
        raise _absent(f"Data source with id {name} does not exist")
    return base.sources[name]


def _arn(name: str) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:knowledge-base/{name}"


def _job_id(base: str, source: str, number: int) -> str:
    return hashlib.sha256(f"{base}/{source}/{number}".encode()).hexdigest()[:10].upper()


def _absent(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, status=404)


ADMINISTRATION = {
    "GetKnowledgeBase": get_base,
    "GetDataSource": get_source,
    "ListIngestionJobs": list_jobs,
}
RETRIEVAL = {"Retrieve": retrieve}
