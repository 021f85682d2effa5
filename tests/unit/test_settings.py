"""What the template writes into the environment, as functions read it."""

import pytest

from sluice.settings import Settings


@pytest.mark.parametrize(
    ("said", "functions"),
    [
        pytest.param("", {}, id="no default application, no functions of one's own"),
        pytest.param("support=ours,", {"support": "ours"}, id="the default application alone"),
        pytest.param("desk=own", {"desk": "own"}, id="functions of one's own alone"),
        pytest.param(
            "support=ours,desk=own,shop=other",
            {"support": "ours", "desk": "own", "shop": "other"},
            id="both",
        ),
        pytest.param("support=ours,support=own", {"support": "own"}, id="one's own comes first"),
    ],
)
def test_each_application_has_the_function_that_answers_for_it(
    said: str, functions: dict[str, str]
) -> None:
    assert Settings(ledger_table="ledger", application_functions=said).functions == functions
