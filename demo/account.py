"""What a user can see of the account: the registry, the endpoint, the ledger and the alarms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from botocore.exceptions import ClientError

from demo.cloud import STACK
from demo.counting import version_of
from demo.packing import ENDPOINT, GROUP
from demo.traffic import NO_RETRIES

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_FEW_RETRIES = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=20)
NOWHERE = "NoEndpoint"
_WHOLE = 100.0


@dataclass(frozen=True, slots=True)
class Registered:
    """A model package as the registry describes it."""

    version: int
    arn: str
    status: str
    description: str
    """`ApprovalDescription`: why it was approved or rejected."""
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sight:
    """The endpoint at one moment."""

    status: str
    shares: tuple[tuple[str, float], ...] = ()
    """Each variant's current percentage of the traffic, by name."""

    @property
    def in_service(self) -> bool:
        """Whether it serves and nothing is being changed."""
        return self.status == "InService"

    def share(self, version: int) -> float | None:
        """The percentage that a version gets; None when it is not on the endpoint."""
        return next((share for name, share in self.shares if version_of(name) == version), None)

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {share:g} %" for name, share in self.shares)
        return f"{self.status}: {shares}" if shares else self.status


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger's history of the endpoint."""

    n: int
    at: datetime
    event: str
    version: int | None
    """The version the event is about."""
    live: int | None
    """The version that served after it."""
    reason: str

    def __str__(self) -> str:
        about = f" v{self.version}" if self.version else ""
        return f"{self.n} {self.at:%H:%M:%S} {self.event}{about}: {self.reason}"


class Account:
    """Reads the account through boto3; the stack's outputs say where things are."""

    def __init__(self) -> None:
        session = boto3.Session()
        self._sagemaker = session.client("sagemaker", config=_FEW_RETRIES)
        self._cloudwatch = session.client("cloudwatch", config=_FEW_RETRIES)
        self._ledger = session.resource("dynamodb", config=_FEW_RETRIES)
        self.s3 = session.client("s3", config=_FEW_RETRIES)
        self.runtime: SageMakerRuntimeClient = session.client(
            "sagemaker-runtime", config=NO_RETRIES
        )
        self._logs: Any = session.client("logs", config=_FEW_RETRIES)
        self._states: Any = session.client("stepfunctions", config=_FEW_RETRIES)
        self._events = session.client("events", config=_FEW_RETRIES)
        self._stack = session.client("cloudformation")
        stacks = self._stack.describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}

    def physical(self, logical_id: str) -> str:
        """The physical id of one of the stack's resources."""
        found = self._stack.describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def running_execution(self) -> str:
        """The ARN of the endpoint's execution that runs. Raises IndexError if none does."""
        return str(self._executions(statusFilter="RUNNING")[0]["executionArn"])

    def stop_execution(self, arn: str, *, cause: str) -> None:
        """End an execution; nothing of it runs after that."""
        self._states.stop_execution(executionArn=arn, cause=cause)

    def set_rule(self, name: str, *, enabled: bool) -> None:
        """Let a rule deliver, or not."""
        if enabled:
            self._events.enable_rule(Name=name)
        else:
            self._events.disable_rule(Name=name)

    def executions(self) -> list[str]:
        """How the endpoint's executions stand that have ended, newest first."""
        return [str(one["status"]) for one in self._executions() if one["status"] != "RUNNING"]

    def registered(self, version: int, *, group: str = GROUP) -> Registered | None:
        """The registry's package of a version, or None while there is none."""
        try:
            listed = self._sagemaker.list_model_packages(ModelPackageGroupName=group)
        except ClientError:
            return None
        for summary in listed["ModelPackageSummaryList"]:
            if summary.get("ModelPackageVersion") == version:
                return self._described(version, summary["ModelPackageArn"])
        return None

    def endpoint(self) -> Sight:
        """The endpoint as `describe-endpoint` shows it now."""
        try:
            seen = self._sagemaker.describe_endpoint(EndpointName=ENDPOINT)
        except ClientError:
            return Sight(NOWHERE)
        variants = seen.get("ProductionVariants", [])
        weights = [(v["VariantName"], v.get("CurrentWeight", 0.0)) for v in variants]
        total = sum(weight for _, weight in weights) or 1.0
        shares = tuple((name, round(weight / total * _WHOLE, 1)) for name, weight in weights)
        return Sight(seen["EndpointStatus"], shares)

    def history(self, target: str = f"endpoint/{ENDPOINT}") -> list[Entry]:
        """What the ledger remembers of the endpoint, or of another target, oldest first."""
        table = self._ledger.Table(self.outputs["LedgerTableName"])
        found = table.query(
            KeyConditionExpression=Key("pk").eq(f"TARGET#{target}")
            & Key("sk").begins_with("HISTORY#"),
            ConsistentRead=True,
        )
        return [_entry(item) for item in found["Items"]]

    def alarms_raised(self, version: int) -> list[str]:
        """The alarms on a version's variants that ever went into ALARM, by name."""
        updates = self._cloudwatch.describe_alarm_history(HistoryItemType="StateUpdate")
        named = f"sluice-{ENDPOINT}-v{version}-"
        raised = {
            item["AlarmName"]
            for item in updates["AlarmHistoryItems"]
            if item["AlarmName"].startswith(named) and "to ALARM" in item["HistorySummary"]
        }
        return sorted(raised)

    def alarms_handled(self, version: int) -> list[str]:
        """What the stack logged when the alarms of a version's variants reached it."""
        group = self.physical("FunctionLogs")
        found = self._logs.filter_log_events(logGroupName=group, filterPattern='"alarm handled"')
        records = [json.loads(event["message"]) for event in found["events"]]
        named = f"sluice-{ENDPOINT}-v{version}-"
        return [r["answer"] for r in records if r.get("alarm", "").startswith(named)]

    def _executions(self, **which: str) -> list[dict[str, Any]]:
        machine = self.outputs["RolloutStateMachineArn"]
        pages = self._states.get_paginator("list_executions")
        found = [
            one
            for page in pages.paginate(stateMachineArn=machine, **which)
            for one in page["executions"]
            if one["name"].startswith(f"{ENDPOINT}-")
        ]
        return sorted(found, key=lambda one: one["startDate"], reverse=True)

    def _described(self, version: int, arn: str) -> Registered:
        package = self._sagemaker.describe_model_package(ModelPackageName=arn)
        return Registered(
            version,
            arn,
            package["ModelApprovalStatus"],
            package.get("ApprovalDescription", ""),
            dict(package.get("CustomerMetadataProperties", {})),
        )


def _entry(item: dict[str, Any]) -> Entry:
    return Entry(
        n=int(item["n"]),
        at=datetime.fromisoformat(item["at"]),
        event=item["event"],
        version=_version(item.get("release")),
        live=_version((item.get("live") or {}).get("release")),
        reason=item.get("reason", ""),
    )


def _version(release: dict[str, Any] | None) -> int | None:
    return None if release is None else int(release["version"])
