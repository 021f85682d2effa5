"""DynamoDB tables as they are described: a new table is warm for what its billing mode promises.

On demand that is 12,000 reads and 4,000 writes a second, else the capacity that is provisioned.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
"""

from typing import Any

from ministack.services import dynamodb

from localcloud import hooks

_ON_DEMAND = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}


def mount() -> None:
    """Describe tables as DynamoDB does."""
    hooks.wrap(dynamodb, "_table_description", "name")(_described)


def stop() -> None:
    """Nothing runs here."""


def _described(original: Any, name: str) -> dict[str, Any]:
    described: dict[str, Any] = original(name)
    if not described["WarmThroughput"]["ReadUnitsPerSecond"]:
        described["WarmThroughput"] |= _warm(described)
    return described


def _warm(described: dict[str, Any]) -> dict[str, int]:
    billing = described.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    if billing == "PAY_PER_REQUEST":
        return _ON_DEMAND
    provisioned = described["ProvisionedThroughput"]
    return {
        "ReadUnitsPerSecond": provisioned["ReadCapacityUnits"],
        "WriteUnitsPerSecond": provisioned["WriteCapacityUnits"],
    }
