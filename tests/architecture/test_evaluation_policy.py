"""The evaluation policy that is deployed can be used: a broken one must not get as far as AWS."""

from __future__ import annotations

from sluice.adapters.deployed import policy_beside
from sluice.domain.evaluation_policy import Section
from tests.architecture.project import ROOT

APP = ROOT / "functions" / "register_package" / "app.py"


def test_the_policy_that_is_shipped_can_be_used_and_demands_nothing() -> None:
    policy = policy_beside(str(APP))

    assert policy.section_of("no-group-is-called-so") == ("default", Section())
