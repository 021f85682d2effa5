"""JSONata in a definition: every `{% ... %}`, parsed once.

Step Functions fails an expression that returns nothing with `States.QueryEvaluationError`
(Handling errors in Step Functions workflows).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils


class QueryError(Exception):
    """An expression failed, or returned nothing."""


def evaluated(template: Any, variables: dict[str, Any]) -> Any:
    """`template` with each expression in it replaced by its value. Raises QueryError."""
    match template:
        case str() if template.strip().startswith("{%"):
            return _value(template.strip()[2:-2].strip(), variables)
        case dict():
            return {name: evaluated(inner, variables) for name, inner in template.items()}
        case list():
            return [evaluated(inner, variables) for inner in template]
        case _:
            return template


def _value(expression: str, variables: dict[str, Any]) -> Any:
    query = _parsed(expression)
    Jsonata.CURRENT.jsonata = query  # functions such as $string ask for it
    try:
        result = query.evaluate(None, variables)
    except Exception as error:
        message = f"{expression}: {error}"
        raise QueryError(message) from error
    if result is None:
        message = f"{expression} returned nothing"
        raise QueryError(message)
    return json.loads(json.dumps(Utils.convert_nulls(result)))


@cache
def _parsed(expression: str) -> Any:
    query = Jsonata(expression)
    query.set_output_convert_nulls(False)
    return query
