"""Texts are compared line by line, byte for byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.wording import text_diff, texts_of
from tests.builders import a_config
from tests.pasts import unhurried

NAMES = ("one", "two")
texts = st.text(st.sampled_from("ab\n\r\t\u2028"), max_size=12)


@unhurried
@given(texts, texts)
def test_texts_differ_when_their_characters_do(before: str, after: str) -> None:
    found = text_diff(before, after, names=NAMES)

    assert bool(found) == (before != after)
    body = [line for line in found[2:] if not line.startswith(("@@", "\\ "))]
    gone = [line[1:] for line in body if line[0] in " -"]
    come = [line[1:] for line in body if line[0] in " +"]
    if len(before.split("\n")) <= 3 and before and after and before != after:
        assert gone == before.removesuffix("\n").split("\n")
        assert come == after.removesuffix("\n").split("\n")


def test_a_changed_line_is_shown_in_its_place() -> None:
    found = text_diff(
        "be brief\nanswer {question}\n", "be brief\nanswer {{question}}\n", names=NAMES
    )

    assert found == (
        "--- one",
        "+++ two",
        "@@ -1,2 +1,2 @@",
        " be brief",
        "-answer {question}",
        "+answer {{question}}",
    )


def test_a_missing_end_of_the_last_line_is_a_difference() -> None:
    assert text_diff("a\n", "a", names=NAMES)[-3:] == (
        "-a",
        "+a",
        "\\ No newline at end of file",
    )


def test_a_carriage_return_belongs_to_its_line() -> None:
    assert text_diff("a\r\nb\n", "a\nb\n", names=NAMES)[3:] == ("-a\r", "+a", " b")


def test_the_texts_of_a_release_are_those_its_config_names() -> None:
    script = {"file": "code/pre.py", "version": "1"}
    config = a_config(inference_scripts=[script], smoke_test={"body_file": "smoke.json"})
    bedrock = {
        "prompt_template_file": "prompts/p.txt",
        "system_prompt_file": None,
        "agent_config_file": "agent-config.json",
    }

    assert texts_of({"config": config}) == {
        "script code/pre.py": "code/pre.py",
        "smoke test's body": "smoke.json",
    }
    assert texts_of({"config": bedrock}) == {
        "prompt template": "prompts/p.txt",
        "agent config": "agent-config.json",
    }
    assert texts_of({}) == {}
