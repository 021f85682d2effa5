"""Clients whose every answer is held against the service model, whatever the service."""

from __future__ import annotations

import json
from typing import Any

from botocore.validate import ParamValidator


def checked(client: Any) -> Any:
    """The client, which from now on fails on answers the service model does not declare."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"after-call.{service}", _check_answer)
    return client


def _check_answer(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code != 200 or model.output_shape is None:
        return
    answer = json.loads(http_response.content)
    report = ParamValidator().validate(answer, model.output_shape)
    assert not report.has_errors(), f"{model.name}: {report.generate_report()}"
    assert set(answer) <= set(model.output_shape.members), model.name
