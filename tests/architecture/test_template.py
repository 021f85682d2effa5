"""House rules of the stack, on what CloudFormation gets and on what a person reads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice import insisting
from sluice.copying import RESERVE_MILLISECONDS
from sluice.domain.patience import CONNECT_SECONDS
from tests.architecture.project import (
    MACHINES,
    ROOT,
    TEMPLATE,
    identity_statements,
    listed,
    only,
    resources,
    takes,
    template,
    translated,
)

ACCOUNT = [{"Ref": "AWS::AccountId"}]
RULES = resources("AWS::Events::Rule")
FUNCTIONS = resources("AWS::Lambda::Function")
ROLES = resources("AWS::IAM::Role")
TEXT = TEMPLATE.read_text(encoding="utf-8")
LONG = {"RegisterPackageFunction", "ServeBedrockFunction", "VerifyTargetsFunction"}
"""Functions that no state, nor anybody with less patience, waits for."""


def statements_of(role: str) -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for owner, one in identity_statements() if owner == role}


def asynchronous() -> set[str]:
    """Functions that EventBridge or CloudFormation invokes without waiting."""
    targets = [
        target["Arn"]
        for rule in RULES.values()
        for target in rule["Properties"]["Targets"]
        if "Fn::GetAtt" in target["Arn"]
    ]
    targets += [
        one["Properties"]["ServiceToken"] for one in resources("Custom::LiveAlias").values()
    ]
    named = {arn["Fn::GetAtt"][0] for arn in targets}
    return named & set(FUNCTIONS)


# Events.


@pytest.mark.parametrize("name", RULES)
def test_a_rule_listens_to_this_account_and_to_named_sources(name: str) -> None:
    properties = RULES[name]["Properties"]
    if "ScheduleExpression" in properties:
        return
    pattern = properties["EventPattern"]

    assert pattern["account"] == ACCOUNT
    assert pattern["source"]
    # Of anybody's events, our own among them, the handler believes no more than where to look.
    assert all(source == "sluice" or source.startswith("aws.") for source in pattern["source"])
    assert pattern["detail-type"]


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_cannot_deliver_is_retried_then_kept(name: str) -> None:
    for target in RULES[name]["Properties"]["Targets"]:
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] > 0
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_uploads_come_from_our_bucket_alone() -> None:
    pattern = RULES["UploadRule"]["Properties"]["EventPattern"]

    assert pattern["detail"]["bucket"] == {"name": [{"Ref": "ArtifactsBucket"}]}


def test_cloudtrail_is_heard_of_uploads_to_our_bucket_and_of_decisions_that_were_made() -> None:
    uploads = RULES["UploadTrailRule"]["Properties"]["EventPattern"]["detail"]
    decisions = RULES["ApprovalTrailRule"]["Properties"]["EventPattern"]["detail"]

    assert uploads["requestParameters"] == {
        "bucketName": [{"Ref": "ArtifactsBucket"}],
        # Never releases/: what registration writes into the vault is nobody's push.
        "key": [{"prefix": "models/"}, {"prefix": "configs/"}],
    }
    assert uploads["eventName"] == ["PutObject", "CompleteMultipartUpload", "CopyObject"]
    assert decisions["eventName"] == ["UpdateModelPackage"]
    assert decisions["requestParameters"] == {"modelApprovalStatus": [{"exists": True}]}
    for pattern in (uploads, decisions):
        assert pattern["errorCode"] == [{"exists": False}], "a call that failed did nothing"


def test_every_event_source_is_seen() -> None:
    assert len(RULES) == 12
    assert asynchronous() == {
        "ReconcileTargetFunction",
        "WatchRolloutFunction",
        "HandleAlarmFunction",
        "VerifyTargetsFunction",
        "CreateAliasFunction",
    }


def test_an_invocation_nobody_waits_for_has_somewhere_to_fail_to() -> None:
    configured = {
        one["Properties"]["FunctionName"]["Ref"]: one["Properties"]
        for one in resources("AWS::Lambda::EventInvokeConfig").values()
    }

    assert asynchronous() <= set(configured)
    for name in asynchronous():
        failed = configured[name]["DestinationConfig"]["OnFailure"]["Destination"]
        assert failed == {"Fn::GetAtt": ["DeadLetters", "Arn"]}, name
        allowed = statements_of(name.replace("Function", "Role"))["SendFailures"]
        assert (allowed["Action"], allowed["Resource"]) == ("sqs:SendMessage", failed), name


def test_a_queue_that_feeds_a_function_gives_up_at_some_point() -> None:
    mappings = resources("AWS::Lambda::EventSourceMapping")
    queues = resources("AWS::SQS::Queue")

    assert mappings
    for mapping in mappings.values():
        name = mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
        redrive = queues[name]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues
        assert redrive["maxReceiveCount"] >= 3
        assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        function = FUNCTIONS[mapping["Properties"]["FunctionName"]["Ref"]]["Properties"]
        assert queues[name]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"]


# Roles.


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]
    (machine,) = resources("AWS::StepFunctions::StateMachine").values()
    roles.append(machine["Properties"]["RoleArn"]["Fn::GetAtt"][0])

    assert len(set(roles)) == len(roles)
    assert set(roles) == set(ROLES) - {"ServingRole"}, "no role that SAM made up, none unused"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_narrow_statements_each_with_a_name(role: str) -> None:
    properties = ROLES[role]["Properties"]

    assert "ManagedPolicyArns" not in properties
    found = [one for owner, one in identity_statements() if owner == role]
    assert found
    sids = [one.get("Sid") for one in found]
    assert all(sids)
    assert len(set(sids)) == len(sids)
    for one in found:
        assert one["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & one.keys()
        assert [action for action in listed(one["Action"]) if "*" in action] == [], one["Sid"]


def wildcards() -> list[tuple[str, str]]:
    return [
        (role, one["Sid"]) for role, one in identity_statements() if "*" in listed(one["Resource"])
    ]


@pytest.mark.parametrize(("role", "sid"), wildcards())
def test_a_wildcard_says_why(role: str, sid: str) -> None:
    section = TEXT.partition(f"\n  {role}:\n")[2]
    line = next(line for line in section.splitlines() if f"Sid: {sid}" in line)

    assert re.search(r"Sid: \w+ # .{15,}", line), f"{role}, {sid}"


def test_wildcards_are_a_short_list_of_actions_that_know_no_resources() -> None:
    actions = {
        action
        for _, one in identity_statements()
        if "*" in listed(one["Resource"])
        for action in listed(one["Action"])
    }

    assert actions == {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "bedrock:ListFoundationModels",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListAlarmMuteRules",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListEndpoints",
        "sagemaker:ListModelPackages",
        "servicequotas:ListServiceQuotas",
    }


def test_resource_policies_name_their_statements_too() -> None:
    policies = {**resources("AWS::S3::BucketPolicy"), **resources("AWS::SQS::QueuePolicy")}
    documents = [one["Properties"]["PolicyDocument"] for one in policies.values()]
    documents += [one["Properties"]["KeyPolicy"] for one in resources("AWS::KMS::Key").values()]

    assert len(documents) == 5
    for document in documents:
        assert all(one.get("Sid") for one in document["Statement"])


def approval_changes() -> dict[str, list[Any]]:
    """By role: the approval statuses it may create packages with, or set."""
    found: dict[str, list[Any]] = {}
    for role, one in identity_statements():
        if {"sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"} & set(
            listed(one["Action"])
        ):
            allowed = one["Condition"]["StringEquals"]["sagemaker:ModelApprovalStatus"]
            found.setdefault(role, []).extend(listed(allowed))
    return found


def test_nobody_of_us_can_approve() -> None:
    assert approval_changes() == {
        "ReconcileTargetRole": ["Rejected"],
        "RegisterPackageRole": ["PendingManualApproval", "Rejected", "Rejected"],
        "SettleRolloutRole": ["Rejected"],
    }


@pytest.mark.parametrize(
    ("arns", "taken"),
    [
        ("", True),
        ("arn:aws:iam::123456789012:role/a", True),
        ("arn:aws:iam::123456789012:role/p/a,arn:aws:iam::123456789012:role/b", True),
        ("arn:aws:iam::123456789012:role/*", False),
        ("arn:aws:iam::123456789012:role/a,", False),
        ("arn:aws:iam::*:role/a", False),
        ("*", False),
    ],
)
def test_an_operator_lists_roles_one_by_one(arns: str, taken: bool) -> None:
    assert takes("ExecutionRoleArns", arns) is taken


def test_registration_reads_the_template_of_its_own_stack_alone() -> None:
    asked = statements_of("RegisterPackageRole")["CaptureInfrastructure"]

    assert asked["Action"] == "cloudformation:GetTemplate"
    assert asked["Resource"] == {"Ref": "AWS::StackId"}
    told = FUNCTIONS["RegisterPackageFunction"]["Properties"]["Environment"]["Variables"]
    assert told["STACK_ID"] == {"Ref": "AWS::StackId"}
    assert told["INFRASTRUCTURE_COMMIT"] == {"Ref": "InfrastructureCommit"}


@pytest.mark.parametrize(
    ("commit", "taken"),
    [
        ("unknown", True),
        ("9f8d111", True),
        (f"{'9f' * 20}-dirty", True),
        ("", False),
        ("main", False),
        ("9f8d111-clean", False),
    ],
)
def test_a_stack_is_told_a_commit_or_that_it_is_unknown(commit: str, taken: bool) -> None:
    assert takes("InfrastructureCommit", commit) is taken
    assert template()["Parameters"]["InfrastructureCommit"]["Default"] == "unknown"


def test_a_role_is_passed_to_sagemaker_alone() -> None:
    passing = [one for _, one in identity_statements() if "iam:PassRole" in listed(one["Action"])]

    assert len(passing) == 1
    serving = {"Fn::GetAtt": ["ServingRole", "Arn"]}
    condition, listed_too, alone = passing[0]["Resource"]["Fn::If"]
    assert (condition, alone) == ("HasExecutionRoles", serving)
    both = {"Fn::Join": [",", [serving, {"Ref": "ExecutionRoleArns"}]]}
    assert listed_too == {"Fn::Split": [",", both]}
    condition = passing[0]["Condition"]["StringEquals"]
    assert condition == {"iam:PassedToService": "sagemaker.amazonaws.com"}


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        pytest.param(
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            # Traffic is shifted by the first; of the others, which register scalable targets,
            # Application Auto Scaling demands what it will do in their place.
            {"ShiftTrafficRole", "PrepareRolloutRole", "SettleRolloutRole", "ReconcileTargetRole"},
            id="weights",
        ),
        pytest.param("sagemaker:UpdateEndpoint", {"ShiftTrafficRole"}, id="updates"),
        pytest.param("sagemaker:CreateEndpoint", {"ShiftTrafficRole"}, id="creation"),
        pytest.param("sagemaker:InvokeEndpoint", {"PrepareRolloutRole"}, id="smoke tests"),
        pytest.param("sagemaker:DeleteEndpoint", {"ShiftTrafficRole"}, id="deletion"),
        pytest.param("s3:PutObject", {"RegisterPackageRole"}, id="the vault"),
        pytest.param("s3:DeleteObject", set(), id="nobody deletes artifacts"),
        pytest.param(
            "dynamodb:DeleteItem", {"ReconcileTargetRole", "SettleRolloutRole"}, id="ledger items"
        ),
        pytest.param("states:StartExecution", {"ReconcileTargetRole"}, id="rollouts"),
        pytest.param("cloudformation:GetTemplate", {"RegisterPackageRole"}, id="the template"),
    ],
)
def test_who_may(action: str, roles: set[str]) -> None:
    may = {role for role, one in identity_statements() if action in listed(one["Action"])}

    assert may == roles


# Time enough, and what an operator may name.


def test_a_registration_has_time_for_more_than_its_reserve() -> None:
    # Else every message would be put back, for ever.
    timeout = FUNCTIONS["RegisterPackageFunction"]["Properties"]["Timeout"]

    assert timeout * 1000 > 2 * RESERVE_MILLISECONDS


def test_a_question_asked_again_at_the_last_moment_is_answered_in_time() -> None:
    # Else Lambda ends the invocation, and who asked is not told which version it was.
    timeout = FUNCTIONS["ServeBedrockFunction"]["Properties"]["Timeout"]
    look_up = insisting.LONGEST_LOOK_UP_SECONDS + CONNECT_SECONDS
    answer = insisting.LONGEST_ANSWER_SECONDS + CONNECT_SECONDS

    assert timeout * 1000 > insisting.RESERVE_MILLISECONDS > (look_up + answer) * 1000


def test_nobody_but_rollouts_leads_the_alias_anywhere() -> None:
    may = {role for role, one in identity_statements() if "lambda:UpdateAlias" in one["Action"]}

    assert may == {"ShiftTrafficRole"}


@pytest.mark.parametrize(
    ("functions", "taken"),
    [
        ("", True),
        ("support=my-function", True),
        ("support=my-function,desk=other_2", True),
        ("support", False),
        ("support=", False),
        ("support=my-function,", False),
        ("support=arn:aws:lambda:us-east-1:123456789012:function:x", False),
        ("support=*", False),
    ],
)
def test_an_operator_names_a_function_for_each_application(functions: str, taken: bool) -> None:
    assert takes("ApplicationFunctions", functions) is taken


@pytest.mark.parametrize(
    ("arns", "taken"),
    [
        ("", True),
        ("arn:aws:lambda:us-east-1:123456789012:function:my-function", True),
        (",".join(["arn:aws:lambda:eu-west-1:123456789012:function:f"] * 2), True),
        ("arn:aws:lambda:us-east-1:123456789012:function:my-function:live", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:*", False),
        ("*", False),
    ],
)
def test_an_operator_names_functions_that_rollouts_may_touch(arns: str, taken: bool) -> None:
    assert takes("ApplicationFunctionArns", arns) is taken


def test_the_schedule_s3_and_cloudtrail_share_the_queue_of_uploads() -> None:
    (policy,) = (
        one["Properties"]
        for one in resources("AWS::SQS::QueuePolicy").values()
        if one["Properties"]["Queues"] == [{"Ref": "Uploads"}]
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    may = statement["Condition"]["ArnEquals"]["aws:SourceArn"]

    sending = ["UploadRule", "SweepRule", "UploadTrailRule", "ApprovalTrailRule"]
    assert [one["Fn::GetAtt"][0] for one in may] == sending
    for rule in sending:
        (target,) = RULES[rule]["Properties"]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["Uploads", "Arn"]}


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_messages_rest_encrypted(kind: str) -> None:
    for name, resource in resources(kind).items():
        properties = resource["Properties"]
        assert properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId"), name


def test_logs_are_kept_for_a_time_and_functions_write_no_others() -> None:
    assert only("AWS::Logs::LogGroup")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for name, function in FUNCTIONS.items():
        assert function["Properties"]["LoggingConfig"]["LogGroup"] == {"Ref": "FunctionLogs"}, name


# The functions.


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_ends_before_whoever_waits_for_it(name: str) -> None:
    properties = FUNCTIONS[name]["Properties"]

    assert properties["Runtime"] == "python3.13"
    assert properties["Handler"] == "app.lambda_handler"
    assert properties["Timeout"] < 60 or name in LONG
    assert properties["Layers"] == [{"Ref": next(iter(resources("AWS::Lambda::LayerVersion")))}]


# The text.


def test_a_stack_can_be_made_without_a_question() -> None:
    for name, parameter in template()["Parameters"].items():
        assert "Default" in parameter, name
        assert parameter["Description"], name


@pytest.mark.parametrize("path", [TEMPLATE, *MACHINES], ids=lambda path: path.name)
def test_cloudformation_knows_no_anchors(path: Any) -> None:
    tokens = yaml.scan(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    kinds = (yaml.AnchorToken, yaml.AliasToken)

    assert [token for token in tokens if isinstance(token, kinds)] == []


def test_every_output_says_what_it_is_for() -> None:
    for name, output in translated()["Outputs"].items():
        assert output["Description"], name


def test_cfn_lint_finds_nothing_in_what_cloudformation_gets(tmp_path: Path) -> None:
    spelled_out = tmp_path / "template.json"
    spelled_out.write_text(json.dumps(translated()))
    linter = Path(sys.executable).parent / "cfn-lint"

    ended = subprocess.run(
        [str(linter), str(spelled_out)], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_layer_holds_native_modules_of_both_architectures() -> None:
    """Whatever `Architecture` says: the makefile that builds the layer is not told."""
    recipe = (ROOT / "layers" / "shared" / "Makefile").read_text()

    assert {"manylinux2014_x86_64", "manylinux2014_aarch64"} <= set(recipe.split())
    allowed = set(template()["Parameters"]["Architecture"]["AllowedValues"])
    (layer,) = resources("AWS::Lambda::LayerVersion").values()
    assert set(layer["Properties"]["CompatibleArchitectures"]) == allowed
