"""A local cloud that is killed and started again, and what it had acknowledged before."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import configure, create_function
from tests.localcloud.machines import callback, create_machine, run, start
from tests.localcloud.monitoring import publish, put_alarm
from tests.localcloud.queues import create_queue
from tests.localcloud.sagemaker_world import World
from tests.localcloud.waiting import until

ACCOUNT = "123456789012"
TABLE, BUCKET, STACK = "kept-table", "kept-bucket", "kept-stack"
ENOUGH = 10
"""Writes of each kind that are answered before the kill."""
CODE = "def handler(event, context):\n    print('handled', event['Records'][0]['body'])\n"
RELEASED = "import os\ndef handler(event, context):\n    return os.environ['RELEASE']\n"
TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": STACK}}}}
CONSUMER = [
    {
        "Effect": "Allow",
        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        "Resource": "*",
    }
]


@dataclass
class Kept:
    """What callers were told before the kill, to be compared with what they are told after it."""

    cloud: LocalCloud
    client: Clients
    told: dict[str, Any] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    pairs: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    objects: list[tuple[str, str, bytes]] = field(default_factory=list)
    before: datetime | None = None

    def fill(self) -> None:
        """Make something in every service that is kept."""
        self._data()
        self._functions()
        self._events()
        self._machines()
        self._models()
        self._knowledge()
        self._alarm()
        self._mutes()
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        stacks.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def _are_busy(self) -> bool:
        written = (self.items, self.pairs, self.messages, self.objects)
        return all(len(one) > ENOUGH for one in written)

    def kill_while_busy(self) -> None:
        """Kill the server while callers write, and note what each write was answered."""
        stop = threading.Event()
        writers = [
            threading.Thread(target=self._write, args=(write, stop))
            for write in (
                self._write_item,
                self._write_pair,
                self._write_object,
                self._write_message,
            )
        ]
        for writer in writers:
            writer.start()
        self.before = self.cloud.now()
        until(self._are_busy, "callers are busy", seconds=30)
        self.cloud.kill()
        stop.set()
        for writer in writers:
            writer.join()

    def _write(self, write: Callable[[int], None], stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            try:
                write(number)
            except Exception:
                return  # the server is gone: this write was not acknowledged
            number += 1

    def _write_item(self, number: int) -> None:
        key = f"busy-{number}"
        item = {"p": {"S": "busy"}, "s": {"S": key}, "n": {"N": str(number)}}
        self.client("dynamodb").put_item(TableName=TABLE, Item=item)
        self.items.append(key)

    def _write_pair(self, number: int) -> None:
        puts = [
            {"Put": {"TableName": TABLE, "Item": {"p": {"S": side}, "s": {"S": f"pair-{number}"}}}}
            for side in ("left", "right")
        ]
        self.client("dynamodb").transact_write_items(TransactItems=puts)
        self.pairs.append(f"pair-{number}")

    def _write_object(self, number: int) -> None:
        body = str(number).encode() * 5000
        put = self.client("s3").put_object(Bucket=BUCKET, Key="busy", Body=body)
        self.objects.append(("busy", put["VersionId"], body))

    def _write_message(self, number: int) -> None:
        url = self.told["queue"]
        self.client("sqs").send_message(QueueUrl=url, MessageBody=f"busy-{number}")
        self.messages.append(f"busy-{number}")

    def _data(self) -> None:
        s3, dynamodb = self.client("s3"), self.client("dynamodb")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
        part = s3.upload_part(
            Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=b"first"
        )
        self.told["upload"] = (upload, part["ETag"])
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "p", "KeyType": "HASH"},
                {"AttributeName": "s", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        self.told["ciphertext"] = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
            "Arn"
        ]
        signed = kms.sign(KeyId=signer, Message=b"kept", SigningAlgorithm="ECDSA_SHA_256")
        self.told["signed"] = (signer, signed["Signature"])
        self.told["queue"], _ = create_queue(self.client, "kept")
        self.told["flight"], _ = create_queue(self.client, "kept-flight", VisibilityTimeout="3600")
        sqs = self.client("sqs")
        sqs.send_message(QueueUrl=self.told["flight"], MessageBody="in flight")
        assert sqs.receive_message(QueueUrl=self.told["flight"])["Messages"]

    def _functions(self) -> None:
        create_function(self.client, "kept", CODE, statements=CONSUMER)
        self._versions()
        self.told["work"], arn = create_queue(self.client, "kept-work")
        self.client("lambda").create_event_source_mapping(
            FunctionName="kept", EventSourceArn=arn, BatchSize=1
        )
        self.client("sqs").send_message(QueueUrl=self.told["work"], MessageBody="early")
        until(lambda: "early" in str(self.log()), "the function has run", seconds=30)

    def _versions(self) -> None:
        """A function whose alias leads to two versions, beside a newer $LATEST."""
        functions, name = self.client("lambda"), "kept-released"
        create_function(self.client, name, RELEASED)
        for release in ("one", "two", "three"):
            configure(self.client, name, Environment={"Variables": {"RELEASE": release}})
            if release != "three":
                functions.publish_version(FunctionName=name)
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        functions.update_alias(
            FunctionName=name,
            Name="live",
            RoutingConfig={"AdditionalVersionWeights": {"2": 0.0}},
        )
        self.told["alias"] = functions.get_alias(FunctionName=name, Name="live")
        self.told["latest"] = functions.get_function_configuration(FunctionName=name)

    def log(self) -> list[str]:
        """What the function printed."""
        logs = self.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/kept")["logGroups"]
        if not groups:
            return []
        found = logs.filter_log_events(logGroupName="/aws/lambda/kept")["events"]
        return [event["message"] for event in found if "handled" in event["message"]]

    def _events(self) -> None:
        rules = f"arn:aws:events:us-east-1:{ACCOUNT}:rule"
        events = self.client("events")
        for name, trigger in {
            "kept-every-minute": {"ScheduleExpression": "rate(1 minute)"},
            "kept-ended": {"EventPattern": json.dumps({"source": ["aws.states"]})},
        }.items():
            url, queue = create_queue(self.client, name, "events.amazonaws.com", f"{rules}/{name}")
            events.put_rule(Name=name, **trigger)
            events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue}])
            self.told[name] = url

    def _machines(self) -> None:
        wait = {"Wait": {"Type": "Wait", "Seconds": 864_000, "End": True}}
        ends = {"Pass": {"Type": "Pass", "Output": {"n": 1}, "End": True}}
        self.told["ended"] = run(self.client, create_machine(self.client, "kept-ends", ends))
        machine = create_machine(self.client, "kept-waits", wait)
        tags = [{"key": "kept", "value": "yes"}]
        self.client("stepfunctions").tag_resource(resourceArn=machine, tags=tags)
        self.told["ran"] = start(self.client, machine, {"given": 1}, name="ran")
        tokens, _ = create_queue(self.client, "kept-tokens")
        self.told["asked"] = start(
            self.client, create_machine(self.client, "kept-asks", {"Ask": callback(tokens)})
        )
        message = until(
            lambda: self.client("sqs").receive_message(QueueUrl=tokens).get("Messages"), "a token"
        )
        self.told["token"] = json.loads(message[0]["Body"])["token"]

    def _knowledge(self) -> None:
        for passage in ("Parcels are brown.", "Parcels are kept."):
            named = {"knowledge_base_id": "KEPT123456", "data_source_id": "KEPTSOURCE"}
            self.cloud.control("knowledge", {**named, "passages": [passage]})
        self.cloud.control("bedrock", {"faults": [{"error": "ThrottlingException"}]})

    def _models(self) -> None:
        world = World(self.client, "kept-model")
        self.cloud.control("sagemaker", {"deployment_seconds": 60})
        sagemaker = self.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName="kept")
        package = sagemaker.create_model_package(
            ModelPackageGroupName="kept",
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": world.image()}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]
        sagemaker.update_model_package(
            ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good"
        )
        self.told["package"] = package
        first, second = world.model("a"), None
        world.endpoint(world.config("first", A=(first, 1.0)))
        second = world.config("second", A=(first, 1.0), B=(world.model("b"), 1.0))
        self.cloud.control("sagemaker", {"deployment_seconds": 600})
        sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=second)
        self.told["world"] = world
        self.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{world.name}/variant/A",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MinCapacity=1,
            MaxCapacity=3,
        )

    def _alarm(self) -> None:
        self.told["metric at"] = self.cloud.now()
        put_alarm(self.client, "kept", namespace="Kept", TreatMissingData="ignore")
        publish(self.client, "Kept", 5.0, 7.0)
        until(lambda: self.alarm() == "ALARM", "the alarm goes off", seconds=30)

    def _mutes(self) -> None:
        """A mute that lasts beyond the kills holds an alarm's action back; another is lifted."""
        self.told["acted"], arn = create_queue(self.client, "kept-acted", "sns.amazonaws.com", "*")
        topic = self.client("sns").create_topic(Name="kept-acts")["TopicArn"]
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        cloudwatch, opens = self.client("cloudwatch"), self.cloud.now()
        schedule = {"Expression": f"at({opens:%Y-%m-%dT%H:%M})", "Duration": "P15D"}
        for name in ("kept-muted", "kept-lifted"):
            acting = {"AlarmActions": [topic], "TreatMissingData": "ignore"}
            put_alarm(self.client, name, namespace=name, **acting)
            targets = {"AlarmNames": [name]}
            cloudwatch.put_alarm_mute_rule(
                Name=name, Rule={"Schedule": schedule}, MuteTargets=targets
            )
        cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="kept-lifted")
        publish(self.client, "kept-muted", 5.0, 7.0)
        until(lambda: self.alarm("kept-muted") == "ALARM", "the alarm goes off", seconds=30)

    def alarm(self, name: str = "kept") -> str:
        """The alarm's state."""
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[name])
        state: str = found["MetricAlarms"][0]["StateValue"]
        return state
