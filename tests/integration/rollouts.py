"""A target in the ledger, its endpoint, and the machine that holds it, all on moto.

What moto does not play is answered on the wire: a parked token (moto forgets every one) and an
asynchronous invocation (moto would need Docker).
"""

from __future__ import annotations

import json
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from moto.sagemaker import sagemaker_backends

from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.target import Change, TargetState
from tests.builders import ACCOUNT, ALARM, REGION, TARGET, a_release, watches
from tests.integration import beginnings
from tests.integration.lambdas import APPLICATIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import ModuleType, SimpleNamespace

    import pytest

    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import Release
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import Event

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:sluice-rollout"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
ENVIRONMENT = {
    "ROLLOUT_MACHINE_ARN": MACHINE,
    "RECONCILE_FUNCTION": "reconcile-target",
    "SERVING_ROLE_ARN": ROLE,
    "APPLICATION_FUNCTIONS": ",".join(f"{one}=sluice-serve" for one in APPLICATIONS),
}
ANNOUNCED = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/announced"


class _NoBody:
    """The raw answer: everything in it is parsed already."""

    def stream(self) -> list[bytes]:
        return []


class Wire:
    """Answers in AWS's place; keeps what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[tuple[str, Any]] = []
        self._answers: dict[str, list[Any]] = {}
        self._always: dict[str, Any] = {}
        self._deleted: set[str] = set()
        real = Endpoint._do_get_response

        def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
            self.asked.append((model.name, _body(request)))
            self.headers.append((model.name, request.headers))
            queued = self._answers.get(model.name, [])
            ready = queued.pop(0) if queued else self._gone(model.name, request)
            ready = ready or self._always.get(model.name)
            if ready is None:
                return real(endpoint, request, model, context)
            return (AWSResponse("https://wire.example", ready[0], {}, _NoBody()), ready[1]), None

        monkeypatch.setattr(Endpoint, "_do_get_response", answer)

    def always(self, operation: str, **answer: Any) -> None:
        """Answer every such call so."""
        self._always[operation] = _answer(200, answer)

    def once(self, operation: str, **answer: Any) -> None:
        """Answer the next such call so, the ones after it as ever."""
        self._answers.setdefault(operation, []).append(_answer(200, answer))

    def refuse(self, operation: str, code: str, message: str = "", **more: Any) -> None:
        """Refuse the next such call with this error."""
        error = {"Error": {"Code": code, "Message": message}, **more}
        self._answers.setdefault(operation, []).append(_answer(400, error))

    def deletes_package(self, arn: str) -> None:
        """A model package is deleted, which moto cannot do; whoever asks for it hears so."""
        self._deleted.add(arn)
        beginnings.note("deleted", arn)
        packages = sagemaker_backends[ACCOUNT][REGION].model_packages
        packages.pop(arn.rsplit("/", 1)[-1], packages.pop(arn, None))

    def _gone(self, operation: str, request: Any) -> Any:
        if operation not in {"DescribeModelPackage", "UpdateModelPackage"}:
            return None
        arns = {arn for arn in self._deleted if arn in str(_body(request))}
        error = {"Code": "ValidationException", "Message": f"ModelPackage {arns} does not exist."}
        return _answer(400, {"Error": error}) if arns else None

    def calls(self, *operations: str) -> list[Any]:
        """What was asked of these operations, in order."""
        return [body for operation, body in self.asked if operation in operations]


class Mutes:
    """Alarm mute rules, which moto does not know: answered in CloudWatch's place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.active: set[str] = set()
        """Names of the alarms that a rule mutes now."""
        real = Endpoint._do_get_response

        def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
            if model.name != "ListAlarmMuteRules":
                return real(endpoint, request, model, context)
            asked = _body(request)
            assert asked["Statuses"] == ["ACTIVE"]
            rules = [{"Status": "ACTIVE"}] if asked["AlarmName"] in self.active else []
            status, body = _answer(200, {"AlarmMuteRuleSummaries": rules})
            return (AWSResponse("https://wire.example", status, {}, _NoBody()), body), None

        monkeypatch.setattr(Endpoint, "_do_get_response", answer)


class World:
    """The target `churn` and everything around it."""

    def __init__(
        self,
        aws: Callable[[str], Any],
        table: Table,
        function: Callable[[str], ModuleType],
        context: SimpleNamespace,
        mutes: Mutes,
    ) -> None:
        self.aws, self.table, self.targets = aws, table, Targets(table)
        self.mutes = mutes
        self._function, self._context = function, context

    def call(self, name: str, event: dict[str, Any]) -> Any:
        """Invoke a function as Lambda would."""
        with warnings.catch_warnings():
            # A handler that raises has no metrics to publish; Powertools warns of that, too.
            warnings.filterwarnings("ignore", "No application metrics")
            return self._function(name).lambda_handler(event, self._context)

    def given(self, state: TargetState, *events: Event) -> TargetState:
        """The ledger holds this state; the history there is goes on, with these events."""

        def seed(before: TargetState | None) -> Change:
            past = before or state
            kept = {"history_length": past.history_length, "history_hash": past.history_hash}
            return Change(state.model_copy(update=kept), events)

        written = self.targets.change(state.target, seed)
        assert written
        return written

    @property
    def state(self) -> TargetState:
        """The target's state as it stands in the ledger."""
        found = self.targets.read(TARGET)
        assert found
        return found

    def history(self) -> list[str]:
        """What the target's history tells, oldest first."""
        return [entry.event for entry in self.targets.history(TARGET)]

    def given_release(self, release: Release, *, status: str = "Approved") -> str:
        """A release in the ledger and its package in the registry; the package's ARN."""
        sagemaker, group = self.aws("sagemaker"), release.name.group
        known = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        if group not in {one["ModelPackageGroupName"] for one in known}:
            sagemaker.create_model_package_group(ModelPackageGroupName=group)
        arn: str = sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            CustomerMetadataProperties={
                "version-folder": f"models/{release.name}",
                "release-digest": release.digest,
            },
        )["ModelPackageArn"]
        registered = release.model_copy(update={"package_arn": arn})
        item = registered.model_dump(mode="json", exclude_none=True)
        key = {"pk": f"RELEASE#{group}", "sk": f"V#{release.name.version:06d}"}
        self.table.write(self.table.put({**key, **item}))
        self.table.write(self.table.put({"pk": "GROUPS", "sk": group}))
        return arn

    def given_versions(self, *numbers: int, status: str = "Approved") -> None:
        """`churn` has these versions; a package's version is its folder's number."""

        def register() -> None:
            existing = Releases(self.table).newest("churn")
            for number in numbers:
                assert number == existing + 1, "moto numbers packages from 1, without gaps"
                self.given_release(a_release(f"churn-v{number}"), status=status)
                existing += 1

        beginnings.begin(register, numbers, status)

    def decide(self, arn: str, status: str) -> None:
        """A person approves or rejects a package in the console."""
        sagemaker = self.aws("sagemaker")
        package = sagemaker.describe_model_package(ModelPackageName=arn)
        sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            # moto forgets the metadata that an update does not repeat.
            CustomerMetadataProperties=package.get("CustomerMetadataProperties", {}),
        )

    def approval_of(self, arn: str) -> str:
        """A package's approval status in the registry."""
        found = self.aws("sagemaker").describe_model_package(ModelPackageName=arn)
        status: str = found["ModelApprovalStatus"]
        return status

    def given_endpoint(self, config: str, **weights: float) -> None:
        """The endpoint serves these variants, `v3_e3=90, v4_e5=10`."""
        sagemaker, variants = self.aws("sagemaker"), []
        for name, weight in weights.items():
            variant = name.replace("_", "-")
            model = f"churn-{variant}"
            sagemaker.create_model(
                ModelName=model, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE
            )
            variants.append(
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": weight,
                }
            )
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
        sagemaker_backends[ACCOUNT][REGION].endpoints.pop("churn", None)
        sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)

    def given_endpoint_is_on(self, config: str) -> None:
        """The endpoint stands on this configuration."""
        backend = sagemaker_backends[ACCOUNT][REGION]
        backend.endpoints["churn"].endpoint_config_name = config
        beginnings.note("stands on", config)

    def given_endpoint_has(self, *variants: str) -> None:
        """Of its variants the endpoint has only these left."""
        backend = sagemaker_backends[ACCOUNT][REGION]
        endpoint = backend.endpoints["churn"]
        left = [one for one in endpoint.production_variants if one["VariantName"] in variants]
        endpoint.production_variants = left
        beginnings.note("has", variants)

    def endpoint_becomes(self, status: str) -> None:
        """SageMaker moves the endpoint into this status."""
        backend = sagemaker_backends[ACCOUNT][REGION]
        backend.endpoints["churn"].endpoint_status = status
        beginnings.note("becomes", status)

    def traffic(self) -> dict[str, float]:
        """What share of the traffic goes where."""
        variants = self.aws("sagemaker").describe_endpoint(EndpointName="churn")
        return {
            one["VariantName"]: one.get("DesiredWeight", 0.0)
            for one in variants["ProductionVariants"]
        }

    def given_alarm(self, what: Deployed, state: str = "OK", *, name: str = ALARM) -> str:
        """An alarm on the variant, known to the ledger; its ARN."""
        cloudwatch = self.aws("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.05,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        self.targets.watch(alarm["AlarmArn"], watches(what))
        arn: str = alarm["AlarmArn"]
        return arn

    def given_requests(
        self, variant: str, count: int, *, at: datetime, errors: int = 0, minutes: int = 1
    ) -> None:
        """In each of so many minutes the variant answered that many requests, with these errors."""
        dimensions = [
            {"Name": "EndpointName", "Value": "churn"},
            {"Name": "VariantName", "Value": variant},
        ]
        told = {"Invocations": count, "Invocation5XXErrors": errors}
        data = [
            {
                "MetricName": metric,
                "Dimensions": dimensions,
                "Timestamp": at + timedelta(minutes=minute),
                "Value": value,
            }
            for metric, value in told.items()
            for minute in range(minutes)
        ]
        for start in range(0, len(data), 500):
            self.aws("cloudwatch").put_metric_data(
                Namespace="AWS/SageMaker", MetricData=data[start : start + 500]
            )

    def alarms(self) -> set[str]:
        """Names of the CloudWatch alarms there are."""
        found = self.aws("cloudwatch").describe_alarms()["MetricAlarms"]
        return {one["AlarmName"] for one in found}

    def executions(self) -> dict[str, str]:
        """Status of each execution of the rollout machine, by name."""
        found = self.aws("stepfunctions").list_executions(stateMachineArn=MACHINE)["executions"]
        return {one["name"]: one["status"] for one in found}

    def input_of(self, name: str) -> dict[str, Any]:
        """What an execution was started with."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        described = self.aws("stepfunctions").describe_execution(executionArn=arn)
        given: dict[str, Any] = json.loads(described["input"])
        return given

    def start(self, name: str, given: str = "{}") -> str:
        """An execution runs; its ARN."""
        started = self.aws("stepfunctions").start_execution(
            stateMachineArn=MACHINE, name=name, input=given
        )
        arn: str = started["executionArn"]
        return arn

    def stop(self, name: str) -> None:
        """The execution ends without having released anything."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        self.aws("stepfunctions").stop_execution(executionArn=arn)

    def announced(self) -> list[tuple[str, dict[str, Any]]]:
        """Detail type and detail of every event we put on the bus since the last look."""
        sqs, heard = self.aws("sqs"), []
        while found := sqs.receive_message(QueueUrl=ANNOUNCED, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in found:
                event = json.loads(message["Body"])
                heard.append((event["detail-type"], event["detail"]))
                sqs.delete_message(QueueUrl=ANNOUNCED, ReceiptHandle=message["ReceiptHandle"])
        return heard


def a_world(
    aws: Callable[[str], Any],
    table: Table,
    function: Callable[[str], ModuleType],
    context: SimpleNamespace,
    mutes: Mutes,
) -> World:
    """The rollout's surroundings, with nothing deployed yet; functions find `ENVIRONMENT` set."""

    def surround() -> None:
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}
        aws("stepfunctions").create_state_machine(
            name="sluice-rollout", definition=json.dumps(definition), roleArn=ROLE
        )
        aws("sqs").create_queue(QueueName="announced")
        aws("events").put_rule(Name="announced", EventPattern='{"source": ["sluice"]}')
        target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:announced"}
        aws("events").put_targets(Rule="announced", Targets=[target])

    beginnings.begin(surround)
    return World(aws, table, function, context, mutes)


def _answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return status, {**body, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}


def _body(request: Any) -> Any:
    try:
        return json.loads(request.body)
    except (TypeError, ValueError):
        return request.body
