"""State machines in CloudFormation stacks.

AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html
"""

import json
from typing import Any

import pytest

from tests.localcloud.machines import TRUST_STATES, output, run, until

YAML = """\
QueryLanguage: JSONata
StartAt: End
States:
  End:
    Type: Succeed
    Output: {answer: "${Answer}", day: 2026-05-03}
"""


def template(properties: dict[str, Any], trust: dict[str, Any] = TRUST_STATES) -> str:
    """A stack of a role and a machine."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "LoggingConfiguration": {"Level": "OFF"},
            "TracingConfiguration": {"Enabled": True},
            **properties,
        },
    }
    outputs = {
        "Arn": {"Value": {"Ref": "Machine"}},
        "Name": {"Value": {"Fn::GetAtt": ["Machine", "Name"]}},
    }
    resources = {"Role": role, "Machine": machine}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def succeed(answer: str) -> str:
    """A definition that returns `answer`."""
    states = {"End": {"Type": "Succeed", "Output": answer}}
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "End", "States": states})


def deploy(client: Any, verb: str, stack: str, body: str) -> dict[str, str]:
    """Create or update a stack and wait; its outputs."""
    formation = client("cloudformation")
    getattr(formation, f"{verb}_stack")(
        StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    waiter = formation.get_waiter(f"stack_{verb}_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    described = formation.describe_stacks(StackName=stack)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}


def test_an_updated_stack_serves_the_new_definition(client: Any, unique: str) -> None:
    machine = deploy(client, "create", unique, template({"DefinitionString": succeed("old")}))
    assert output(run(client, machine["Arn"])) == "old"

    updated = deploy(client, "update", unique, template({"DefinitionString": succeed("new")}))

    assert updated == machine
    assert output(run(client, machine["Arn"])) == "new"
    described = client("stepfunctions").describe_state_machine(stateMachineArn=machine["Arn"])
    assert described["tracingConfiguration"] == {"enabled": True}


def test_a_definition_in_s3_may_be_yaml_with_substitutions(client: Any, unique: str) -> None:
    client("s3").create_bucket(Bucket=unique)
    client("s3").put_object(Bucket=unique, Key="machine.asl.yaml", Body=YAML.encode())
    properties = {
        "StateMachineName": unique,
        "DefinitionS3Location": {"Bucket": unique, "Key": "machine.asl.yaml"},
        "DefinitionSubstitutions": {"Answer": {"Ref": "AWS::StackName"}},
    }

    machine = deploy(client, "create", unique, template(properties))

    assert machine["Name"] == unique
    assert output(run(client, machine["Arn"])) == {"answer": unique, "day": "2026-05-03"}


def test_a_deleted_stack_takes_its_machine_along(client: Any, unique: str) -> None:
    machine = deploy(client, "create", unique, template({"DefinitionString": succeed("x")}))

    client("cloudformation").delete_stack(StackName=unique)
    waiter = client("cloudformation").get_waiter("stack_delete_complete")
    waiter.wait(StackName=unique, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    assert machine["Arn"] not in {item["stateMachineArn"] for item in machines}


@pytest.mark.parametrize("fault", ["definition", "trust"])
def test_a_machine_that_is_refused_fails_the_stack(client: Any, unique: str, fault: str) -> None:
    definition, trust = succeed("x"), TRUST_STATES
    if fault == "definition":
        definition = definition.replace('"End"', '"Start"', 1)
    else:
        trust = json.loads(json.dumps(trust).replace("states.", "lambda."))
    formation = client("cloudformation")
    formation.create_stack(
        StackName=unique,
        TemplateBody=template({"DefinitionString": definition}, trust),
        Capabilities=["CAPABILITY_IAM"],
    )

    until(
        lambda: formation.describe_stacks(StackName=unique)["Stacks"][0]["StackStatus"],
        lambda status: status == "ROLLBACK_COMPLETE",
    )

    events = formation.describe_stack_events(StackName=unique)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    told = "InvalidDefinition" if fault == "definition" else "is authorized to assume"
    assert any(told in reason for reason in reasons), reasons
