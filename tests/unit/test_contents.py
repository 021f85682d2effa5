"""What a version is made of is told whole, and what nobody recorded is told as unknown."""

from __future__ import annotations

import json
from typing import Any

from cli.contents import lines, made_of
from tests.builders import a_bedrock_manifest, a_manifest


def of(manifest: Any, *without: str) -> dict[str, Any]:
    fields = json.loads(manifest.canonical())
    return {name: value for name, value in fields.items() if name not in without}


def test_a_manifest_that_records_little_is_told_as_unknown_and_not_guessed() -> None:
    bare = of(a_manifest(metadata={}), "infrastructure", "training_dataset_version", "image")

    made = made_of(bare, {})

    assert made["infrastructure"] == {
        "stack": "unknown",
        "stack_id": "unknown",
        "template_sha256": "unknown",
        "commit": "unknown",
    }
    for name in ("training_dataset_version", "training_date", "base_model", "image"):
        assert made[name] == "unknown", name
    assert made["evaluation"]["sha256"] == "unknown"
    said = "\n".join(lines(made))
    assert "trained unknown from base model unknown" in said
    assert "infrastructure commit unknown, template sha256 unknown" in said


def test_a_script_is_told_by_the_digest_in_the_manifest_else_by_its_copys() -> None:
    fields = of(a_manifest())
    fields["config"]["inference_scripts"] = [
        {"file": "pre.py", "version": "1"},
        {"file": "post.py", "version": "2"},
        {"file": "lost.py", "version": "3"},
    ]
    fields["objects"] += [
        {"name": "pre.py", "sha256": "a" * 64},
        {"name": "post.py", "sha256": ""},
    ]

    scripts = made_of(fields, {"pre.py": "b" * 64, "post.py": "c" * 64})["scripts"]

    assert [one["sha256"] for one in scripts] == ["a" * 64, "c" * 64, "unknown"]


def test_a_serverless_fleet_has_no_instances_to_tell() -> None:
    fields = of(a_manifest())
    fields["config"] |= {"serverless": {"memory_mb": 2048}, "instance_type": None}

    assert made_of(fields, {})["instances"] == {"serverless": {"memory_mb": 2048}}


def test_a_config_from_before_code_was_kept_says_so() -> None:
    made = made_of(of(a_bedrock_manifest(), "code"), {})

    assert made["code"] == "unknown"
    assert "code unknown" in list(lines(made))
    assert [one["sha256"] for one in made["texts"]] == ["5" * 64]
