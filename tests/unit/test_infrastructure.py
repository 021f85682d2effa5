"""What captured a version: the stack, its template by its digest, and the commit it was told."""

from __future__ import annotations

import hashlib
import json

import pytest

from sluice.domain.infrastructure import (
    UNKNOWN,
    commit_of,
    infrastructure,
    template_digest,
    without_stack,
)
from sluice.domain.manifest import parse_manifest, spelled
from sluice.domain.package import customer_metadata
from tests.builders import a_bedrock_manifest, a_manifest

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/sluice/51af3dc0-da77-11e4-872e"


def test_of_a_text_the_digest_is_of_its_bytes_to_the_last_one() -> None:
    text = "Resources: {}  # größer\n"

    assert template_digest(text) == hashlib.sha256(text.encode()).hexdigest()
    assert template_digest(text) != template_digest(text.strip())


def test_of_json_the_digest_does_not_depend_on_its_spelling() -> None:
    one = json.loads('{"b": "größer", "a": [1, 2]}')
    other = json.loads('{\n "a": [1,2],\n "b": "gr\\u00f6\\u00dfer"}')
    canonical = '{"a":[1,2],"b":"größer"}'.encode()

    assert template_digest(one) == template_digest(other) == hashlib.sha256(canonical).hexdigest()
    assert template_digest({"a": [2, 1]}) != template_digest({"a": [1, 2]})


@pytest.mark.parametrize(
    ("said", "commit"),
    [
        ("9f8d111", "9f8d111"),
        (f"{'9f' * 20}-dirty", f"{'9f' * 20}-dirty"),
        (" 9F8D111 ", "9f8d111"),
        ("", UNKNOWN),
        ("unknown", UNKNOWN),
        ("main", UNKNOWN),
        ("9f8d111-clean", UNKNOWN),
    ],
)
def test_a_commit_is_said_or_unknown(said: str, commit: str) -> None:
    assert commit_of(said) == commit
    assert infrastructure(STACK, "{}", said).commit == commit


def test_the_stack_is_called_by_name_and_arn() -> None:
    found = infrastructure(STACK, "{}", "9f8d111")

    assert (found.stack, found.stack_id) == ("sluice", STACK)


def test_without_a_stack_nothing_is_guessed() -> None:
    found = without_stack("9f8d111")

    assert (found.stack, found.template_sha256, found.commit) == (UNKNOWN, UNKNOWN, "9f8d111")


def test_a_manifest_from_before_infrastructure_was_kept_is_read() -> None:
    manifest = a_manifest()
    fields = manifest.model_dump(mode="json", exclude={"infrastructure"})
    text = json.dumps(fields)

    found = parse_manifest(text, digest=hashlib.sha256(text.encode()).hexdigest())

    assert found.infrastructure is None
    assert "infrastructure-commit" not in customer_metadata(found, "d" * 64)


@pytest.mark.parametrize("name", ["infrastructure-commit", "evaluation-policy", "manifest"])
def test_a_label_that_is_called_like_what_we_say_never_stands_in_the_package(name: str) -> None:
    plain = a_manifest()
    labelled = plain.model_copy(update={"metadata": {**plain.metadata, name: "by the pusher"}})

    assert customer_metadata(labelled, "d" * 64) == customer_metadata(plain, "d" * 64)


@pytest.mark.parametrize("manifest", [a_manifest(), a_bedrock_manifest()], ids=["model", "config"])
def test_manifest_and_package_tell_it(manifest: object) -> None:
    told = manifest.model_copy(update={"infrastructure": infrastructure(STACK, "x", "9f8d111")})  # type: ignore[attr-defined]

    assert json.loads(spelled(told))["infrastructure"]["template_sha256"] == template_digest("x")
    assert customer_metadata(told, "d" * 64)["infrastructure-commit"] == "9f8d111"
