"""Definitions that can run, and those that are refused when they are made.

AWS: step-functions/latest/dg/concepts-amazon-states-language.html
Model: stepfunctions.CreateStateMachine
Model: stepfunctions.ValidateStateMachineDefinition
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.machines import create_machine, create_states_role

SUCCEED = {"Type": "Succeed"}
PASS = {"Type": "Pass"}
FAULTY: dict[str, Any] = {
    "no states": {"StartAt": "A", "States": {}},
    "no start": {"States": {"A": SUCCEED}},
    "unknown start": {"StartAt": "B", "States": {"A": SUCCEED}},
    "unknown next": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}},
    "unknown type": {"StartAt": "A", "States": {"A": {"Type": "Dance", "End": True}}},
    "unreachable": {"StartAt": "A", "States": {"A": SUCCEED, "B": SUCCEED}},
    "no end": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}},
    "neither next nor end": {"StartAt": "A", "States": {"A": {"Type": "Pass"}}},
    "both next and end": {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B", "End": True}, "B": SUCCEED},
    },
    "task without resource": {"StartAt": "A", "States": {"A": {"Type": "Task", "End": True}}},
    "unknown field": {"StartAt": "A", "States": {"A": {**SUCCEED, "Nxet": "B"}}},
    "unknown catch target": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
                "End": True,
            }
        },
    },
    "field of the other language": {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {**SUCCEED, "OutputPath": "$"}},
    },
    "jsonata that does not parse": {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {**SUCCEED, "Output": "{% $states.input. %}"}},
    },
    "fault in a branch": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "C"}}}],
                "End": True,
            }
        },
    },
    "heartbeat not below the limit": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "TimeoutSeconds": 10,
                "HeartbeatSeconds": 10,
                "End": True,
            }
        },
    },
    "wait without a duration": {"StartAt": "A", "States": {"A": {"Type": "Wait", "End": True}}},
    "query language among the states": {
        "StartAt": "A",
        "States": {"QueryLanguage": "JSONata", "A": SUCCEED},
    },
    "unknown service": {
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::toaster:on", "End": True}},
    },
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_definition_is_found(client: Any, fault: str) -> None:
    answer = client("stepfunctions").validate_state_machine_definition(
        definition=json.dumps(FAULTY[fault])
    )

    assert answer["result"] == "FAIL"
    assert all(diagnostic["severity"] == "ERROR" for diagnostic in answer["diagnostics"])


@pytest.mark.parametrize("fault", ["unknown next", "jsonata that does not parse"])
def test_a_faulty_definition_makes_no_machine(client: Any, unique: str, fault: str) -> None:
    role = create_states_role(client, unique)

    with pytest.raises(ClientError, match=r"\(InvalidDefinition\)"):
        client("stepfunctions").create_state_machine(
            name=unique, definition=json.dumps(FAULTY[fault]), roleArn=role
        )

    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    assert unique not in {machine["name"] for machine in machines}


def test_text_that_is_not_json_is_refused(client: Any) -> None:
    answer = client("stepfunctions").validate_state_machine_definition(definition="StartAt: A")

    assert answer["diagnostics"][0]["code"] == "INVALID_JSON_DESCRIPTION"


def test_an_update_with_a_faulty_definition_changes_nothing(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, {"End": SUCCEED})

    with pytest.raises(ClientError, match=r"\(InvalidDefinition\)"):
        client("stepfunctions").update_state_machine(
            stateMachineArn=machine, definition=json.dumps(FAULTY["unreachable"])
        )

    described = client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    assert json.loads(described["definition"])["StartAt"] == "End"


def test_creating_the_same_machine_again_returns_it_but_not_another_one(
    client: Any, unique: str
) -> None:
    machine = create_machine(client, unique, {"End": SUCCEED})
    described = client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    same = {key: described[key] for key in ("name", "definition", "roleArn")}
    other = json.dumps({"StartAt": "Other", "States": {"Other": SUCCEED}})

    again = client("stepfunctions").create_state_machine(**same)

    assert again["stateMachineArn"] == machine
    with pytest.raises(ClientError, match=r"\(StateMachineAlreadyExists\)"):
        client("stepfunctions").create_state_machine(**{**same, "definition": other})


def test_a_machine_of_every_kind_of_state_is_accepted(client: Any) -> None:
    sub = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    definition = {
        "Comment": "all kinds",
        "QueryLanguage": "JSONata",
        "StartAt": "Pass",
        "TimeoutSeconds": 3600,
        "States": {
            "Pass": {"Type": "Pass", "Assign": {"a": 1}, "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": "{% $a %}", "Next": "Choice"},
            "Choice": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $a = 1 %}", "Next": "Map"}],
                "Default": "Fail",
            },
            "Map": {"Type": "Map", "Items": [1], "ItemProcessor": sub, "Next": "Parallel"},
            "Parallel": {"Type": "Parallel", "Branches": [sub], "Next": "Task"},
            "Task": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
                "TimeoutSeconds": "{% $a * 60 %}",
                "Retry": [
                    {
                        "ErrorEquals": ["Lambda.ServiceException"],
                        "IntervalSeconds": 1,
                        "MaxAttempts": 3,
                        "BackoffRate": 2,
                        "MaxDelaySeconds": 10,
                        "JitterStrategy": "FULL",
                    }
                ],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail"}],
                "Next": "Succeed",
            },
            "Succeed": SUCCEED,
            "Fail": {"Type": "Fail", "Error": "E", "Cause": "{% $string($a) %}"},
        },
    }

    answer = client("stepfunctions").validate_state_machine_definition(
        definition=json.dumps(definition)
    )

    assert answer["diagnostics"] == []
    assert answer["result"] == "OK"


def test_definitions_in_two_languages_are_read_at_the_same_time(client: Any) -> None:
    last: dict[str, dict[str, Any]] = {
        "JSONata": {"Output": "{% 1 %}"},
        "JSONPath": {"InputPath": "$.n"},
    }
    long = {f"Pass{step}": {**PASS, "Next": f"Pass{step + 1}"} for step in range(60)}
    definitions = [
        {
            "QueryLanguage": language,
            "StartAt": "Pass0",
            "Comment": f"number {number}",
            "States": {**long, "Pass60": {**PASS, **fields, "End": True}},
        }
        for number in range(20)
        for language, fields in last.items()
    ]
    workflows = client("stepfunctions")

    def validate(definition: dict[str, Any]) -> list[Any]:
        answer = workflows.validate_state_machine_definition(definition=json.dumps(definition))
        diagnostics: list[Any] = answer["diagnostics"]
        return diagnostics

    with ThreadPoolExecutor(8) as pool:
        assert [one for one in pool.map(validate, definitions) if one] == []
