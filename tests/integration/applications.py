"""A release in the vault, the function that serves it, and a Bedrock that answers it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint

from sluice.domain.serving import serving
from tests.builders import BUCKET, a_bedrock_manifest, a_pinned, a_release_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace

    import pytest

ROOT = Path(__file__).parent.parent.parent
QUESTION = {"question": "Where are the invoices?"}
FUNCTION_MILLISECONDS = 120_000
THROTTLED = ("ThrottlingException", 429)
TEMPLATE = b"Use these passages:\n{{context}}\n\nQuestion: {{question}}\n"
SYSTEM = b"Answer in one sentence."
FOLDER = "releases/support/v3-0123456789ab"
_TEXTS = {"prompts/p.txt": TEMPLATE, "prompts/system.txt": SYSTEM}


def put_release(
    s3: Any, texts: dict[str, bytes] | None = None, *, profile: str = "", **config: Any
) -> str:
    """Put a release into the vault; what `SLUICE_VERSION` says of it."""
    texts = texts or _TEXTS
    if "prompts/system.txt" in texts:
        config = {"system_prompt_file": "prompts/system.txt", **config}
    pinned = a_pinned(**config)
    whole = a_bedrock_manifest(
        release=a_release_name("support-v3"),
        config=pinned.config,
        model=pinned.model.model_copy(update={"profile": profile}),
    )
    sums = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    others = [one for one in whole.objects if one.name not in texts]
    captured = [others[0].model_copy(update={"name": n, "sha256": s}) for n, s in sums.items()]
    whole = whole.model_copy(update={"objects": (*others, *captured)})
    manifest = whole.canonical().encode()
    for name, text in texts.items():
        s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=text)
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/manifest.json", Body=manifest)
    uri = f"s3://{BUCKET}/{FOLDER}/manifest.json"
    return serving(uri, hashlib.sha256(manifest).hexdigest())


@dataclass
class Bedrock:
    """What was asked of Bedrock's runtimes, and what they answer."""

    monkeypatch: pytest.MonkeyPatch
    asked: list[tuple[str, Any]] = field(default_factory=list)
    refusals: list[tuple[str, int] | Exception] = field(default_factory=list)
    """What the next calls are answered with instead: a code and a status, or no answer at all."""
    answer: dict[str, Any] = field(
        default_factory=lambda: {
            "output": {"message": {"role": "assistant", "content": [{"text": "In the archive."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 21, "outputTokens": 4, "totalTokens": 25},
            "metrics": {"latencyMs": 12},
        }
    )
    passages: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        real = Endpoint._do_get_response  # type: ignore[attr-defined]
        operations: dict[str, Callable[[], Any]] = {
            "Converse": self._converse,
            "Retrieve": self._retrieve,
        }

        def answer(endpoint: Endpoint, request: Any, model: Any, context: Any) -> Any:
            if model.name not in operations:
                return real(endpoint, request, model, context)
            self.asked.append((model.name, self._sent(request)))
            if self.refusals:
                refusal = self.refusals.pop(0)
                if isinstance(refusal, Exception):
                    return None, refusal
                code, status = refusal
                said = {"Error": {"Code": code, "Message": "said by Bedrock"}}
                return self._answered(status, said), None
            return self._answered(200, operations[model.name]()), None

        self.monkeypatch.setattr(Endpoint, "_do_get_response", answer)

    def conversations(self) -> list[Any]:
        """Every Converse, in order, as it went over the wire."""
        return [sent for operation, sent in self.asked if operation == "Converse"]

    @staticmethod
    def _sent(request: Any) -> dict[str, Any]:
        body = json.loads(request.body)
        return {"path": request.url.partition(".com")[2], **body}

    @staticmethod
    def _answered(status: int, body: dict[str, Any]) -> Any:
        meta = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}
        raw: Any = AWSResponse("https://bedrock.example", status, HTTPHeaders(), BytesIO())
        raw._content = b""
        return raw, {**body, **meta}

    def _converse(self) -> Any:
        return self.answer

    def _retrieve(self) -> Any:
        return {"retrievalResults": self.passages}


class Function:
    """The function as Lambda runs it: started once, invoked with so much time left."""

    def __init__(self, context: SimpleNamespace) -> None:
        self._context = context
        self._app: ModuleType | None = None
        self._left = 0.0
        self.rested: list[float] = []

    def start(self) -> ModuleType:
        """A cold start: the module runs from its top."""
        path = ROOT / "functions" / "serve_bedrock" / "app.py"
        spec = importlib.util.spec_from_file_location("functions.serve_bedrock.app", path)
        assert spec
        assert spec.loader
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
        app.answering = replace(app.answering, rest=self._rest)
        self._app = app
        return app

    def __call__(self, event: Any = QUESTION, *, left: float = FUNCTION_MILLISECONDS) -> Any:
        """Invoke it."""
        app, self._left = self._app or self.start(), left
        self._context.get_remaining_time_in_millis = lambda: int(self._left)
        return app.lambda_handler(event, self._context)

    def _rest(self, seconds: float) -> None:
        self.rested.append(seconds)
        self._left -= seconds * 1000
