"""The first question to a version of an application: whoever asks waits for the cold start."""

from __future__ import annotations

import hashlib

from benchmarks.answers import as_json
from benchmarks.environment import ENVIRONMENT
from benchmarks.scenario import Answer, Scenario
from sluice.domain.manifest import manifest_uri, vault_key
from sluice.domain.serving import serving
from tests.builders import BUCKET, a_bedrock_manifest

_TEMPLATE = "Use these passages:\n{{context}}\n\nQuestion: {{question}}\n" * 20


def a_question() -> Scenario:
    """Release read and verified, model asked, answered."""
    manifest = a_bedrock_manifest()
    sha256 = hashlib.sha256(_TEMPLATE.encode()).hexdigest()
    name = manifest.config.prompt_template_file
    texts = {one.name: one for one in manifest.objects}
    texts[name] = texts[name].model_copy(update={"sha256": sha256})
    text = manifest.model_copy(update={"objects": tuple(texts.values())}).canonical()
    digest = hashlib.sha256(text.encode()).hexdigest()
    uri = manifest_uri(BUCKET, manifest.release, digest)
    objects = {
        uri.removeprefix(f"s3://{BUCKET}/"): text,
        vault_key(manifest.release, digest, name): _TEMPLATE,
    }
    answers = {f"s3:GetObject {key}": _object(body) for key, body in objects.items()}
    said = {"role": "assistant", "content": [{"text": "In the archive."}]}
    return Scenario(
        "first question",
        "serve_bedrock",
        {"question": "Where are the invoices?", "context": ["Invoices lie in the archive."]},
        environment={**ENVIRONMENT, "SLUICE_VERSION": serving(uri, digest)},
        returns={"answer": "In the archive.", "version": str(manifest.release)},
        objects=list(objects),
        answers={
            **answers,
            f"bedrock:POST /model/{manifest.model.id.replace(':', '%3A')}/converse": as_json(
                output={"message": said},
                stopReason="end_turn",
                usage={"inputTokens": 21, "outputTokens": 4, "totalTokens": 25},
                metrics={"latencyMs": 12},
            ),
        },
    )


def _object(body: str) -> Answer:
    return Answer(body, {"Content-Type": "binary/octet-stream", "ETag": '"e7a6"'})
