"""A version answers from the bytes that were captured, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import BUCKET
from tests.integration.applications import (
    FOLDER,
    Bedrock,
    Function,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_a_template_without_a_question_is_not_served(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release({"prompts/p.txt": b"Say {{ question }}."})

    with pytest.raises(Exception, match=r"support-v3: .*prompts/p.txt does not hold \{\{question"):
        ask()
    assert bedrock.asked == []


def test_a_template_of_100_kb_and_more_arrives_as_it_is(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    text = "{% x %} {x} $x %s {{ question }} \u202e\u05e9\u05dc 漢字 😀\r\n" * 3000
    release({"prompts/p.txt": f"{text}{{{{question}}}}".encode()})

    ask({"question": "{{context}} ${x}"})

    (sent,) = bedrock.conversations()
    assert sent["messages"][0]["content"][0]["text"] == f"{text}{{{{context}}}} ${{x}}"
