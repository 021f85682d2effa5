"""Knowledge bases: what they are, when a source was read last, and what a question finds there.

AWS: bedrock/latest/userguide/kb-test-retrieve.html
AWS: service-authorization/latest/reference/list_amazonbedrock.html
Model: bedrock-agent.GetKnowledgeBase
Model: bedrock-agent.GetDataSource
Model: bedrock-agent.ListIngestionJobs
Model: bedrock-agent-runtime.Retrieve
Ours: passages are found by the words they share with the question, not by embeddings
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World, allow

if TYPE_CHECKING:
    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

PASSAGES = ["The office opens at nine.", "Parcels are kept for ten days.", "Parcels are brown."]


class Knowledge:
    """One knowledge base with one data source."""

    def __init__(self, cloud: LocalCloud, unique: str) -> None:
        digest = hashlib.sha256(unique.encode()).hexdigest().upper()
        self.cloud, self.base, self.source = cloud, digest[:10], digest[10:20]

    def read(self, *passages: str) -> None:
        """Read passages in, in place of those before."""
        body = {"knowledge_base_id": self.base, "data_source_id": self.source}
        self.cloud.control("knowledge", {**body, "passages": list(passages)})

    @property
    def named(self) -> dict[str, str]:
        """How a request names the data source."""
        return {"knowledgeBaseId": self.base, "dataSourceId": self.source}


@pytest.fixture
def knowledge(cloud: LocalCloud, unique: str) -> Knowledge:
    made = Knowledge(cloud, unique)
    made.read(*PASSAGES)
    return made


def found(client: Any, base: str, text: str, **search: int) -> list[str]:
    """The passages that a question finds, the best first."""
    results = client.retrieve(
        knowledgeBaseId=base,
        retrievalQuery={"text": text},
        retrievalConfiguration={"vectorSearchConfiguration": search},
    )["retrievalResults"]
    scores = [one["score"] for one in results]
    assert scores == sorted(scores, reverse=True)
    return [one["content"]["text"] for one in results]


def test_the_passages_that_share_most_words_come_first(
    client: Clients, knowledge: Knowledge
) -> None:
    runtime = client("bedrock-agent-runtime")
    asked = "How long are parcels kept?"
    assert found(runtime, knowledge.base, asked) == [PASSAGES[1], PASSAGES[2], PASSAGES[0]]
    assert found(runtime, knowledge.base, asked, numberOfResults=1) == [PASSAGES[1]]


def test_what_is_read_in_again_replaces_what_was_there_and_is_another_job(
    client: Clients, knowledge: Knowledge
) -> None:
    """An ingestion changes the one index there is."""
    agent = client("bedrock-agent")
    asked = {"attribute": "STATUS", "operator": "EQ", "values": ["COMPLETE"]}
    (first,) = agent.list_ingestion_jobs(**knowledge.named, filters=[asked])[
        "ingestionJobSummaries"
    ]
    knowledge.read("Parcels are burnt.")

    newest = agent.list_ingestion_jobs(
        **knowledge.named,
        filters=[asked],
        sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"},
        maxResults=1,
    )
    (last,) = newest["ingestionJobSummaries"]
    assert last["ingestionJobId"] != first["ingestionJobId"]
    assert last["startedAt"] > first["startedAt"]
    assert newest["nextToken"]
    failed = [{**asked, "values": ["FAILED"]}]
    listed = agent.list_ingestion_jobs(**knowledge.named, filters=failed)
    assert not listed["ingestionJobSummaries"]
    runtime = client("bedrock-agent-runtime")
    assert found(runtime, knowledge.base, "parcels") == ["Parcels are burnt."]


def test_a_base_and_its_source_are_described(client: Clients, knowledge: Knowledge) -> None:
    agent = client("bedrock-agent")
    base = agent.get_knowledge_base(knowledgeBaseId=knowledge.base)["knowledgeBase"]
    assert base["knowledgeBaseArn"].endswith(f":knowledge-base/{knowledge.base}")
    assert base["status"] == "ACTIVE"
    source = agent.get_data_source(**knowledge.named)["dataSource"]
    assert source["status"] == "AVAILABLE"


def test_what_is_not_there_is_not_found(client: Clients, knowledge: Knowledge) -> None:
    agent, runtime = client("bedrock-agent"), client("bedrock-agent-runtime")
    for ask in (
        lambda: agent.get_knowledge_base(knowledgeBaseId="NOTTHERE01"),
        lambda: agent.get_data_source(**{**knowledge.named, "dataSourceId": "NOTTHERE01"}),
        lambda: agent.list_ingestion_jobs(**{**knowledge.named, "dataSourceId": "NOTTHERE01"}),
        lambda: found(runtime, "NOTTHERE01", "a"),
    ):
        with pytest.raises(ClientError) as error:
            ask()
        assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_iam_is_asked_for_the_knowledge_base(
    client: Clients, unique: str, knowledge: Knowledge
) -> None:
    world = World(client, unique)
    arn = f"arn:aws:bedrock:us-east-1:123456789012:knowledge-base/{knowledge.base}"
    role = world.role(allow(["bedrock:Retrieve", "bedrock:ListIngestionJobs"], arn))
    agent = world.as_role(role, "bedrock-agent")
    assert agent.list_ingestion_jobs(**knowledge.named)["ingestionJobSummaries"]
    assert found(world.as_role(role, "bedrock-agent-runtime"), knowledge.base, "parcels")
    for refused in (
        lambda: agent.get_knowledge_base(knowledgeBaseId=knowledge.base),
        lambda: agent.get_data_source(**knowledge.named),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
