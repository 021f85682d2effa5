"""An AWS on loopback that answers from a scenario, and remembers which calls it got.

It lives in the benchmark's own process: what it costs is never part of what is measured.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from benchmarks.ledger import Ledger
from benchmarks.scenario import Answer, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_SECONDS = 0.01
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/(?P<service>[^/]+)/aws4_request")
# S3 names no operation: it is the method, and which of these a request carries.
_S3_OPERATIONS = {
    ("HEAD", ""): "HeadObject",
    ("GET", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPartCopy",
    ("POST", "uploadId"): "CompleteMultipartUpload",
}
_WRITES = frozenset({"PutObject", "CompleteMultipartUpload"})
_READS = frozenset({"HeadObject", "GetObject"})


class StubAws:
    """One scenario at a time."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._answers: dict[str, Answer] = {}
        self._objects: set[str] = set()
        self._ledger = Ledger()
        self.calls: list[str] = []
        self.unanswered: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, scenario: Scenario) -> None:
        """Answer from `scenario` from now on, its ledger as at its start."""
        self._answers, self._objects = scenario.answers, set(scenario.objects)
        self._ledger = Ledger(scenario.ledger)
        self.calls, self.unanswered = [], []

    def answer(self, call: str, path: str, body: bytes) -> Answer:
        """The answer to one call; a refusal that SDKs do not retry where the scenario has none."""
        self.calls.append(call)
        service, _, operation = call.partition(":")
        if service == "s3" and self._is_absent(operation, path):
            return Answer("", status=404)
        for named in (f"{call} {_key(path)}", call):
            if named in self._answers:
                return self._answers[named]
        if service == "dynamodb":
            return Answer(json.dumps(self._ledger.answer(operation, json.loads(body))))
        self.unanswered.append(call)
        refusal = {"__type": "ValidationException", "message": f"no answer to {call}"}
        return Answer(json.dumps(refusal), status=400)

    def _is_absent(self, operation: str, path: str) -> bool:
        """Whether the object is asked for that nobody wrote yet."""
        if operation in _WRITES:
            self._objects.add(_key(path))
        return operation in _READS and _key(path) not in self._objects


def _key(path: str) -> str:
    """The key of the object that a path of S3 names, after its bucket."""
    return urlsplit(path).path.lstrip("/").partition("/")[2]


@contextmanager
def stub_aws(port: int = 0) -> Iterator[StubAws]:
    """A stub that listens on loopback until the block ends; port 0 takes a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    stub = StubAws(server)
    server.stub = stub  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


def operation_of(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """Which operation a signed request calls, as `service:Operation`."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    service = scope["service"] if scope else "unsigned"
    if "x-amz-target" in headers:
        return f"{service}:{headers['x-amz-target'].rpartition('.')[2]}"
    if service == "s3":
        parameters = parse_qs(urlsplit(path).query, keep_blank_values=True)
        named = next((one for one in ("uploads", "uploadId") if one in parameters), "")
        return f"s3:{_S3_OPERATIONS.get((method, named), method)}"
    if service == "lambda":
        return "lambda:Invoke" if path.endswith("/invocations") else f"lambda:{method} {path}"
    action = parse_qs(body.decode()).get("Action", [f"{method} {path}"])
    return f"{service}:{action[0]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        stub: StubAws = self.server.stub  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = operation_of(self.command, self.path, headers, body)
        self._send(stub.answer(call, self.path, body))

    def _send(self, answer: Answer) -> None:
        """In one piece: how often the client must read is part of what is counted."""
        body = answer.body.encode("latin-1")
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-amzn-RequestId": "52fdfc07-2182-154f-163f-5f0f9a621d72",
            **answer.headers,
        }
        lines = [f"HTTP/1.1 {answer.status} Answered", *(f"{k}: {v}" for k, v in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Nothing: the benchmark's output is its table."""
