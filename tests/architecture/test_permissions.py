"""Least privilege, by reading: each role allows what its code can call, and nothing else.

`make prove-permissions` shows the same by taking actions away and running the system.
"""

from __future__ import annotations

import copy

import pytest

from tests.architecture.needs import (
    allows,
    complaints,
    needs,
    reached,
    statements_of,
)
from tests.architecture.project import FUNCTIONS, listed, pascal, resources
from tests.architecture.reach import calls_of_adapters

ROLES = sorted(resources("AWS::IAM::Role"))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_every_call_its_code_can_make(role: str) -> None:
    assert needs(role) - allows(statements_of(role)) == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_no_call_its_code_cannot_make(role: str) -> None:
    assert allows(statements_of(role)) - needs(role) == set()


@pytest.mark.parametrize("role", ROLES)
def test_an_action_stands_in_one_statement_for_the_same_objects(role: str) -> None:
    found = [need for one in statements_of(role) for need in allows([one])]

    assert len(set(found)) == len(found)


@pytest.mark.parametrize("role", ROLES)
def test_whichever_action_is_taken_away_somebody_complains(role: str) -> None:
    statements = statements_of(role)
    for number, statement in enumerate(statements):
        for action in listed(statement["Action"]):
            without = copy.deepcopy(statements)
            without[number]["Action"] = [
                one for one in listed(statement["Action"]) if one != action
            ]
            found = complaints(role, without)
            assert found  # one for each part of the bucket
            assert all(one.startswith(f"{role} needs {action}") for one in found)


def test_every_call_that_an_adapter_has_is_reached_from_some_function() -> None:
    # What the reading of sources overlooks, or nobody uses, would show here.
    found = {call for app in FUNCTIONS for call in reached(pascal(app.parent.name)).calls}
    elsewhere = {
        *("Table.write", "Table._single"),  # carry out what others build
    }

    left = {call.where for call in calls_of_adapters() - found}
    assert left - elsewhere == set()
