"""The function of one's own that the docs show keeps the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import BUCKET
from tests.integration.applications import (
    FOLDER,
    QUESTION,
    ROOT,
    Bedrock,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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
