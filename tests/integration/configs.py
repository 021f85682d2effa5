"""Bedrock configurations as engineers push them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain.bedrock_manifest import BedrockManifest, parse_any_manifest
from tests.builders import BUCKET, COMMIT, EVALUATION_RESULTS
from tests.integration.catalogue import MODEL_ID

if TYPE_CHECKING:
    from tests.integration.inbox import Inbox

PROMPT = b"Answer {question} from {context}."
PUBLISHED: dict[str, Any] = {
    "model_id": MODEL_ID,
    "inference_config": {"temperature": 0.1, "max_tokens": 2048, "top_p": 0.9},
    "prompt_template_file": "prompts/rag-prompt-template.txt",
    "prompt_template_version": "git-sha-here",
}
"""A configuration as it is published as an example, to be filled in with a commit."""


def a_bedrock_config(commit: str = COMMIT, **changes: Any) -> dict[str, Any]:
    """What an engineer's build pushes as `bedrock-config.json`."""
    config = {**PUBLISHED, "prompt_template_version": commit, **changes}
    return {name: value for name, value in config.items() if value is not ...}


def push_file(inbox: Inbox, name: str, body: Any, *, commit: str = COMMIT) -> dict[str, Any]:
    """Push one file of a configuration; its event."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return inbox.put(f"configs/{commit}/{name}", data)


def push_config(
    inbox: Inbox, *, commit: str = COMMIT, prompt: bytes = PROMPT, **changes: Any
) -> list[dict[str, Any]]:
    """Push a complete configuration; its events, the config's first."""
    config = a_bedrock_config(commit, **changes)
    return [
        push_file(inbox, "bedrock-config.json", config, commit=commit),
        push_file(inbox, config["prompt_template_file"], prompt, commit=commit),
        push_file(inbox, "evaluation-results.json", EVALUATION_RESULTS, commit=commit),
    ]


def captured_manifest(inbox: Inbox) -> BedrockManifest:
    """The manifest of the one release there is, as the vault holds it."""
    (release,) = inbox.releases()
    kept = inbox.vault()[release["manifest_uri"].removeprefix(f"s3://{BUCKET}/")]
    manifest = parse_any_manifest(kept.decode(), digest=release["digest"])
    assert isinstance(manifest, BedrockManifest)
    return manifest
