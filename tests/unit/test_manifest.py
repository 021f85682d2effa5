"""One version, one manifest, one spelling, one digest; and what its package says of it."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.bedrock_manifest import AnyManifest, BedrockManifest, parse_any_manifest
from sluice.domain.manifest import (
    ManifestError,
    digest_of,
    manifest_uri,
    parse_manifest,
    vault_key,
)
from sluice.domain.package import (
    MAX_NAME,
    MAX_PAIRS,
    MAX_VALUE,
    client_token,
    customer_metadata,
    fit,
    release_named,
)
from tests.builders import (
    BUCKET,
    COMMIT,
    DIGEST,
    METADATA,
    REPOSITORY,
    a_bedrock_manifest,
    a_manifest,
    a_release_name,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
finite = st.floats(allow_nan=False, allow_infinity=False)


def test_the_digest_of_a_manifest_never_changes_by_itself() -> None:
    text = a_manifest().canonical()

    assert digest_of(text) == "6d4c490ba094379061d7d38d8af8fe81beac73ae344440ed01f44aedb229448a"


def test_the_digest_of_a_bedrock_manifest_never_changes_by_itself() -> None:
    text = a_bedrock_manifest().canonical()

    assert digest_of(text) == "187d0cabefa563ddeed5f1a51ea69551f88afc6c9ee66d7d8da5152e35e63679"


def test_a_manifest_says_what_it_is_of() -> None:
    for manifest in (a_manifest(), a_bedrock_manifest()):
        text = manifest.canonical()
        assert parse_any_manifest(text, digest=digest_of(text)) == manifest


def test_a_bedrock_manifest_is_not_taken_for_a_models() -> None:
    text = a_bedrock_manifest().canonical()

    with pytest.raises(ManifestError, match="is no model's"):
        parse_manifest(text, digest=digest_of(text))


def test_a_bedrock_manifest_from_before_there_were_plans_is_read_with_the_defaults() -> None:
    body = json.loads(a_bedrock_manifest().canonical())
    for name in ("rollout", "alarms", "smoke_test"):
        del body["config"][name]
    del body["code"]
    text = json.dumps(body)

    assert parse_any_manifest(text, digest=digest_of(text)) == a_bedrock_manifest()


def test_a_bedrock_manifest_of_a_newer_version_is_read_for_what_we_know() -> None:
    body = json.loads(a_bedrock_manifest().canonical())
    body["new_field"] = body["config"]["new_field"] = body["model"]["new_field"] = 1
    text = json.dumps(body)

    manifest = parse_any_manifest(text, digest=digest_of(text))

    assert isinstance(manifest, BedrockManifest)
    assert manifest.config == a_bedrock_manifest().config


def test_a_bedrock_package_says_what_it_is_based_on() -> None:
    manifest = a_bedrock_manifest()

    assert customer_metadata(manifest, DIGEST) == {
        "release-digest": DIGEST,
        "manifest": manifest_uri(BUCKET, manifest.release, DIGEST),
        "version-folder": f"configs/{COMMIT}",
        "git-sha": COMMIT,
        "base-model": "anthropic.claude-sonnet-4-5-20251001-v2:0",
        "eval-accuracy": "0.87",
        "eval-f1": "0.84",
    }


@pytest.mark.parametrize("manifest", [a_manifest(), a_bedrock_manifest()], ids=lambda m: m.system)
def test_a_package_names_its_release_whatever_its_folder_is_called(
    manifest: AnyManifest,
) -> None:
    metadata = customer_metadata(manifest, DIGEST)

    assert release_named(manifest.release.group, metadata) == manifest.release


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"version-folder": "configs/9f8d111"},
        {"version-folder": "configs/9f8d111", "manifest": "s3://sluice-v2-abc/manifest.json"},
        {"version-folder": "models/churn-v"},
    ],
    ids=str,
)
def test_a_package_that_names_no_release_is_none_of_ours(metadata: dict[str, str]) -> None:
    assert release_named("churn", metadata) is None


def test_the_canonical_form_is_sorted_and_without_blanks() -> None:
    text = a_manifest(metadata={"b": "ü", "a": "1"}).canonical()

    assert text == json.dumps(
        json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert '"metadata":{"a":"1","b":"ü"}' in text


@given(st.dictionaries(texts, finite, max_size=5), st.dictionaries(texts, texts, max_size=5))
def test_a_manifest_that_was_read_is_spelled_as_it_was(
    evaluation: dict[str, float], metadata: dict[str, str]
) -> None:
    manifest = a_manifest(evaluation=evaluation, metadata=metadata)
    text = manifest.canonical()

    again = parse_manifest(text, digest=digest_of(text))

    assert again == manifest
    assert again.canonical() == text


def test_the_order_in_which_objects_came_does_not_matter() -> None:
    backwards = dict(reversed(METADATA.items()))

    assert a_manifest(metadata=backwards).canonical() == a_manifest().canonical()


def test_a_manifest_of_another_digest_is_not_read() -> None:
    text = a_manifest().canonical()

    with pytest.raises(ManifestError):
        parse_manifest(text.replace("churn", "charm"), digest=digest_of(text))


def test_a_manifest_of_a_newer_version_is_read_for_what_we_know() -> None:
    body = json.loads(a_manifest().canonical())
    body["new_field"] = 1
    body["config"]["rollout"]["new_field"] = {"a": 1}
    text = json.dumps(body)

    assert parse_manifest(text, digest=digest_of(text)).config == a_manifest().config


def test_the_vault_keeps_a_release_under_its_digest() -> None:
    release = a_release_name("churn-v4")

    assert vault_key(release, "0123456789abcdef", "code/pre.py") == (
        "releases/churn/v4-0123456789ab/code/pre.py"
    )
    assert manifest_uri(BUCKET, release, "0123456789abcdef") == (
        f"s3://{BUCKET}/releases/churn/v4-0123456789ab/manifest.json"
    )


def test_a_package_says_where_it_comes_from_and_what_was_measured() -> None:
    manifest = a_manifest()
    digest = digest_of(manifest.canonical())

    said = customer_metadata(manifest, digest)

    assert said == {
        "release-digest": digest,
        "manifest": manifest_uri(BUCKET, manifest.release, digest),
        "version-folder": "models/churn-v4",
        "git-sha": "9f8d111c0ffee",
        "training-date": "2026-03-25",
        "base-model": "xgboost-2.1",
        "training-dataset-version": "v3.2",
        "eval-accuracy": "0.87",
        "eval-f1": "0.84",
    }


def test_what_was_measured_counts_for_more_than_what_was_claimed() -> None:
    boast = a_manifest(metadata={**METADATA, "eval-accuracy": "0.99"})

    assert customer_metadata(boast, DIGEST)["eval-accuracy"] == "0.87"


def test_a_pusher_cannot_forge_what_we_say() -> None:
    forged = a_manifest(metadata={**METADATA, "release-digest": "0", " manifest ": "s3://evil"})

    said = customer_metadata(forged, DIGEST)

    assert said["release-digest"] == fit(DIGEST, MAX_VALUE)
    assert said["manifest"].startswith(f"s3://{BUCKET}/releases/churn/")


@given(st.dictionaries(texts, texts, max_size=80), st.dictionaries(texts, finite, max_size=80))
def test_metadata_always_fits_what_sagemaker_takes(
    metadata: dict[str, str], evaluation: dict[str, float]
) -> None:
    said = customer_metadata(a_manifest(metadata=metadata, evaluation=evaluation), DIGEST)

    assert len(said) <= MAX_PAIRS
    assert {"release-digest", "manifest", "version-folder"} <= said.keys()
    for name, value in said.items():
        assert 1 <= len(name) <= MAX_NAME
        assert 1 <= len(value) <= MAX_VALUE
        assert all(map(sagemaker_takes, name + value))


def sagemaker_takes(character: str) -> bool:
    """The pattern of `CustomerMetadataKey` and `CustomerMetadataValue`."""
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN"


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("v3.2", "v3.2"),
        ('{"a": 1}, #2', "__a_: 1__ _2"),
        ("  spaced  ", "spaced"),
        ("line\nbreak", "line_break"),
        ("cafe\u0301", "café"),
        ("x" * 300, "x" * 256),
        ("$.a{{b}}", "_.a__b__"),
    ],
)
def test_what_sagemaker_refuses_is_replaced(text: str, fitting: str) -> None:
    assert fit(text, 256) == fitting


def test_the_client_token_is_the_folders_and_the_digests_own() -> None:
    manifest = a_manifest()
    other = a_manifest(release=a_release_name("churn-v5"))

    tokens = {
        client_token(manifest, DIGEST),
        client_token(manifest, DIGEST),
        client_token(other, DIGEST),
        client_token(manifest, f"sha256:{'b' * 64}"),
    }

    assert len(tokens) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9-]{1,36}", token) for token in tokens)


def test_a_manifest_names_its_image_by_digest() -> None:
    assert a_manifest().image == f"{REPOSITORY}@{DIGEST}"
