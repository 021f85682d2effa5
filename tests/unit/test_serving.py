"""The one environment variable of the contract with an application's function."""

import pytest

from sluice.domain.serving import parse_serving, serving

DIGEST = "5f" * 32
URI = "s3://artifacts/releases/support/v3-5f5f5f5f5f5f/manifest.json"


def test_what_is_said_of_a_release_is_read_back() -> None:
    said = parse_serving(serving(URI, DIGEST))

    assert (said.bucket, said.key) == (
        "artifacts",
        "releases/support/v3-5f5f5f5f5f5f/manifest.json",
    )
    assert said.digest == DIGEST


def test_texts_lie_beside_the_manifest() -> None:
    said = parse_serving(serving(URI, DIGEST))

    assert said.beside("prompts/rag.txt") == "releases/support/v3-5f5f5f5f5f5f/prompts/rag.txt"


@pytest.mark.parametrize("text", ["", URI, f"{URI}#", f"{URI}#{DIGEST[1:]}", f"x{URI}#{DIGEST}"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="manifest"):
        parse_serving(text)
