"""Bedrock's knowledge bases: which they are, and when a source was last read into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_bedrock_agent import AgentsforBedrockClient

_UNKNOWN = frozenset({"ResourceNotFoundException", "ValidationException"})


class SourceNotFoundError(Exception):
    """There is no such knowledge base, or no such data source in it."""


@dataclass(frozen=True, slots=True)
class IngestionJob:
    """One run that read a data source into its knowledge base."""

    id: str
    started_at: datetime


class KnowledgeBases:
    """The knowledge bases of this account and Region.

    `client` makes the client: only when a configuration names a knowledge base.
    """

    def __init__(self, client: Callable[[], AgentsforBedrockClient]) -> None:
        self._client = client

    def arn(self, knowledge_base_id: str) -> str:
        """The knowledge base's ARN. Raises SourceNotFoundError when there is none."""
        try:
            found = self._client().get_knowledge_base(knowledgeBaseId=knowledge_base_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                message = f"knowledge_base_id: there is no knowledge base {knowledge_base_id}"
                raise SourceNotFoundError(message) from error
            raise
        return str(found["knowledgeBase"]["knowledgeBaseArn"])

    def last_ingestion(self, knowledge_base_id: str, data_source_id: str) -> IngestionJob | None:
        """The last job that is COMPLETE. Raises SourceNotFoundError for no such data source."""
        try:
            found = self._client().list_ingestion_jobs(
                knowledgeBaseId=knowledge_base_id,
                dataSourceId=data_source_id,
                filters=[{"attribute": "STATUS", "operator": "EQ", "values": ["COMPLETE"]}],
                sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"},
                maxResults=1,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                message = (
                    f"data_source_id: knowledge base {knowledge_base_id} has no data source "
                    f"{data_source_id}"
                )
                raise SourceNotFoundError(message) from error
            raise
        jobs = found["ingestionJobSummaries"]
        return IngestionJob(jobs[0]["ingestionJobId"], jobs[0]["startedAt"]) if jobs else None
