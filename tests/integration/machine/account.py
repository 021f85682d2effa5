"""Everything in the account as one plain value: copied, compared and restored as bytes."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, TARGET
from tests.integration.machine.application import FakeBedrock, FakeLambda
from tests.integration.machine.clock import START, Clock
from tests.integration.machine.endpoint import FakeSageMaker
from tests.integration.machine.executions import FakeStepFunctions
from tests.integration.machine.ledger import FakeLedger
from tests.integration.machine.monitoring import FakeCloudWatch
from tests.integration.machine.refusal import RefusedError
from tests.integration.machine.registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

type Request = dict[str, Any]

_ONE_CALL = {
    "events", "sns", "s3", "kms", "ecr", "iam", "service-quotas", "application-autoscaling",
}  # fmt: skip
READING = ("Converse", "Describe", "Get", "Head", "List", "Query", "Verify")


def signature(key_arn: str, digest: bytes) -> bytes:
    """What stands for a signature by the key over what has that digest."""
    return key_arn.encode() + digest


class NotPlayedError(BaseException):
    """A call that the account does not know: nobody may take it for an answer of AWS."""


@dataclass
class Invocation:
    """An asynchronous invocation that is due."""

    function: str
    event: dict[str, Any]
    due: datetime
    tried: int = 0


@dataclass
class Account:
    """The services we use, on one clock."""

    target: str = TARGET
    """What the releases are to serve."""
    clock: Clock = field(default_factory=Clock)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    vault: dict[str, Request] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """The content of those objects of the vault that are read."""
    pending: list[Invocation] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    announced: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Our own events that no rule has looked at yet."""
    dead: list[tuple[str, str]] = field(default_factory=list)
    """What was given up after its retries: function and error."""
    delivered: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Every event that was delivered, the schedules' apart."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What the invariants remember of the way here."""

    def __post_init__(self) -> None:
        """Services that look at each other, and at the clock."""
        self.sagemaker = FakeSageMaker(self.clock)
        self.registry = FakeRegistry(self.clock)
        self.function, self.bedrock = FakeLambda(self.clock), FakeBedrock()
        self.cloudwatch = FakeCloudWatch(self.clock, self.sagemaker, self.function)
        self.states = FakeStepFunctions(self.clock)

    def plays(self, service: str) -> tuple[object, ...]:
        """What answers for the service; nothing, where it is not here."""
        played: dict[str, tuple[object, ...]] = {
            "dynamodb": (self.ledger,),
            "sagemaker": (self.sagemaker, self.registry),
            "cloudwatch": (self.cloudwatch,),
            "stepfunctions": (self.states,),
            "lambda": (self.function, self),
            "bedrock": (self.bedrock,),
            "bedrock-runtime": (self.bedrock,),
        }
        return played.get(service, (self,) if service in _ONE_CALL else ())

    def answer(self, service: str, method: str, asked: Request) -> Request:
        """The service's answer. Raises RefusedError."""
        for one in self.plays(service):
            call: Callable[[Request], Request] | None = getattr(one, method, None)
            if call:
                return call(asked)
        message = f"the account does not play {service}:{method}"
        raise NotPlayedError(message)

    # Services of which we use one call.

    def invoke(self, asked: Request) -> Request:
        """An asynchronous invocation is queued."""
        assert asked["InvocationType"] == "Event"
        name = asked["FunctionName"].rpartition(":")[2].replace("-", "_")
        self.pending.append(Invocation(name, json.loads(asked["Payload"]), self.clock.now))
        return {"StatusCode": 202}

    def put_events(self, asked: Request) -> Request:
        """Machines hear of it."""
        self.told += [one["DetailType"] for one in asked["Entries"]]
        said = ((one["DetailType"], json.loads(one["Detail"])) for one in asked["Entries"])
        self.announced += [one for one in said if one[1].get("partner")]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in asked["Entries"]]}

    def publish(self, asked: Request) -> Request:
        """People hear of it."""
        self.told.append(asked["Message"])
        return {"MessageId": "1"}

    def head_object(self, asked: Request) -> Request:
        """What the vault holds."""
        if asked["Key"] not in self.vault:
            raise RefusedError("404", "Not Found")
        return {"LastModified": START, **self.vault[asked["Key"]]}

    def get_object(self, asked: Request) -> Request:
        """A text of the vault."""
        if asked["Key"] not in self.texts:
            raise RefusedError("NoSuchKey", "The specified key does not exist.")
        return {"Body": io.BytesIO(self.texts[asked["Key"]].encode())}

    def get_role(self, asked: Request) -> Request:
        """Every role is there."""
        return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{asked['RoleName']}"}}

    def verify(self, asked: Request) -> Request:
        """Whoever makes a key here leaves its mark instead of a signature."""
        if asked["Signature"] != signature(asked["KeyId"], asked["Message"]):
            raise RefusedError("KMSInvalidSignatureException", "")
        return {"KeyId": asked["KeyId"], "SignatureValid": True}

    def describe_images(self, asked: Request) -> Request:
        """Every image is there."""
        (one,) = asked["imageIds"]
        return {"imageDetails": [{"imageDigest": one["imageDigest"], "imageStatus": "ACTIVE"}]}

    def list_service_quotas(self, asked: Request) -> Request:
        """More than anybody asks for: what an account allows is not this one's subject."""
        name = "ml.m5.large for endpoint usage"
        quota = {"ServiceCode": "sagemaker", "QuotaName": name, "Value": 1000.0}
        return {"Quotas": [quota]}

    def describe_scalable_targets(self, asked: Request) -> Request:
        """Nothing here scales."""
        return {"ScalableTargets": []}

    # Copies.

    def snapshot(self) -> bytes:
        """The whole account; `pickle.loads` gives it back."""
        return pickle.dumps(self)

    def fingerprint(self) -> bytes:
        """The same for two accounts in which the same will happen, whenever they got there."""
        parts = (
            self.ledger, self.sagemaker, self.function, self.bedrock, self.registry,
            self.cloudwatch, self.states, self.vault, self.texts, self.pending,
        )  # fmt: skip
        out = io.BytesIO()
        pickler = pickle.Pickler(out)
        pickler.fast = True  # no references to what was pickled before: equal values, equal bytes
        now, self.clock.now = self.clock.now, START
        try:
            pickler.dump(parts)
        finally:
            self.clock.now = now
        return out.getvalue()
