"""What differs is told under the words that people look for."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest

from sluice.domain.comparing import ABSENT, SECTIONS, Difference, compare
from tests.builders import a_config, a_manifest

MODEL: dict[str, Any] = json.loads(a_manifest().canonical())

SECTIONED = {
    "commit": "commit",
    "training_dataset_version": "training data",
    "image": "image",
    "config.instance_type": "instances",
    "config.serverless": "instances",
    "config.environment": "environment",
    "config.inference_scripts": "scripts",
    "config.smoke_test": "smoke test",
    "config.rollout.analysis.alpha": "rollout plan",
    "config.alarms.error_rate": "alarms",
    "config.inference_config.temperature": "inference parameters",
    "config.model_id": "model",
    "model.arns": "model",
    "partner.digest": "partner model",
    "knowledge.ingestion_job_id": "knowledge",
    "config.prompt_template_version": "commit",
    "config.system_prompt_file": "prompts",
    "evaluation.f1": "evaluation",
    "metadata.git-sha": "metadata",
    "config.endpoint_name": "target",
    "config.model_files": "model files",
    "infrastructure.commit": "infrastructure",
    "gates.live.digest": "gates",
    "release.version": "names",
    "system": "other",
    "added_since": "other",
}


@pytest.mark.parametrize(("path", "section"), SECTIONED.items())
def test_a_difference_is_told_where_people_look_for_it(path: str, section: str) -> None:
    assert Difference(tuple(path.split(".")), 1, 2).section == section
    assert section in SECTIONS


def test_a_score_is_told_with_its_delta_and_nothing_else_is() -> None:
    other = {"evaluation": {"f1": 0.86, "loss": None}, "config": {"instance_count": 2}}
    one = {"evaluation": {"f1": 0.84, "loss": 0.5}, "config": {"instance_count": 1}}

    deltas = {one.path[-1]: one.delta for one in compare(one, other).differences}

    assert deltas == {"f1": Decimal("0.02"), "loss": None, "instance_count": None}


def test_a_manifest_that_knows_fewer_fields_is_read() -> None:
    old = copy.deepcopy(MODEL)
    del old["config"]["rollout"]["guard"], old["schema_version"]

    found = {one.path: one.before for one in compare(old, MODEL).differences}

    assert found == {("schema_version",): ABSENT, ("config", "rollout", "guard"): ABSENT}


def test_values_that_look_secret_are_told_like_any_other() -> None:
    secret = a_config(environment={"API_TOKEN": "t0ken"})

    (found,) = compare({"config": a_config()}, {"config": secret}).differences

    assert found.after == {"API_TOKEN": "t0ken"}


def test_who_captured_two_versions_tells_nothing_about_how_they_behave() -> None:
    other = {**MODEL, "infrastructure": {"commit": "9f8d111", "template_sha256": "5" * 64}}

    found = compare(MODEL, other)

    assert [one.section for one in found.differences] == ["infrastructure"]
    assert found.is_same


def test_what_two_versions_were_held_against_tells_nothing_about_how_they_behave() -> None:
    gates = {"policy": "5" * 64, "section": "default", "live": None, "judged": []}

    found = compare({**MODEL, "gates": gates}, {**MODEL, "gates": {**gates, "policy": "6" * 64}})

    assert [one.section for one in found.differences] == ["gates"]
    assert found.is_same


def listing(*names: str, **more: Any) -> dict[str, Any]:
    return {"config": {"model_files": [{"file": one, "size": 3, **more} for one in names]}}


def test_a_file_that_comes_before_others_in_a_list_moves_none_of_them() -> None:
    found = compare(listing("b.bin", "c.bin"), listing("a.bin", "b.bin"))

    listed = ("config", "model_files")
    assert {one.path: (one.before, one.after) for one in found.differences} == {
        (*listed, "c.bin"): ({"file": "c.bin", "size": 3}, ABSENT),
        (*listed, "a.bin"): (ABSENT, {"file": "a.bin", "size": 3}),
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"config": {}}, {"config": {"model_files": None}}, id="from before lists"),
        pytest.param(listing("a.bin"), listing("a.bin", sha256="5" * 64), id="with a digest"),
        pytest.param(listing("a.bin", "b.bin"), listing("b.bin", "a.bin"), id="in another order"),
    ],
)
def test_how_files_are_listed_makes_no_other_release(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert compare({**one, "objects": []}, {**other, "objects": []}).is_same


def test_a_file_with_other_bytes_makes_another_release_whatever_is_listed() -> None:
    held = {"name": "model/a.bin", "size": 3}
    before = {**listing("a.bin"), "objects": [{**held, "sha256": "5" * 64}]}
    after = {**listing("a.bin"), "objects": [{**held, "sha256": "6" * 64}]}

    assert not compare(before, after).is_same


def test_files_that_are_listed_twice_are_compared_by_their_places() -> None:
    found = compare(listing("a.bin", "a.bin"), listing("a.bin"))

    assert [one.path for one in found.differences] == [("config", "model_files", 1)]
