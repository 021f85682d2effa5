"""After `kill -9` of the server, twice in a row, everything that was acknowledged is back.

One world for all of these tests: filled, killed while callers write, and killed again.

Ours: what a killed process must find again, which AWS never shows
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import SPEED, Clients
from tests.localcloud.functions import invoke
from tests.localcloud.kept import BUCKET, ENOUGH, STACK, TABLE, Kept
from tests.localcloud.monitoring import publish
from tests.localcloud.waiting import until


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A local cloud after two kills."""
    folder = tmp_path_factory.mktemp("kept")
    with LocalCloud(folder, speed=SPEED, keep=True) as cloud:
        world = Kept(cloud, Clients(cloud.endpoint_url))
        world.fill()
        world.kill_while_busy()
        cloud.start()
        cloud.kill()
        cloud.start()
        yield world


def items_of(kept: Kept, partition: str) -> list[dict[str, Any]]:
    """The items of one partition."""
    pages = kept.client("dynamodb").get_paginator("query")
    asked = {":p": {"S": partition}}
    found = pages.paginate(
        TableName=TABLE, KeyConditionExpression="p = :p", ExpressionAttributeValues=asked
    )
    return [item for page in found for item in page["Items"]]


def taken(kept: Kept, url: str) -> list[Any]:
    """The messages that are in a queue now, as JSON, removed from it."""
    sqs = kept.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_the_clock_goes_on(kept: Kept) -> None:
    assert kept.before is not None
    assert kept.cloud.now() > kept.before


def test_every_version_of_every_object_has_its_bytes(kept: Kept) -> None:
    s3 = kept.client("s3")
    assert len(kept.objects) > ENOUGH, "callers were busy"
    for key, version, body in kept.objects:
        got = s3.get_object(Bucket=BUCKET, Key=key, VersionId=version)
        assert got["Body"].read() == body
    latest = s3.get_object(Bucket=BUCKET, Key="busy")["VersionId"]
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix="busy")["Versions"]
    # One more may be there: written, and killed before its answer.
    assert len(kept.objects) <= len(versions) <= len(kept.objects) + 1
    assert [one["VersionId"] for one in versions if one["IsLatest"]] == [latest]


def test_versions_and_the_alias_that_leads_to_them_are_as_they_were(kept: Kept) -> None:
    functions, name = kept.client("lambda"), "kept-released"
    alias = functions.get_alias(FunctionName=name, Name="live")
    assert alias["RevisionId"] == kept.told["alias"]["RevisionId"]
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.0}}
    assert invoke(kept.client, name, Qualifier="live")["Payload"] == "one"
    assert invoke(kept.client, name, Qualifier="2")["Payload"] == "two"
    latest = functions.get_function_configuration(FunctionName=name)
    assert latest["RevisionId"] == kept.told["latest"]["RevisionId"]
    assert invoke(kept.client, name)["Payload"] == "three"
    made = functions.publish_version(FunctionName=name, RevisionId=latest["RevisionId"])
    assert made["Version"] == "3"


def test_knowledge_and_what_goes_wrong_with_models_is_back(kept: Kept) -> None:
    found = kept.client("bedrock-agent-runtime").retrieve(
        knowledgeBaseId="KEPT123456", retrievalQuery={"text": "parcels"}
    )["retrievalResults"]
    assert [one["content"]["text"] for one in found] == ["Parcels are kept."]
    jobs = kept.client("bedrock-agent").list_ingestion_jobs(
        knowledgeBaseId="KEPT123456", dataSourceId="KEPTSOURCE"
    )["ingestionJobSummaries"]
    assert len(jobs) == 2
    (fault,) = kept.cloud.control("bedrock")["faults"]
    assert fault["error"] == "ThrottlingException"


def test_a_multipart_upload_can_be_completed(kept: Kept) -> None:
    upload, etag = kept.told["upload"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3 = kept.client("s3")
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=BUCKET, Key="parts")["Body"].read() == b"first"


def test_every_item_that_was_put_is_there(kept: Kept) -> None:
    assert len(kept.items) > ENOUGH, "callers were busy"
    found = {item["s"]["S"]: item["n"]["N"] for item in items_of(kept, "busy")}
    assert {key: key.removeprefix("busy-") for key in kept.items}.items() <= found.items()
    assert len(found) <= len(kept.items) + 1


def test_a_transaction_is_there_whole_or_not_at_all(kept: Kept) -> None:
    assert len(kept.pairs) > ENOUGH, "callers were busy"
    left, right = ({item["s"]["S"] for item in items_of(kept, side)} for side in ("left", "right"))
    assert left == right
    assert set(kept.pairs) <= left


def test_messages_are_there_and_those_in_flight_are_visible_again(kept: Kept) -> None:
    sqs, found = kept.client("sqs"), []
    while got := sqs.receive_message(QueueUrl=kept.told["queue"], MaxNumberOfMessages=10).get(
        "Messages"
    ):
        found += [message["Body"] for message in got]
    assert set(kept.messages) <= set(found)
    flight = sqs.receive_message(
        QueueUrl=kept.told["flight"], AttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert [message["Body"] for message in flight] == ["in flight"]
    assert flight[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_what_a_key_encrypted_it_decrypts(kept: Kept) -> None:
    answer = kept.client("kms").decrypt(CiphertextBlob=kept.told["ciphertext"])
    assert answer["Plaintext"] == b"secret"


def test_what_a_key_signed_it_verifies_and_it_signs_again(kept: Kept) -> None:
    kms, (key, signature) = kept.client("kms"), kept.told["signed"]
    asked = {"KeyId": key, "Message": b"kept", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.verify(Signature=signature, **asked)["SignatureValid"]
    again = kms.sign(**asked)["Signature"]
    assert kms.verify(Signature=again, **asked)["SignatureValid"]


def test_a_function_still_consumes_its_queue_under_its_role(kept: Kept) -> None:
    assert any("early" in line for line in kept.log()), "what it logged before"
    kept.client("sqs").send_message(QueueUrl=kept.told["work"], MessageBody="late")
    until(lambda: "late" in str(kept.log()), "the function runs", seconds=30)


def test_what_ran_is_aborted_and_the_event_says_so(kept: Kept) -> None:
    """Step Functions developer guide, "Automating event delivery": every change of status."""
    told = kept.client("stepfunctions").describe_execution(executionArn=kept.told["ran"])
    assert told["status"] == "ABORTED"
    assert told["stopDate"] >= told["startDate"]
    assert json.loads(told["input"]) == {"given": 1}
    aborted: list[str] = []

    def told_once() -> bool:
        for event in taken(kept, kept.told["kept-ended"]):
            if event["detail"]["status"] == "ABORTED":
                aborted.append(event["detail"]["executionArn"])
        return len(aborted) >= 2

    until(told_once, "the events")
    assert sorted(aborted) == sorted([kept.told["ran"], kept.told["asked"]])
    history = kept.client("stepfunctions").get_execution_history(executionArn=kept.told["ran"])
    types = [event["type"] for event in history["events"]]
    assert types == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]


def test_what_had_ended_is_told_as_it_was(kept: Kept) -> None:
    machines = kept.client("stepfunctions")
    before = {k: v for k, v in kept.told["ended"].items() if k != "ResponseMetadata"}
    told = machines.describe_execution(executionArn=before["executionArn"])
    assert {k: told[k] for k in before} == before
    name = before["name"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        machines.start_execution(stateMachineArn=before["stateMachineArn"], name=name, input="{}")


def test_nobody_waits_for_a_token_that_was_given_out(kept: Kept) -> None:
    with pytest.raises(ClientError, match="TaskTimedOut"):
        kept.client("stepfunctions").send_task_success(taskToken=kept.told["token"], output="{}")


def test_machines_run_as_before(kept: Kept) -> None:
    machines = kept.client("stepfunctions")
    arn = kept.told["ended"]["stateMachineArn"]
    waits = arn.replace("kept-ends", "kept-waits")
    tags = machines.list_tags_for_resource(resourceArn=waits)["tags"]
    assert tags == [{"key": "kept", "value": "yes"}]
    described = machines.describe_state_machine(stateMachineArn=arn)
    assert json.loads(described["definition"])["StartAt"] == "Pass"
    execution = machines.start_execution(stateMachineArn=arn)["executionArn"]
    ended = until(
        lambda: machines.describe_execution(executionArn=execution).get("output"), "it ends"
    )
    assert json.loads(ended) == {"n": 1}


def test_a_schedule_goes_on_firing(kept: Kept) -> None:
    url = kept.told["kept-every-minute"]
    kept.client("sqs").purge_queue(QueueUrl=url)
    asked = kept.cloud.now()
    events: list[Any] = []

    def fired_twice() -> bool:
        events.extend(taken(kept, url))
        return len(events) >= 2

    until(fired_twice, "it fires")
    first, second = sorted(datetime.fromisoformat(event["time"]) for event in events)[:2]
    assert (second - first) % timedelta(minutes=1) == timedelta(0)
    assert second > asked


def test_a_package_has_its_approval(kept: Kept) -> None:
    told = kept.client("sagemaker").describe_model_package(ModelPackageName=kept.told["package"])
    assert (told["ModelApprovalStatus"], told["ApprovalDescription"]) == ("Approved", "good")


def test_an_endpoint_serves_at_once_and_its_update_settles(kept: Kept) -> None:
    world = kept.told["world"]
    told = world.sagemaker.describe_endpoint(EndpointName=world.name)
    assert told["EndpointStatus"] in {"Updating", "InService"}
    assert world.invoke()["InvokedProductionVariant"] in {"A", "B"}
    settled = world.settled()
    assert settled["EndpointStatus"] == "InService"
    assert settled["EndpointConfigName"] == "kept-model-second"
    assert {world.invoke(TargetVariant=name)["InvokedProductionVariant"] for name in "AB"} == {
        "A",
        "B",
    }


def test_a_scalable_target_is_registered(kept: Kept) -> None:
    told = kept.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )
    (target,) = told["ScalableTargets"]
    assert (target["ResourceId"], target["MaxCapacity"]) == ("endpoint/kept-model/variant/A", 3)


def test_an_alarm_keeps_its_state_and_goes_on_watching(kept: Kept) -> None:
    told = kept.client("cloudwatch").get_metric_statistics(
        Namespace="Kept",
        MetricName="Errors",
        StartTime=kept.told["metric at"] - timedelta(hours=1),
        EndTime=kept.cloud.now(),
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in told["Datapoints"]) == 12.0
    assert kept.alarm() == "ALARM"

    def quiet() -> bool:
        publish(kept.client, "Kept", 0.0)
        time.sleep(0.2)
        return kept.alarm() == "OK"

    until(quiet, "the alarm calms down", seconds=30)


def test_a_mute_still_mutes_and_what_it_held_back_is_done_when_it_ends(kept: Kept) -> None:
    cloudwatch = kept.client("cloudwatch")
    rules = cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
    found = {one["AlarmMuteRuleArn"].rpartition(":")[2]: one["Status"] for one in rules}
    assert found == {"kept-muted": "ACTIVE"}
    assert not taken(kept, kept.told["acted"])

    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="kept-muted")
    until(lambda: taken(kept, kept.told["acted"]), "the action is taken", seconds=30)


def test_a_stack_knows_its_resources(kept: Kept) -> None:
    stacks = kept.client("cloudformation")
    assert stacks.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    listed = stacks.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    topics = kept.client("sns").get_paginator("list_topics")

    def of_the_stack() -> list[str]:
        arns = [one["TopicArn"] for page in topics.paginate() for one in page["Topics"]]
        return [arn for arn in arns if arn.endswith(STACK)]

    assert [one["PhysicalResourceId"] for one in listed] == of_the_stack()
    stacks.delete_stack(StackName=STACK)
    until(lambda: not of_the_stack(), "the topic is deleted")
