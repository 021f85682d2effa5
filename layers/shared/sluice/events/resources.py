"""What CloudFormation asks of the function behind a custom resource."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Wish(StrEnum):
    """`RequestType`."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class _Properties(BaseModel):
    function: str = Field(alias="FunctionName")


class AliasWanted(BaseModel):
    """A stack wants the alias of a function to be there, or lets go of it."""

    model_config = ConfigDict(frozen=True)

    wish: Wish = Field(alias="RequestType")
    response_url: str = Field(alias="ResponseURL")
    """Signed for whoever holds it: never to be logged."""
    stack: str = Field(alias="StackId")
    request: str = Field(alias="RequestId")
    resource: str = Field(alias="LogicalResourceId")
    properties: _Properties = Field(alias="ResourceProperties")

    @property
    def function(self) -> str:
        """The function's name."""
        return self.properties.function


def parse_alias_wanted(event: Any) -> AliasWanted:
    """The request that `event` is. Raises ValidationError for anything else."""
    return AliasWanted.model_validate(event)
