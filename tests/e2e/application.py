"""An application's line: configurations pushed by commit, and what its alias leads to."""

import json
import re
import uuid
from typing import Any

from tests.e2e.folders import plan
from tests.e2e.line import Line
from tests.e2e.stack import Stack

NAME = "support"
"""The stack's `DefaultApplication`: one for all tests, its function is the stack's own."""
MODEL = "anthropic.claude-sonnet-4-5-20251001-v2:0"
_RELEASE = re.compile(r"/v(\d+)-[^/]+/manifest\.json#")


class Application:
    """The application that the stack serves."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self._lambda = stack, stack.client("lambda")
        self.function = stack.resources["ServeBedrockFunction"]
        self.line = Line(stack, NAME, kind="application", weights=self.weights)

    def push(self, version: int, template: str, **changes: Any) -> None:
        """Push a new commit's configuration; wait until it is registered as this version."""
        commit = uuid.uuid4().hex
        config = {
            "model_id": MODEL,
            "prompt_template_file": "prompts/rag.txt",
            "prompt_template_version": commit,
            "rollout": plan(),
            **changes,
        }
        files = {
            "prompts/rag.txt": template.encode(),
            "evaluation-results.json": json.dumps({"accuracy": 0.9}).encode(),
            "bedrock-config.json": json.dumps(config).encode(),
        }
        for name, body in files.items():
            self.stack.client("s3").put_object(
                Bucket=self.stack.bucket, Key=f"configs/{commit}/{name}", Body=body
            )
        registered = f"v{version} is registered"
        self.line.until(registered, lambda: self.line.package_arn(version) or None, minutes=5)

    def ask(self, question: str, *context: str) -> dict[str, Any]:
        """What a client of the alias is answered."""
        payload = json.dumps({"question": question, "context": context})
        answer = self._lambda.invoke(FunctionName=f"{self.function}:live", Payload=payload)
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def asked_until_settled(self, version: int) -> None:
        """Let users ask, twice a second, until the version's rollout has settled."""

        def look() -> bool | None:
            self.ask("Who keeps the keys?", "Ada keeps the keys.")
            return ("Settled", version) in self.line.events() or None

        self.line.until(f"v{version} is settled", look, minutes=40)

    def led_to(self) -> dict[str, float]:
        """The percentage of requests that each version of the function gets."""
        alias = self._lambda.get_alias(FunctionName=self.function, Name="live")
        others = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        shares = {number: round(100 * share) for number, share in others.items()}
        return {alias["FunctionVersion"]: 100 - sum(shares.values()), **shares}

    def weights(self) -> dict[int, float]:
        """The percentage that each release gets; a version without a release is left out."""
        found = {self._release(number): share for number, share in self.led_to().items()}
        return {release: share for release, share in found.items() if release}

    def _release(self, number: str) -> int:
        told = self._lambda.get_function_configuration(
            FunctionName=self.function, Qualifier=number
        )["Environment"]["Variables"].get("SLUICE_VERSION", "")
        found = _RELEASE.search(told)
        return int(found[1]) if found else 0
