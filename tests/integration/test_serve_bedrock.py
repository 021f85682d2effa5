"""The function that answers for an application, on a release in the vault."""

from __future__ import annotations

import importlib.util
import json
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from sluice.adapters.bedrock_errors import RefusedError
from tests.builders import BUCKET
from tests.integration.applications import FOLDER, SYSTEM, Bedrock, put_release
from tests.integration.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace

MODEL = "anthropic.claude-sonnet-4-5-20251001-v2:0"
QUESTION = {"question": "Where are the invoices?"}
FUNCTION_MILLISECONDS = 120_000
THROTTLED = ("ThrottlingException", 429)


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


@pytest.fixture
def bedrock(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Bedrock:
    return Bedrock(monkeypatch)


@pytest.fixture
def ask(bedrock: Bedrock, context: SimpleNamespace) -> Function:
    return Function(context)


@pytest.fixture
def release(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Put a release into the vault and make it what the function's version serves."""

    def put(texts: dict[str, bytes] | None = None, **changes: Any) -> str:
        said = put_release(aws("s3"), texts, **changes)
        monkeypatch.setenv("SLUICE_VERSION", said)
        return said

    return put


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """What the one invocation put into CloudWatch."""

    def read() -> dict[str, Any]:
        (line,) = [one for one in capsys.readouterr().out.splitlines() if '"_aws"' in one]
        said: dict[str, Any] = json.loads(line)
        return said

    return read


def test_a_question_is_answered_in_the_versions_name(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()

    answer = ask({"question": "Where are the invoices?", "context": ["Invoices: archive."]})

    assert answer == {
        "answer": "In the archive.",
        "version": "support-v3",
        "model_id": MODEL,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 21, "output_tokens": 4},
    }
    (sent,) = bedrock.conversations()
    assert sent["path"].startswith(f"/model/{MODEL.replace(':', '%3A')}/converse")
    assert sent["system"] == [{"text": SYSTEM.decode()}]
    prompt = "Use these passages:\n[1] Invoices: archive.\n\nQuestion: Where are the invoices?\n"
    assert sent["messages"] == [{"role": "user", "content": [{"text": prompt}]}]


def test_what_the_config_leaves_out_is_not_sent(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release({"prompts/p.txt": b"{{question}}"})

    ask()

    (sent,) = bedrock.conversations()
    assert set(sent) == {"path", "messages"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"max_tokens": 2048, "top_p": 0.9}, {"maxTokens": 2048, "topP": 0.9}),
    ],
)
def test_parameters_are_sent_as_the_config_has_them(
    release: Any, ask: Function, bedrock: Bedrock, ours: Any, theirs: Any
) -> None:
    release(inference_config=ours)

    ask()

    (sent,) = bedrock.conversations()
    assert sent["inferenceConfig"] == theirs


def test_a_pinned_profile_is_what_is_called(release: Any, ask: Function, bedrock: Bedrock) -> None:
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}"
    release(profile=profile)

    answer = ask()

    (sent,) = bedrock.conversations()
    assert sent["path"].startswith("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A")
    assert answer["model_id"] == MODEL


@pytest.mark.parametrize("name", ["manifest.json", "prompts/p.txt", "prompts/system.txt"])
def test_one_flipped_byte_in_the_vault_and_nothing_is_answered(
    aws: Callable[[str], Any], release: Any, ask: Function, bedrock: Bedrock, name: str
) -> None:
    release()
    key, s3 = f"{FOLDER}/{name}", aws("s3")
    body = bytearray(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    body[len(body) // 2] ^= 1
    s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(body))

    with pytest.raises(Exception, match=rf"support-v3: .*{name} has the SHA-256"):
        ask()
    assert bedrock.asked == []


def test_a_release_is_read_once_and_kept(
    release: Any, ask: Function, faults: Any, bedrock: Bedrock
) -> None:
    release()
    with faults.recorded() as seen:
        ask.start()
        assert seen == ["GetObject"] * 3
        ask()
        ask()

    assert seen == [*["GetObject"] * 3, "Converse", "Converse"]


def test_a_release_that_could_not_be_read_at_first_is_read_when_somebody_asks(
    release: Any, ask: Function, faults: Any
) -> None:
    release()
    with faults.refusing("GetObject", "InternalError", status=500):
        ask.start()
        with pytest.raises(Exception, match=r"support-v3: An error occurred \(InternalError\)"):
            ask()

    assert ask()["version"] == "support-v3"


def test_a_version_without_a_release_says_so(
    ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    with pytest.raises(Exception, match="no version is released"):
        ask()

    assert bedrock.asked == []
    assert (counted()["version"]) == "unreleased"


def test_a_variable_that_names_no_manifest_says_so(
    ask: Function, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_VERSION", "support-v3")

    with pytest.raises(Exception, match="'support-v3' is not s3://bucket/key of a manifest"):
        ask()
    assert bedrock.asked == []


def test_what_nobody_foresaw_is_raised_in_the_versions_name_and_counted(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release()
    bedrock.answer = {}

    with pytest.raises(Exception, match="support-v3: KeyError"):
        ask()
    assert counted()["Errors"] == [1]


def test_a_template_without_a_question_is_not_served(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release({"prompts/p.txt": b"Say {{ question }}."})

    with pytest.raises(Exception, match=r"support-v3: .*prompts/p.txt does not hold \{\{question"):
        ask()
    assert bedrock.asked == []


@pytest.mark.parametrize(
    "refusal",
    [
        THROTTLED,
        ("ServiceUnavailableException", 503),
        ("InternalServerException", 500),
        ("ModelNotReadyException", 429),
        ConnectionClosedError(endpoint_url="https://x"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=str,
)
def test_what_passes_is_asked_again(
    release: Any, ask: Function, bedrock: Bedrock, refusal: Any
) -> None:
    release()
    bedrock.refusals = [refusal, refusal]

    assert ask()["answer"] == "In the archive."
    first, *again = bedrock.conversations()
    assert again == [first, first]
    assert len(ask.rested) == 2


def test_throttled_for_good_it_is_raised_and_counted(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release()
    bedrock.refusals = [THROTTLED] * 1000

    with pytest.raises(Exception, match="support-v3: ThrottlingException: said by Bedrock"):
        ask()

    asked = len(bedrock.conversations())
    assert asked > 4
    assert sum(ask.rested) <= 15  # what is left must do for one more answer
    said = counted()
    assert (said["Requests"], said["Errors"], said["Throttles"]) == ([1], [1], [asked])
    assert "InputTokens" not in said


def test_with_no_time_left_nothing_is_asked_again(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    bedrock.refusals = [THROTTLED]

    with pytest.raises(Exception, match="ThrottlingException"):
        ask(left=100_000)
    assert len(bedrock.conversations()) == 1


@pytest.mark.parametrize(
    "code", ["ValidationException", "AccessDeniedException", "ModelErrorException"]
)
def test_what_bedrock_refuses_is_not_asked_again(
    release: Any, ask: Function, bedrock: Bedrock, code: str
) -> None:
    release()
    bedrock.refusals = [(code, 400)]

    with pytest.raises(Exception, match=f"support-v3: {code}: said by Bedrock"):
        ask()
    assert len(bedrock.conversations()) == 1


def test_a_model_that_takes_too_long_is_the_versions_error(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    bedrock.refusals = [ReadTimeoutError(endpoint_url="https://x")]

    with pytest.raises(Exception, match="support-v3: ReadTimeoutError"):
        ask(left=FUNCTION_MILLISECONDS - 85_000)
    assert len(bedrock.conversations()) == 1


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        None,
        "text",
        {"question": ""},
        {"question": " \n"},
        {"question": 7},
        {"question": "x" * 16_385},
        {"question": "\ud83d"},
        {"question": "x", "context": "text"},
        {"question": "x", "context": [1]},
        {"question": "x", "context": ["\udc00"]},
        {"question": "x", "contexts": []},
        {"body": '{"question": "x"}'},
    ],
    ids=lambda event: repr(event)[:30],
)
def test_a_wrong_request_is_told_what_to_change_and_is_no_error_of_the_version(
    release: Any,
    ask: Function,
    bedrock: Bedrock,
    counted: Callable[[], dict[str, Any]],
    event: Any,
) -> None:
    release()

    answer = ask(event)

    assert answer["error"]["code"] == "InvalidRequest"
    assert len(answer["error"]["message"]) > 10
    assert answer["version"] == "support-v3"
    assert bedrock.asked == []
    said = counted()
    assert (said["Requests"], said["Errors"]) == ([1], [0])


def test_requests_are_counted_by_application_and_version_and_nothing_else(
    release: Any, ask: Function, counted: Callable[[], dict[str, Any]]
) -> None:
    release()

    ask()

    said = counted()
    (declared,) = said["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == "Sluice"
    assert [sorted(one) for one in declared["Dimensions"]] == [["application", "version"]]
    assert (said["application"], said["version"]) == ("support", "support-v3")
    names = {one["Name"] for one in declared["Metrics"]}
    assert names == {
        "Requests",
        "Errors",
        "Throttles",
        "LatencyMs",
        "InputTokens",
        "OutputTokens",
    }
    assert (said["InputTokens"], said["OutputTokens"]) == ([21], [4])


KNOWLEDGE = {"knowledge_base_id": "KB12345678"}
FOUND = [
    {
        "content": {"text": "Invoices lie in the archive."},
        "location": {"type": "S3", "s3Location": {"uri": "s3://docs/a.txt"}},
        "score": 0.8,
    },
    {"content": {"type": "IMAGE", "byteContent": "data:"}, "location": {"type": "S3"}},
    {
        "content": {"text": "Ask Ada."},
        "location": {"type": "WEB", "webLocation": {"url": "https://wiki.example/ada"}},
    },
]


def test_a_knowledge_base_is_asked_for_passages(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release(**KNOWLEDGE)
    bedrock.passages = FOUND

    answer = ask()

    (operation, looked_up), (_, sent) = bedrock.asked
    assert operation == "Retrieve"
    assert looked_up["path"] == "/knowledgebases/KB12345678/retrieve"
    assert looked_up["retrievalQuery"] == {"text": QUESTION["question"]}
    said = sent["messages"][0]["content"][0]["text"]
    assert "passages:\n[1] Invoices lie in the archive.\n[2] Ask Ada.\n" in said
    assert answer["citations"] == [
        {"number": 1, "source": "s3://docs/a.txt", "text": "Invoices lie in the archive."},
        {"number": 2, "source": "https://wiki.example/ada", "text": "Ask Ada."},
    ]


@pytest.mark.parametrize(
    ("template", "event"),
    [
        (b"{{context}} {{question}}", {**QUESTION, "context": ["mine"]}),
        (b"{{context}} {{question}}", {**QUESTION, "context": []}),
        (b"{{question}}", QUESTION),
    ],
    ids=["passages of one's own", "none, on purpose", "no place for any"],
)
def test_nobody_looks_up_what_is_not_wanted(
    release: Any, ask: Function, bedrock: Bedrock, template: bytes, event: Any
) -> None:
    release({"prompts/p.txt": template}, **KNOWLEDGE)

    answer = ask(event)

    assert [operation for operation, _ in bedrock.asked] == ["Converse"]
    assert "citations" not in answer


def test_a_look_up_that_is_throttled_is_made_again(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release(**KNOWLEDGE)
    bedrock.refusals = [THROTTLED]

    assert ask()["citations"] == []
    assert [operation for operation, _ in bedrock.asked] == ["Retrieve", "Retrieve", "Converse"]
    assert counted()["Throttles"] == [1]


def test_a_template_of_100_kb_and_more_arrives_as_it_is(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    text = "{% x %} {x} $x %s {{ question }} \u202e\u05e9\u05dc 漢字 😀\r\n" * 3000
    release({"prompts/p.txt": f"{text}{{{{question}}}}".encode()})

    ask({"question": "{{context}} ${x}"})

    (sent,) = bedrock.conversations()
    assert sent["messages"][0]["content"][0]["text"] == f"{text}{{{{context}}}} ${{x}}"


def test_thoughts_of_a_model_are_no_part_of_its_answer(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    reasoning = {"reasoningContent": {"reasoningText": {"text": "hm"}}}
    bedrock.answer["output"]["message"]["content"] = [reasoning, {"text": "In "}, {"text": "it."}]

    assert ask()["answer"] == "In it."


@pytest.mark.parametrize("refusals", [[], [("ValidationException", 400)]])
def test_neither_questions_nor_prompts_are_logged(
    release: Any,
    ask: Function,
    bedrock: Bedrock,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    refusals: Any,
) -> None:
    release()
    bedrock.refusals = refusals
    raised = ""

    with caplog.at_level("INFO", logger="sluice"):
        try:
            ask({"question": "my secret", "context": ["my passage"]})
        except Exception as error:
            raised = f"{error}{error.__cause__}{error.__context__}"

    said = f"{caplog.text}{[vars(one) for one in caplog.records]}{capsys.readouterr()}{raised}"
    assert ask.start().logger.get_current_keys()["version"] == "support-v3"  # in every line
    assert "question taken" in said
    for private in ("my secret", "my passage", "Use these passages", SYSTEM.decode()):
        assert private not in said


def test_what_the_sdk_complains_of_does_not_quote_the_prompt(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    app = ask.start()
    broken = replace(app.loading.served(), system=["my secret"])

    with pytest.raises(RefusedError, match=r"^ParamValidationError$") as raised:
        app.answering.conversation.ask(broken, "question")

    printed = "".join(traceback.format_exception(raised.value))
    assert "my secret" not in printed
    assert bedrock.asked == []


@pytest.fixture
def shown(release: Any, bedrock: Bedrock) -> Any:
    """The handler of one's own that the docs show, on a release."""
    page = (ROOT / "docs" / "bedrock.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    release({"prompts/p.txt": b"{{question}}? <<question>>"}, profile="arn:aws:bedrock:::p/us.x")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    return names["handler"]


def test_the_function_of_ones_own_that_the_docs_show_answers(shown: Any, bedrock: Bedrock) -> None:
    shown(QUESTION, None)

    (sent,) = bedrock.conversations()
    said = sent["messages"][0]["content"][0]["text"]
    assert said == "{{question}}? Where are the invoices?"
    assert sent["path"].startswith("/model/arn%3Aaws%3Abedrock")


def test_the_function_of_ones_own_that_the_docs_show_refuses_other_bytes(
    aws: Callable[[str], Any], shown: Any, bedrock: Bedrock
) -> None:
    aws("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}/prompts/p.txt", Body=b"<<question>>")

    with pytest.raises(ValueError, match="not what was captured"):
        shown(QUESTION, None)
    assert bedrock.asked == []
