"""CloudFormation and SAM: the stock CLI deploys, really updates, and deletes a stack.

AWS: serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
AWS: AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.waiting import until

FIXTURE = Path(__file__).with_name("fixture_stack")
SAM = Path(sys.executable).with_name("sam")
NAME = "fixture"


class Stack:
    """The fixture stack, deployed from a copy of its sources that a test may change."""

    def __init__(self, cloud: LocalCloud, client: Clients, folder: Path) -> None:
        self.client, self.folder = client, folder
        self._environment = {
            **os.environ,
            **cloud.environment(),
            "SAM_CLI_TELEMETRY": "0",
            "PATH": f"{SAM.parent}:{os.environ['PATH']}",
        }
        shutil.copytree(FIXTURE, folder)

    def sam(self, *arguments: str) -> str:
        """Run the SAM CLI; what it said."""
        done = subprocess.run(
            [str(SAM), *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    def deploy(self, **parameters: str) -> None:
        """Build and deploy, as a user does."""
        self.sam("build")
        overrides = [f"{key}={value}" for key, value in parameters.items()]
        flags = ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
        if overrides:
            flags += ["--parameter-overrides", *overrides]
        self.sam("deploy", "--stack-name", NAME, *flags, "--no-progressbar")

    def output(self, name: str) -> str:
        """One of the stack's outputs."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        values = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        value: str = values[name]
        return value

    def note(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a note that is wanted; the others are dropped."""
        sqs, url = self.client("sqs"), self.output("Notes")

        def look() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found: dict[str, Any] = json.loads(message["Body"])
                if wanted(found):
                    return found
            return None

        noted: dict[str, Any] = until(look, "the note arrives", seconds=20)
        return noted

    def put_work(self, **detail: Any) -> None:
        """Publish an event that the rule sends to the work queue."""
        entry = {"Source": f"{NAME}.work", "DetailType": "Work", "Detail": json.dumps(detail)}
        self.client("events").put_events(Entries=[entry])


@pytest.fixture(scope="module")
def stack(cloud: LocalCloud, client: Clients, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The fixture stack as first deployed."""
    built = Stack(cloud, client, tmp_path_factory.mktemp("sam") / "stack")
    built.deploy()
    return built


def test_an_upload_reaches_the_function_through_its_alias(stack: Stack) -> None:
    stack.client("s3").put_object(Bucket=f"{NAME}-inbox", Key="a b", Body=b"x")
    note = stack.note(lambda found: found["event"].get("source") == "aws.s3")
    assert note["event"]["detail"]["object"]["key"] == "a b"
    assert (note["word"], note["greeting"]) == ("first", "hello")
    assert note["as"] == stack.output("NoteAlias")


@pytest.mark.parametrize("kind", ["rule", "scheduler"])
def test_both_kinds_of_schedule_fire(stack: Stack, kind: str) -> None:
    stack.note(lambda found: found["event"].get("tick") == kind)


def test_a_rule_feeds_the_queue_and_the_mapping_the_function(stack: Stack) -> None:
    stack.put_work(n=1)
    assert stack.note(lambda found: found["by"] == "consume")["event"] == {"n": 1}


def test_a_bad_message_ends_in_the_dead_letter_queue(stack: Stack) -> None:
    stack.put_work(bad=True)
    sqs, url = stack.client("sqs"), stack.output("Dead")
    found = until(
        lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "it is dead", seconds=20
    )
    assert json.loads(found[0]["Body"]) == {"bad": True}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])


def test_the_resources_are_as_the_template_says(stack: Stack) -> None:
    client = stack.client
    table = client("dynamodb").describe_table(TableName=f"{NAME}-table")["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == stack.output("Key")
    backups = client("dynamodb").describe_continuous_backups(TableName=f"{NAME}-table")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    rotation = client("kms").get_key_rotation_status(KeyId=stack.output("Key"))
    assert rotation["KeyRotationEnabled"]
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}-note")[
        "logGroups"
    ]
    assert group["retentionInDays"] == 30
    (target,) = client("events").list_targets_by_rule(Rule=f"{NAME}-work")["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    reserved = client("lambda").get_function_concurrency(FunctionName=f"{NAME}-consume")
    assert reserved["ReservedConcurrentExecutions"] == 2
    config = client("lambda").get_function_event_invoke_config(
        FunctionName=f"{NAME}-note", Qualifier="live"
    )
    assert config["MaximumRetryAttempts"] == 1


def test_the_bucket_policy_denies_even_the_root(stack: Stack) -> None:
    s3 = stack.client("s3")
    put = s3.put_object(Bucket=f"{NAME}-inbox", Key="kept/a", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=f"{NAME}-inbox", Key="kept/a", VersionId=put["VersionId"])


def test_an_update_changes_what_runs(stack: Stack) -> None:
    version, layer = stack.output("NoteVersion"), stack.output("Layer")
    words = stack.folder / "layer/words/__init__.py"
    words.write_text(words.read_text().replace("first", "second"))
    app = stack.folder / "functions/note/app.py"
    app.write_text(app.read_text().replace('"by": "note"', '"by": "new note"'))
    stack.deploy(Greeting="bye", BatchSize="3", Retries="0", RuleState="DISABLED")

    assert stack.output("Layer") != layer
    assert stack.output("NoteVersion") != version
    note = stack.note(lambda found: found["by"] == "new note")
    assert (note["word"], note["greeting"]) == ("second", "bye")
    client = stack.client
    (mapping,) = client("lambda").list_event_source_mappings(FunctionName=f"{NAME}-consume")[
        "EventSourceMappings"
    ]
    assert mapping["BatchSize"] == 3
    assert client("events").describe_rule(Name=f"{NAME}-work")["State"] == "DISABLED"
    config = client("lambda").get_function_event_invoke_config(
        FunctionName=f"{NAME}-note", Qualifier="live"
    )
    assert config["MaximumRetryAttempts"] == 0


def test_deleting_the_stack_deletes_what_it_made(stack: Stack) -> None:
    client = stack.client
    for version in client("s3").list_object_versions(Bucket=f"{NAME}-inbox").get("Versions", []):
        if not version["Key"].startswith("kept/"):
            client("s3").delete_object(
                Bucket=f"{NAME}-inbox", Key=version["Key"], VersionId=version["VersionId"]
            )
    client("s3").delete_bucket_policy(Bucket=f"{NAME}-inbox")
    for version in client("s3").list_object_versions(Bucket=f"{NAME}-inbox").get("Versions", []):
        client("s3").delete_object(
            Bucket=f"{NAME}-inbox", Key=version["Key"], VersionId=version["VersionId"]
        )
    stack.sam("delete", "--stack-name", NAME, "--no-prompts")
    functions = client("lambda").list_functions()["Functions"]
    assert not [each for each in functions if each["FunctionName"].startswith(f"{NAME}-")]
    assert not client("events").list_rules(NamePrefix=f"{NAME}-")["Rules"]
    assert not client("sqs").list_queues(QueueNamePrefix=f"{NAME}-").get("QueueUrls")
    assert f"{NAME}-inbox" not in [b["Name"] for b in client("s3").list_buckets()["Buckets"]]
    assert f"{NAME}-table" not in client("dynamodb").list_tables()["TableNames"]
    assert not client("scheduler").list_schedules(NamePrefix=f"{NAME}-")["Schedules"]
