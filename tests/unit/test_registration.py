"""When a version folder is complete, and what it registers as."""

from __future__ import annotations

import gzip
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.composing import numbered
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL, Place
from sluice.domain.manifest import Manifest
from sluice.domain.pushed import ModelConfig
from sluice.domain.receipt import Kind, kind_of
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import (
    Ready,
    Waiting,
    judge_late,
    judge_model,
    judge_target,
    plan_registration,
)
from sluice.domain.release import ReleaseName
from sluice.domain.smoke_test import LARGEST_BODY
from tests.builders import (
    COMMIT,
    CONFIG_FILES,
    DIGEST,
    METADATA,
    REPOSITORY,
    WEIGHTS,
    a_config,
    a_folder,
    a_manifest,
    a_noted,
    a_noted_config,
    a_release_name,
    an_upload,
    some_facts,
)

if TYPE_CHECKING:
    from sluice.domain.noted import Noted

REFUSAL = Refusal(reason=Reason.MALFORMED_JSON, detail="it is cut off")
SCRIPTS = [{"file": "code/pre.py", "version": "1.4"}]


def a_config_naming_files() -> Noted:
    config = ModelConfig.model_validate(
        a_config(inference_scripts=SCRIPTS, smoke_test={"body_file": "smoke.csv"})
    )
    return a_noted(CONFIG, config=config, image=f"{REPOSITORY}@{DIGEST}")


@pytest.mark.parametrize(
    ("noted", "missing", "refused"),
    [
        pytest.param([], (MODEL, CONFIG, EVALUATION), (), id="nothing"),
        pytest.param([a_noted(MODEL)], (CONFIG, EVALUATION), (), id="the model alone"),
        pytest.param([a_noted(MODEL), a_noted(CONFIG)], (EVALUATION,), (), id="no evaluation"),
        pytest.param(
            [a_noted(MODEL), a_noted(EVALUATION), a_noted("readme.md")],
            (CONFIG,),
            (),
            id="a file nobody names is no config",
        ),
        pytest.param(
            a_folder(config=a_noted(CONFIG, config=None, refusal=REFUSAL)),
            (),
            (CONFIG,),
            id="a refused config",
        ),
        pytest.param(
            a_folder(model=a_noted(MODEL, refusal=REFUSAL)), (), (MODEL,), id="a refused model"
        ),
        pytest.param(
            a_folder(config=a_config_naming_files()),
            ("code/pre.py", "smoke.csv"),
            (),
            id="files the config names",
        ),
        pytest.param(
            [*a_folder(config=a_config_naming_files()), a_noted("smoke.csv")],
            ("code/pre.py",),
            (),
            id="one of two",
        ),
    ],
)
def test_an_incomplete_folder_says_what_it_waits_for(
    noted: list[Noted], missing: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    waiting = plan_registration(noted)

    assert waiting == Waiting(missing, refused)
    assert all(name in waiting.detail for name in (*missing, *refused))


def test_a_complete_folder_is_a_version() -> None:
    ready = plan_registration(a_folder())

    assert isinstance(ready, Ready)
    manifest = ready.manifest
    assert isinstance(manifest, Manifest)
    assert manifest.release == a_release_name("churn-v4")
    assert manifest.target == "churn"
    assert manifest.commit == METADATA["git-sha"]
    assert manifest.training_dataset_version == "v3.2"
    assert manifest.metadata == METADATA
    assert [one.name for one in manifest.objects] == [CONFIG, EVALUATION, MODEL]
    assert {one.version_id for one in manifest.objects} == {
        f"version-of-{name}" for name in (CONFIG, EVALUATION, MODEL)
    }


def test_a_version_is_the_same_in_whatever_order_its_objects_came() -> None:
    objects = [*a_folder(config=a_config_naming_files()), a_noted("code/pre.py")]
    orders = permutations([*objects, a_noted("smoke.csv")])

    digests = set()
    for order in orders:
        ready = plan_registration(order)
        assert isinstance(ready, Ready)
        digests.add(ready.manifest.canonical())

    assert len(digests) == 1


def test_files_nobody_names_are_no_part_of_the_version() -> None:
    ready = plan_registration([*a_folder(), a_noted("notes.txt")])

    assert isinstance(ready, Ready)
    assert "notes.txt" not in {one.name for one in ready.manifest.objects}


def test_the_config_may_name_another_endpoint_than_the_groups() -> None:
    config = ModelConfig.model_validate(a_config(endpoint_name="churn-eu"))
    ready = plan_registration(a_folder(config=a_noted(CONFIG, config=config)))

    assert isinstance(ready, Ready)
    assert ready.manifest.target == "churn-eu"


@pytest.mark.parametrize(
    ("names", "detail"),
    [
        (["bedrock-config.json"], "waits for evaluation-results.json, prompts/p.txt"),
        (["prompts/p.txt"], "waits for bedrock-config.json, evaluation-results.json"),
        (["evaluation-results.json", "bedrock-config.json"], "waits for prompts/p.txt"),
    ],
)
def test_an_incomplete_bedrock_configuration_says_what_it_waits_for(
    names: list[str], detail: str
) -> None:
    waiting = plan_registration([a_noted_config(name) for name in names])

    assert isinstance(waiting, Waiting)
    assert waiting.detail == detail


def test_a_bedrock_configuration_is_a_version_whose_number_the_claim_gives() -> None:
    orders = permutations([*map(a_noted_config, CONFIG_FILES), a_noted_config("notes.md")])
    planned = [plan_registration(order) for order in orders]

    (manifest,) = {
        one.manifest.canonical(): one.manifest for one in planned if isinstance(one, Ready)
    }.values()
    assert manifest.release == ReleaseName(group="support", version=0)
    assert manifest.commit == COMMIT
    assert manifest.folder == f"configs/{COMMIT}"
    assert {one.name for one in manifest.objects} == set(CONFIG_FILES)
    assert numbered(manifest, newest=7).release == ReleaseName(group="support", version=8)


def test_a_version_of_a_model_keeps_the_number_it_has() -> None:
    assert numbered(a_manifest(), newest=7) == a_manifest()


BOMB = gzip.compress(bytes(30_000_000), mtime=0)
"""Thirty megabytes in thirty kilobytes."""


@pytest.mark.parametrize(
    ("first", "metadata", "reason"),
    [
        pytest.param(WEIGHTS, METADATA, None, id="fine"),
        pytest.param(b"PK\x03", METADATA, Reason.NOT_GZIP, id="a zip file"),
        pytest.param(b"", METADATA, Reason.NOT_GZIP, id="empty"),
        pytest.param(b"\x1f\x8b", METADATA, Reason.NOT_GZIP, id="two bytes"),
        pytest.param(WEIGHTS[:-1], METADATA, Reason.BROKEN_GZIP, id="cut off at its end"),
        pytest.param(WEIGHTS[:3], METADATA, Reason.BROKEN_GZIP, id="cut off at once"),
        pytest.param(
            WEIGHTS[:-5] + b"x" + WEIGHTS[-4:], METADATA, Reason.BROKEN_GZIP, id="a wrong checksum"
        ),
        pytest.param(WEIGHTS[:10] + b"\xff" * 20, METADATA, Reason.BROKEN_GZIP, id="no deflate"),
        pytest.param(WEIGHTS + WEIGHTS, METADATA, None, id="two members"),
        pytest.param(BOMB, METADATA, None, id="a bomb, which is not unpacked"),
        pytest.param(WEIGHTS, {}, Reason.MISSING_METADATA, id="no metadata"),
        pytest.param(
            WEIGHTS, {**METADATA, "git-sha": " "}, Reason.MISSING_METADATA, id="a blank commit"
        ),
        pytest.param(
            WEIGHTS,
            {**METADATA, "git-sha": "main"},
            Reason.MISSING_METADATA,
            id="a branch is no commit",
        ),
        pytest.param(
            WEIGHTS,
            {name: value for name, value in METADATA.items() if name != "training-dataset-version"},
            Reason.MISSING_METADATA,
            id="no training data",
        ),
    ],
)
def test_weights_are_judged_by_their_first_bytes_and_their_metadata(
    first: bytes, metadata: dict[str, str], reason: Reason | None
) -> None:
    refusal = judge_model(first, metadata, size=len(first))

    assert (refusal.reason if refusal else None) is reason


@pytest.mark.parametrize(
    ("endpoint_name", "group", "bearable"),
    [
        (None, "churn", True),
        (None, "g" * 40, True),
        (None, "g" * 41, False),
        ("churn", "g" * 63, True),
    ],
)
def test_an_endpoints_name_leaves_room_for_what_we_append(
    endpoint_name: str | None, group: str, *, bearable: bool
) -> None:
    refusal = judge_target(endpoint_name, a_release_name(f"{group}-v1"))

    assert (refusal is None) is bearable


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        pytest.param(MODEL, {}, None, id="captured with it"),
        pytest.param(MODEL, {"version_id": "x"}, Reason.ALREADY_REGISTERED, id="another version"),
        pytest.param("notes.txt", {}, Reason.NOT_NAMED, id="a file nobody names"),
    ],
)
def test_a_claimed_folder_takes_nothing_more(
    name: str, changes: dict[str, Any], reason: Reason | None
) -> None:
    place = Place(release=a_release_name(), name=name)

    refusal = judge_late(an_upload(name, **changes), place, a_manifest())

    assert (refusal.reason if refusal else None) is reason


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.SUPERSEDED, Kind.IGNORED),
        (Reason.INVALID_CONFIG, Kind.REJECTED),
        (Reason.ARTIFACT_GONE, Kind.REJECTED),
        (Reason.REGISTRY_REFUSED, Kind.FAILED),
    ],
)
def test_a_refusal_ends_in_the_kind_of_its_reason(reason: Reason, kind: Kind) -> None:
    assert kind_of(Refusal(reason=reason, detail="")) is kind


@pytest.mark.parametrize(("size", "waits"), [(LARGEST_BODY, False), (LARGEST_BODY + 1, True)])
def test_a_smoke_test_too_large_to_be_sent_is_waited_for_in_a_smaller_size(
    size: int, waits: bool
) -> None:
    config = ModelConfig.model_validate(a_config(smoke_test={"body_file": "smoke.csv"}))
    body = a_noted("smoke.csv", facts=some_facts(size=size))
    noted = a_noted(CONFIG, config=config, image=f"{REPOSITORY}@{DIGEST}")

    found = plan_registration([*a_folder(config=noted), body])

    assert isinstance(found, Waiting) is waits
    assert not isinstance(found, Waiting) or str(LARGEST_BODY) in found.detail


@pytest.mark.parametrize("length", [3, 10, len(WEIGHTS) - 1])
def test_the_beginning_of_larger_weights_is_no_truncated_file(length: int) -> None:
    assert judge_model(WEIGHTS[:length], METADATA, size=len(WEIGHTS)) is None
