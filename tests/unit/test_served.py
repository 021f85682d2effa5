"""What a version keeps of its release: verified, and nothing that was not captured."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from sluice.domain.manifest import digest_of
from sluice.domain.served import ServedManifest, UnfitReleaseError, parse_served, served, verify
from tests.builders import a_bedrock_manifest, a_manifest, a_pinned

TEMPLATE = b"{{question}}"
TEXTS = {"prompts/p.txt": TEMPLATE}


def parsed(text: str) -> ServedManifest:
    return parse_served(text.encode(), digest=digest_of(text))


def a_served_manifest(**config: Any) -> ServedManifest:
    return parsed(a_bedrock_manifest(config=a_pinned(**config).config).canonical())


def test_a_captured_manifest_is_read() -> None:
    manifest = a_served_manifest()

    assert str(manifest.release) == "support-v2"
    assert manifest.texts == {"prompts/p.txt": "5" * 64}


def test_of_the_captured_objects_only_what_is_sent_is_a_text() -> None:
    manifest = a_served_manifest(agent_config_file="agent-config.json")

    assert set(manifest.texts) == {"prompts/p.txt"}


def test_fields_of_a_newer_sluice_keep_nobody_from_reading() -> None:
    newer = json.loads(a_bedrock_manifest().canonical())
    newer["streams"], newer["config"]["tone"] = True, {"of": "voice"}

    assert str(parsed(json.dumps(newer)).release) == "support-v2"


def test_a_manifest_of_other_bytes_is_refused() -> None:
    text = a_bedrock_manifest().canonical()

    with pytest.raises(UnfitReleaseError, match=r"manifest.json has the SHA-256 [0-9a-f]{64}"):
        parse_served(text.encode() + b" ", digest=digest_of(text))


@pytest.mark.parametrize("text", [a_manifest().canonical(), "{}", "[]", "no JSON"])
def test_what_is_no_applications_manifest_is_refused(text: str) -> None:
    with pytest.raises(UnfitReleaseError, match="no Bedrock application's"):
        parsed(text)


def test_a_text_without_a_captured_digest_is_never_taken() -> None:
    with pytest.raises(UnfitReleaseError, match="captured was none"):
        verify(b"", "", name="prompts/p.txt")
    verify(b"x", hashlib.sha256(b"x").hexdigest(), name="prompts/p.txt")


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ({}, {}),
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"temperature": None, "top_p": 1.0}, {"topP": 1.0}),
        (
            {"temperature": 0.5, "max_tokens": 2048, "top_p": 0.9},
            {"temperature": 0.5, "maxTokens": 2048, "topP": 0.9},
        ),
    ],
)
def test_a_parameter_that_the_config_leaves_out_is_left_to_the_model(
    config: Any, sent: Any
) -> None:
    kept = served(a_served_manifest(inference_config=config), TEXTS)

    assert kept.parameters == sent
    assert isinstance(kept.parameters.get("maxTokens", 0), int)


def test_what_is_called_is_the_profile_or_the_model_itself() -> None:
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.m"
    alone = a_bedrock_manifest().model
    through = alone.model_copy(update={"profile": profile})

    kept = served(parsed(a_bedrock_manifest(model=through).canonical()), TEXTS)

    assert (kept.calls, kept.model_id) == (profile, alone.id)
    assert served(a_served_manifest(), TEXTS).calls == alone.id


def test_texts_are_kept_byte_for_byte() -> None:
    manifest = a_served_manifest(system_prompt_file="prompts/s.txt")
    template, system = b"\xef\xbb\xbf{{question}}\r\n\xf0\x9f\x98\x80 ", b"\r\n{{question}}\t"

    kept = served(manifest, {"prompts/p.txt": template, "prompts/s.txt": system})

    assert (kept.template.encode(), kept.system.encode()) == (template, system)


def test_a_text_that_the_manifest_does_not_list_is_missed() -> None:
    with pytest.raises(UnfitReleaseError, match=r"lists no prompts/s\.txt"):
        served(a_served_manifest(system_prompt_file="prompts/s.txt"), TEXTS)


@pytest.mark.parametrize("template", [b"", b"{{ question }}", b"{{context}}", b"{question}"])
def test_a_template_must_have_a_place_for_the_question(template: bytes) -> None:
    with pytest.raises(UnfitReleaseError, match=r"prompts/p.txt does not hold \{\{question\}\}"):
        served(a_served_manifest(), {"prompts/p.txt": template})
