"""CloudFormation's GetTemplate of the stack that our functions belong to, played here.

moto reads every service it has before it makes a stack, which takes longer than all these tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from botocore.parsers import create_parser

from tests.builders import ACCOUNT, REGION

if TYPE_CHECKING:
    import pytest

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sluice/51af3dc0-da77-11e4-872e"
YAML = "Resources:\n  Topic: {Type: AWS::SNS::Topic}  # größer\n"
JSON = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "A": "größer"}, indent=1)


@dataclass
class OwnStackPlayed:
    """What CloudFormation has as the stack's template."""

    template: str = YAML
    asked: int = 0


played = OwnStackPlayed()


def play(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer GetTemplate from `played`, through the SDK's own parsing."""
    real = Endpoint._do_get_response  # type: ignore[attr-defined]

    def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
        if model.name != "GetTemplate":
            return real(endpoint, request, model, context)
        asked = {name: one for name, (one,) in parse_qs(_text(request.body)).items()}
        assert (asked["StackName"], asked["TemplateStage"]) == (STACK_ID, "Original")
        played.asked += 1
        body = f"<TemplateBody>{escape(played.template)}</TemplateBody>"
        content = (
            f"<GetTemplateResponse><GetTemplateResult>{body}</GetTemplateResult>"
            "</GetTemplateResponse>"
        ).encode()
        parser = create_parser(model.metadata["protocol"])
        answered = {"body": content, "headers": HTTPHeaders(), "status_code": 200}
        parsed = parser.parse(answered, model.output_shape)
        raw = AWSResponse("https://cloudformation.example", 200, HTTPHeaders(), _NoBody())
        return (raw, parsed), None

    monkeypatch.setattr(Endpoint, "_do_get_response", answer)


class _NoBody:
    def stream(self) -> list[bytes]:
        return []


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)
