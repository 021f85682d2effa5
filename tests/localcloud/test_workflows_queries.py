"""JSONata, variables and choices in state machines, as the developer guide describes them.

AWS: step-functions/latest/dg/transforming-data.html
AWS: step-functions/latest/dg/workflow-variables.html
AWS: step-functions/latest/dg/state-choice.html
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.launcher import LocalCloud
from tests.localcloud.machines import (
    create_machine,
    finish,
    history,
    output,
    run,
    run_states,
    start,
)

MILLISECOND = timedelta(milliseconds=1)


def one(**fields: Any) -> dict[str, Any]:
    """A machine of one Pass state."""
    return {"Only": {"Type": "Pass", "End": True, **fields}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([1,2], 4)", [[1, 2]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(3, 0, -2)", [3, 1]),
        ("$hash('abc', 'SHA-256')", hashlib.sha256(b"abc").hexdigest()),
        ("$hash('abc', 'MD5')", hashlib.md5(b"abc", usedforsecurity=False).hexdigest()),
        ("$parse('{\"a\": [1, null]}').a", [1, None]),
        ("$random(7) = $random(7)", True),
        ("$sum($states.input.counts) / 2", 3),
        ("$states.input.text & '!'", 'say "hi"\n\\!'),
        ("$states.input.none", None),
        ("$states.input.list", [1]),
        ("$states.input.empty", []),
        ("$states.input.list[$ > 0]", 1),
        ("{'a': $states.input.none}", {"a": None}),
    ],
)
def test_an_expression_has_the_value_jsonata_gives_it(
    client: Any, unique: str, expression: str, value: Any
) -> None:
    given = {"counts": [1, 2, 3], "text": 'say "hi"\n\\', "none": None, "list": [1], "empty": []}

    described = run_states(client, unique, one(Output="{% " + expression + " %}"), given)

    assert output(described) == value


def test_uuid_makes_a_version_4_uuid(client: Any, unique: str) -> None:
    made = output(run_states(client, unique, one(Output="{% $uuid() %}")))

    assert uuid.UUID(made).version == 4


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("$states.input.missing", id="returns nothing"),
        pytest.param("$states.input.a + 1", id="type error"),
        pytest.param("$eval('1')", id="eval is not supported"),
        pytest.param("$sum", id="returns a function"),
        pytest.param("$unknown()", id="unknown function"),
        pytest.param("1/0", id="not a number"),
    ],
)
def test_a_failing_expression_is_a_query_evaluation_error(
    client: Any, unique: str, expression: str
) -> None:
    machine = create_machine(client, unique, one(Output="{% " + expression + " %}"))

    described = finish(client, start(client, machine, {"a": "text"}))

    assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert "'Only' (entered at the event id #2)" in described["cause"]
    events = [event["type"] for event in history(client, described["executionArn"])]
    assert events.count("EvaluationFailed") == 1


def test_a_failing_argument_can_be_caught(client: Any, unique: str) -> None:
    states = {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues",
            "Arguments": {"QueueNamePrefix": "{% $states.input.missing %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.QueryEvaluationError"],
                    "Output": "{% $states.errorOutput.Error %}",
                    "Next": "Caught",
                }
            ],
            "End": True,
        },
        "Caught": {"Type": "Succeed"},
    }

    described = run_states(client, unique, states)

    assert output(described) == "States.QueryEvaluationError"
    events = [event["type"] for event in history(client, described["executionArn"])]
    assert events.count("EvaluationFailed") == 1


def test_what_a_state_assigns_is_visible_from_the_next_state_on(client: Any, unique: str) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"x": 1, "q": 'a"b'}, "Next": "Second"},
        "Second": {
            "Type": "Pass",
            "Assign": {"x": "{% $x + 1 %}"},
            "Output": {"during": "{% $x %}"},
            "Next": "Third",
        },
        "Third": {
            "Type": "Succeed",
            "Output": {
                "before": "{% $states.input.during %}",
                "after": "{% $x %}",
                "q": "{% $q %}",
            },
        },
    }

    assert output(run_states(client, unique, states)) == {"before": 1, "after": 2, "q": 'a"b'}


def test_a_choice_without_a_match_fails_by_name(client: Any, unique: str) -> None:
    states = {
        "Pick": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n > 3 %}", "Next": "Big"}],
        },
        "Big": {"Type": "Succeed"},
    }

    described = run_states(client, unique, states, {"n": 1})

    assert (described["status"], described["error"]) == ("FAILED", "States.NoChoiceMatched")


def test_a_choice_takes_the_first_match_with_its_output(client: Any, unique: str) -> None:
    states = {
        "Pick": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.n > 3 %}", "Next": "End"},
                {
                    "Condition": "{% $states.input.n > 0 %}",
                    "Assign": {"size": "small"},
                    "Output": {"n": "{% $states.input.n * 10 %}"},
                    "Next": "End",
                },
            ],
            "Default": "End",
        },
        "End": {"Type": "Succeed", "Output": ["{% $size %}", "{% $states.input.n %}"]},
    }

    assert output(run_states(client, unique, states, {"n": 1})) == ["small", 10]


def test_a_condition_that_is_not_boolean_is_an_evaluation_error(client: Any, unique: str) -> None:
    states = {
        "Pick": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n %}", "Next": "End"}],
            "Default": "End",
        },
        "End": {"Type": "Succeed"},
    }

    described = run_states(client, unique, states, {"n": 1})

    assert described["error"] == "States.QueryEvaluationError"


def test_the_context_object_names_the_execution_and_the_state(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, one(Output="{% $states.context %}"))

    described = finish(client, start(client, machine, {"a": 1}, name=f"{unique}-run"))

    context = output(described)
    assert context["Execution"]["Id"] == described["executionArn"]
    assert context["Execution"]["Name"] == f"{unique}-run"
    assert context["Execution"]["Input"] == {"a": 1}
    assert context["StateMachine"] == {"Id": machine, "Name": unique}
    assert context["State"]["Name"] == "Only"
    assert context["Execution"]["StartTime"] <= context["State"]["EnteredTime"]
    assert context["State"]["EnteredTime"].endswith("Z")


def test_a_map_gives_each_item_and_its_index(client: Any, unique: str) -> None:
    states = {
        "Each": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "ItemSelector": {
                "item": "{% $states.context.Map.Item.Value %}",
                "index": "{% $states.context.Map.Item.Index %}",
            },
            "ItemProcessor": {
                "StartAt": "One",
                "States": {
                    "One": {
                        "Type": "Pass",
                        "Output": "{% $states.input.item & $string($states.input.index) %}",
                        "End": True,
                    }
                },
            },
            "End": True,
        }
    }

    assert output(run_states(client, unique, states, {"items": ["a", "b"]})) == ["a0", "b1"]


def test_a_definition_keeps_its_escapes(client: Any, unique: str) -> None:
    text = 'quote " slash / back \\ new\nline \U0001f600'

    described = run_states(client, unique, one(Output={"text": text, "json": json.dumps({"a": 1})}))

    assert output(described) == {"text": text, "json": '{"a": 1}'}


def test_a_definition_may_escape_a_slash_as_json_does(client: Any, unique: str) -> None:
    machine = create_machine(client, unique, one(Output="a slash"))
    states = client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]

    states.update_state_machine(
        stateMachineArn=machine, definition=definition.replace("a slash", r"a \/ b")
    )

    assert output(run(client, machine)) == "a / b"


def test_within_a_predicate_the_item_is_at_hand(client: Any, unique: str) -> None:
    described = run_states(
        client, unique, one(Output="{% $states.input.n[$ > 1] %}"), {"n": [1, 2, 3]}
    )

    assert output(described) == [2, 3]
    told = client("stepfunctions").describe_state_machine_for_execution(
        executionArn=described["executionArn"]
    )
    assert "[$ > 1]" in told["definition"]


def test_a_variable_is_read_by_the_other_query_language_too(client: Any, unique: str) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"x": {"y": 7}}, "Next": "Second"},
        "Second": {"Type": "Pass", "Parameters": {"z.$": "$x.y"}, "End": True},
    }

    described = run_states(client, unique, states, QueryLanguage="JSONPath")

    assert output(described) == {"z": 7}


def test_queries_tell_the_virtual_time(cloud: LocalCloud, client: Any, unique: str) -> None:
    machine = create_machine(client, unique, one(Output="{% $millis() %}"))
    before = cloud.now()

    told = datetime.fromtimestamp(output(run(client, machine)) / 1000, UTC)

    assert before - MILLISECOND <= told <= cloud.now()
