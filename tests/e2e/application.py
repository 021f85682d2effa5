"""One Bedrock application: its function, the alias `live`, and its line of versions.

Each test has an application of its own, answered for by a copy of the stack's function, as a user
of Sluice keeps one: only the alias and one environment variable are the contract.
"""

import io
import json
import threading
import time
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sluice.domain.names import LIVE, ROLLOUT_VARIABLE, VERSION_VARIABLE
from tests.e2e.built import built_template
from tests.e2e.folders import plan
from tests.e2e.line import Line
from tests.e2e.stack import Stack, function_of

MODEL_ID = "anthropic.claude-sonnet-4-5-20251001-v2:0"
SMALL_MODEL_ID = "meta.llama3-8b-instruct-v1:0"
"""It takes 8,192 tokens, and refuses what is longer."""
PROFILE = "us.anthropic.claude-opus-4-7"
"""It is reached by this inference profile alone."""
CONFIG, EVALUATION, PROMPT = "bedrock-config.json", "evaluation-results.json", "prompts/rag.txt"
TEMPLATE = "Answer from these passages only.\n{{context}}\n\n{{question}}\n"
QUESTION, PASSAGES = (
    "how long may goods be returned",
    ["Goods may be returned within thirty days.", "The shop opens at nine."],
)
LONG_QUESTION = "how long may goods be returned " * 300
LONG_TOGETHER = "As an example of how to answer, read this once more. " * 480
"""A template's preamble that leaves a small model no room for such a question."""
TOO_LONG = 2 * LONG_TOGETHER
"""One that leaves it none for any: it refuses whatever is asked."""


class Application:
    """Acts on one application; what became of its versions, its line tells."""

    def __init__(self, stack: Stack, name: str, function: str) -> None:
        self.stack = stack
        self.name = name
        self.function = function
        self.line = Line(stack, name, kind="application", weights=self.weights)
        self._lambda = stack.client("lambda")
        self._releases: dict[str, int] = {}
        self._users: list[Askers] = []

    def push(
        self,
        version: int,
        template: str = TEMPLATE,
        *,
        evaluation: dict[str, Any] | None = None,
        **config: Any,
    ) -> str:
        """Push a configuration that is to become `version`; wait until it is registered."""
        commit = self.upload(template, evaluation=evaluation, **config)
        self.line.until(
            f"v{version} is registered",
            lambda: self.line.package_arn(version) or None,
            minutes=5,
        )
        return commit

    def upload(
        self,
        template: str = TEMPLATE,
        *,
        evaluation: dict[str, Any] | None = None,
        evaluated: bool = True,
        **config: Any,
    ) -> str:
        """Push the folder of a new commit, which is returned; unless `evaluated`, it lacks that."""
        commit = f"{uuid.uuid4().hex}{'0' * 8}"
        wanted = {
            "model_id": MODEL_ID,
            "inference_config": {"max_tokens": 512},
            "prompt_template_file": PROMPT,
            "prompt_template_version": commit,
            "application": self.name,
            "rollout": plan(),
            "alarms": {"error_rate": 0.05, "evaluation_periods": 1, "datapoints": 1},
            **config,
        }
        content = {
            PROMPT: template.encode(),
            EVALUATION: json.dumps(evaluation or {"accuracy": 0.91}).encode(),
            CONFIG: json.dumps({k: v for k, v in wanted.items() if v is not ...}).encode(),
        }
        if not evaluated:
            del content[EVALUATION]
        for file, body in content.items():
            self.stack.client("s3").put_object(
                Bucket=self.stack.bucket, Key=f"configs/{commit}/{file}", Body=body
            )
        return commit

    def serve_first(self, **config: Any) -> "Askers":
        """Version 1 deployed, settled and proven by users, who stay."""
        self.push(1, **config)
        self.line.approve(1)
        self.line.until_serving({1: 100})
        users = self.users()
        self.line.until_event("Settled", 1)
        assert self.line.last_good() == [1], self.line.picture()
        return users

    def users(self, rate: float = 8.0) -> "Askers":
        """Let users come; they stay until the test ends."""
        users = Askers(partial(ask, self._lambda, self.function), rate)
        self._users.append(users)
        return users

    def leave(self) -> None:
        """Send the users home."""
        for users in self._users:
            users.stop()

    def alias(self) -> dict[str, Any]:
        """The alias as Lambda has it."""
        found: dict[str, Any] = self._lambda.get_alias(FunctionName=self.function, Name=LIVE)
        return found

    def weights(self) -> dict[int, float]:
        """The percentage of requests each release gets; nothing before the first one."""
        alias = self.alias()
        others = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        first = 100 - sum(100 * share for share in others.values())
        shares = {alias["FunctionVersion"]: first}
        shares |= {version: 100 * share for version, share in others.items()}
        return {
            self.release_of(version): round(share, 1)
            for version, share in shares.items()
            if self.release_of(version)
        }

    def release_of(self, version: str) -> int:
        """The release that a published version of the function serves; 0 for none."""
        if version not in self._releases:
            told = self._lambda.get_function_configuration(
                FunctionName=self.function, Qualifier=version
            )
            said = told.get("Environment", {}).get("Variables", {}).get(VERSION_VARIABLE, "")
            number = said.partition(f"releases/{self.name}/v")[2].partition("-")[0]
            self._releases[version] = int(number or 0)
        return self._releases[version]


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one question."""

    at: float
    """When it was asked, on the machine's monotonic clock."""
    function_version: str
    """The version that Lambda says answered."""
    version: int | None
    """The release that the answer itself names; None where there was no answer."""
    said: str
    error: str = ""


class Askers:
    """Asks `rate` questions a second until stopped."""

    def __init__(self, put: Any, rate: float) -> None:
        self._put = put
        self._interval = 1 / rate
        self._question = QUESTION
        self._answers: list[Reply] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="askers", daemon=True)
        self._thread.start()

    def say(self, question: str) -> None:
        """Ask something else from now on."""
        self._question = question

    def stop(self) -> None:
        """Ask nothing more. May be called twice."""
        self._stopping.set()
        self._thread.join()

    @property
    def answers(self) -> list[Reply]:
        """Every answer so far, oldest first."""
        return list(self._answers)

    @property
    def errors(self) -> list[Reply]:
        """The questions that were not answered."""
        return [answer for answer in self.answers if answer.error]

    def served_by(self, since: float = 0.0) -> Counter[int | None]:
        """How many questions each release answered, of those asked after `since`."""
        return Counter(answer.version for answer in self.answers if answer.at > since)

    def _ask(self) -> None:
        while not self._stopping.wait(self._interval):
            self._answers.append(self._put(self._question))


def own_function(stack: Stack, application: str) -> str:
    """A function like the stack's own, with an alias on a version that has no release."""
    name, client = function_of(application), stack.client("lambda")
    ours = client.get_function_configuration(FunctionName=stack.resources["ServeBedrockFunction"])
    kept = ("Handler", "LoggingConfig", "MemorySize", "Role", "Runtime", "Timeout")
    variables = ours["Environment"]["Variables"]
    for told in (VERSION_VARIABLE, ROLLOUT_VARIABLE):  # of what was published last
        variables.pop(told, None)
    client.create_function(
        FunctionName=name,
        Environment={"Variables": variables},
        Layers=[layer["Arn"] for layer in ours["Layers"]],
        Code={"ZipFile": _zipped(built_template().parent / "ServeBedrockFunction")},
        **{one: ours[one] for one in kept},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    first = client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name=LIVE, FunctionVersion=first["Version"])
    return name


def ask(client: Any, function: str, question: str, *, qualifier: str = LIVE) -> Reply:
    """Ask a function, by its alias, one question."""
    at = time.monotonic()
    body = json.dumps({"question": question, "context": PASSAGES})
    try:
        told = client.invoke(FunctionName=function, Qualifier=qualifier, Payload=body.encode())
    except ClientError as error:
        return Reply(at, "", None, "", str(error))
    payload = json.loads(told["Payload"].read())
    ran = str(told.get("ExecutedVersion", ""))
    if "FunctionError" in told or "error" in payload:
        return Reply(at, ran, None, "", json.dumps(payload))
    return Reply(at, ran, int(payload["version"].rpartition("-v")[2]), payload["answer"])


def _zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(folder))
    return content.getvalue()
