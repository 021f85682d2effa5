"""Metric math, on its own: series by the start of their periods.

AWS: AmazonCloudWatch/latest/monitoring/using-metric-math.html
Model: cloudwatch.GetMetricData
"""

import pytest

from localcloud.alarms.expressions import Expression
from localcloud.alarms.values import ExpressionError, Scope, Series

GRID = (0.0, 60.0, 120.0)
A = {0.0: 1.0, 60.0: 2.0, 120.0: 3.0}
B = {0.0: 10.0, 120.0: 0.0}


def value(text: str) -> Series:
    """The expression's value over two metrics, one with a gap."""
    return Expression(text).evaluate(Scope({"a": A, "b": B}, ("a", "b"), GRID, 60.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", {0.0: 11.0, 120.0: 3.0}),
        ("a * 2 - 1", {0.0: 1.0, 60.0: 3.0, 120.0: 5.0}),
        ("2 + 3 * 2 ^ 2", dict.fromkeys(GRID, 14.0)),
        ("-(a + 1)", {0.0: -2.0, 60.0: -3.0, 120.0: -4.0}),
        ("a / b", {0.0: 0.1}),
        ("1 / 0", {}),
        ("a > 1", {0.0: 0.0, 60.0: 1.0, 120.0: 1.0}),
        ("a > 1 AND a < 3", {0.0: 0.0, 60.0: 1.0, 120.0: 0.0}),
        ("a == 1 || a == 3", {0.0: 1.0, 60.0: 0.0, 120.0: 1.0}),
        ("IF(a >= 2, a, 0)", {0.0: 0.0, 60.0: 2.0, 120.0: 3.0}),
        ("IF(b > 0, a)", {0.0: 1.0}),
        ("FILL(b, 0)", {0.0: 10.0, 60.0: 0.0, 120.0: 0.0}),
        ("FILL(b, REPEAT)", {0.0: 10.0, 60.0: 10.0, 120.0: 0.0}),
        ("FILL(b, LINEAR)", {0.0: 10.0, 60.0: 5.0, 120.0: 0.0}),
        ("SUM(METRICS())", {0.0: 11.0, 60.0: 2.0, 120.0: 3.0}),
        ("SUM(FILL(METRICS(), 1))", {0.0: 11.0, 60.0: 3.0, 120.0: 3.0}),
        ('SUM(METRICS("b"))', B),
        ("MAX([a, b])", {0.0: 10.0, 60.0: 2.0, 120.0: 3.0}),
        ("a - AVG(a)", {0.0: -1.0, 60.0: 0.0, 120.0: 1.0}),
        ("MIN(a)", dict.fromkeys(GRID, 1.0)),
        ("RATE(a)", {60.0: 1 / 60, 120.0: 1 / 60}),
        ("DIFF(a)", {60.0: 1.0, 120.0: 1.0}),
        ("RUNNING_SUM(a)", {0.0: 1.0, 60.0: 3.0, 120.0: 6.0}),
        ("a / PERIOD(a)", {0.0: 1 / 60, 60.0: 2 / 60, 120.0: 3 / 60}),
        ("DATAPOINT_COUNT(b)", dict.fromkeys(GRID, 2.0)),
        ("METRIC_COUNT(METRICS())", dict.fromkeys(GRID, 2.0)),
        ("100 * FILL(b, 0) / (FILL(b, 0) + a)", {0.0: 1000 / 11, 60.0: 0.0, 120.0: 0.0}),
        ("CEIL(a / 2)", {0.0: 1.0, 60.0: 1.0, 120.0: 2.0}),
        ("LAST(a) + 1e2", dict.fromkeys(GRID, 103.0)),
    ],
)
def test_an_expression_has_its_value_where_there_is_data(text: str, expected: Series) -> None:
    assert value(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a +", id="no right side"),
        pytest.param("(a", id="no closing"),
        pytest.param("a b", id="two names"),
        pytest.param("__import__('os')", id="no such function"),
        pytest.param("a.b", id="no attributes"),
        pytest.param("METRICS()", id="more than one series"),
        pytest.param("'text' + 1", id="text"),
        pytest.param("", id="nothing"),
        pytest.param("SUM(a, b)", id="too many arguments"),
        pytest.param("a; b", id="unknown symbol"),
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        value(text)


def test_the_ids_an_expression_reads_are_known() -> None:
    assert Expression("IF(a > 1, SUM([b, c]), 0)").names == {"a", "b", "c"}
