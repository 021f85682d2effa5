"""M of N and missing data: the tables of the user guide, newest datapoint last as printed there.

AWS: AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
AWS: AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import pytest

from localcloud.alarms.verdicts import Datapoint, Rule, judge

STAY = None
NO_DATA = "INSUFFICIENT_DATA"


def verdict(pattern: str, treatment: str, *, needed: int, periods: int = 3) -> str | None:
    """The state for a pattern of breaching X, good 0 and missing -, oldest first; None to stay."""
    rule = Rule("GreaterThanThreshold", 1.0, periods, needed, treatment)
    values = {"X": 2.0, "0": 0.0, "-": None}
    points = [Datapoint(60.0 * number, values[mark]) for number, mark in enumerate(pattern.split())]
    judged = judge(rule, points[::-1])
    return judged.state if judged else None


TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": (NO_DATA, STAY, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", STAY, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", STAY, "ALARM", "OK"),
}


@pytest.mark.parametrize("pattern", THREE_OF_THREE)
def test_three_of_three_datapoints(pattern: str) -> None:
    states = tuple(verdict(pattern, treatment, needed=3) for treatment in TREATMENTS)

    assert states == THREE_OF_THREE[pattern]


@pytest.mark.parametrize("pattern", TWO_OF_THREE)
def test_two_of_three_datapoints(pattern: str) -> None:
    states = tuple(verdict(pattern, treatment, needed=2) for treatment in TREATMENTS)

    assert states == TWO_OF_THREE[pattern]


def test_one_young_breach_among_missing_data_is_not_enough() -> None:
    assert verdict("- - - - X", "missing", needed=3) is STAY


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanThreshold", 1.0, "OK"),
        ("GreaterThanOrEqualToThreshold", 1.0, "ALARM"),
        ("LessThanThreshold", 1.0, "OK"),
        ("LessThanOrEqualToThreshold", 1.0, "ALARM"),
    ],
)
def test_the_threshold_itself_belongs_to_the_or_equal(
    comparison: str, value: float, state: str
) -> None:
    judged = judge(Rule(comparison, 1.0, 1, 1, "missing"), [Datapoint(0.0, value)])

    assert judged is not None
    assert judged.state == state


def test_the_reason_is_worded_as_published() -> None:
    at = 1570035540.0
    alarm = judge(
        Rule("GreaterThanThreshold", 50.0, 1, 1, "missing"), [Datapoint(at, 99.50160229693434)]
    )
    good = judge(Rule("GreaterThanThreshold", 50.0, 1, 1, "missing"), [Datapoint(at, 0.5)])
    unknown = judge(Rule("GreaterThanThreshold", 50.0, 1, 1, "missing"), [Datapoint(at, None)])
    filled = judge(Rule("GreaterThanThreshold", 50.0, 2, 2, "notBreaching"), [])

    assert alarm is not None
    assert good is not None
    assert unknown is not None
    assert filled is not None
    assert alarm.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] "
        "was greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert good.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [0.5 (02/10/19 16:59:00)] "
        "was not greater than the threshold (50.0) "
        "(minimum 1 datapoint for ALARM -> OK transition)."
    )
    assert unknown.reason == "Insufficient Data: 1 datapoint was unknown."
    assert filled.reason == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints "
        "were treated as [NonBreaching]."
    )
