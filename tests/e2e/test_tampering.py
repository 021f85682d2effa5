"""What somebody changed by hand is named, that alone, and nothing is built upon it."""

import json
from typing import Any

import pytest

from localcloud.constants import ACCOUNT, REGION
from tests.e2e.application import Application
from tests.e2e.folders import MANIFEST, plan
from tests.e2e.line import Line
from tests.e2e.tampering import (
    Sluice,
    changes_since,
    deleted_image,
    deleted_row,
    edited_package,
    edited_row,
    flipped_byte,
    model_made_anew,
    second_container,
)


@pytest.fixture
def sluice(churn: Line, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Sluice:
    return Sluice(churn, churn.name, monkeypatch, capsys)


def serve(line: Line, **config: Any) -> None:
    """Version 1 serves; users came, and have gone home again."""
    line.serve_first(**config)
    line.leave()


def test_whatever_was_changed_of_what_serves_is_named_and_nothing_else(
    churn: Line, sluice: Sluice
) -> None:
    ecr, repository = churn.stack.client("ecr"), f"e2e-{churn.name}"
    ecr.create_repository(repositoryName=repository)
    ecr.put_image(repositoryName=repository, imageTag="1", imageManifest=json.dumps(MANIFEST))
    tag = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}:1"
    serve(churn, image_uri=tag)
    name, target = f"{churn.name}-v1", f"TARGET#endpoint/{churn.name}"
    digest, other = churn.state()["live"]["digest"], "e" * 64
    image = churn.package(1)["InferenceSpecification"]["Containers"][0]["Image"]

    with flipped_byte(churn) as versions:
        ((severity, what, *told),) = sluice.verify()
        assert (severity, what) == ("drift", f"model.tar.gz of {name} in the vault")
        assert tuple(json.loads(one)["version"] for one in told) == versions
        assert "size" not in told[0], "one byte flipped, none was added"
    for tampered in (
        deleted_image(churn, repository, image),
        model_made_anew(churn),
        second_container(churn),
        edited_package(churn),
    ):
        with tampered as told:
            assert sluice.verify() == told
    release = f"RELEASE#{churn.name}"
    for pk, sk, path, what in (
        (target, "STATE", "live.digest", f"digest of {name} in STATE"),
        (target, "STATE", "last_good[0].digest", f"digest of {name} in STATE's last_good"),
        (release, "V#000001", "digest", f"digest of {name} in its record"),
    ):
        with edited_row(churn, pk, sk, path, other):
            assert sluice.verify() == [("drift", what, digest, other)]
    with edited_row(churn, release, "CAPTURE#000001", "manifest", "{}"):
        ((severity, what, expected, _),) = sluice.verify()
        assert (severity, what, expected) == ("drift", f"manifest of {name} in the ledger", digest)
    with edited_row(churn, target, "HISTORY#00000002", "reason", "nothing happened"):
        (flaw,) = sluice.audit()
        assert flaw.startswith("2: its content has the hash ")

    assert (sluice.verify(), sluice.audit()) == ([], [])


def refused(line: Line, *, since: str, version: int = 2) -> str:
    """Why the rollout was turned back; nothing was changed for it."""
    after = next((one["n"] for one in line.history()[::-1] if one["event"] == "Settled"), 0)
    aborted = line.until_event("Aborted", version, after=after)
    line.until_event("Settled", version, after=after)
    assert changes_since(line, since) == []
    assert "RUNNING" not in line.executions().values()
    return str(aborted["reason"])


def put_on(line: Line, name: str, **weights: float) -> None:
    """Somebody updates the endpoint to a configuration of these variants."""
    sagemaker, model = line.stack.client("sagemaker"), line.state()["live"]["model"]
    fleet = {"ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": one, "InitialVariantWeight": weight, **fleet}
            for one, weight in weights.items()
        ],
    )
    sagemaker.update_endpoint(EndpointName=line.name, EndpointConfigName=name)

    def look() -> bool | None:
        found = line.endpoint()
        there = (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
        return there or None

    line.until(f"it is on {name}", look)


def test_a_rollout_begins_from_no_endpoint_and_no_history_that_somebody_changed(
    churn: Line, sluice: Sluice
) -> None:
    serve(churn)
    churn.push(2)
    live, target = churn.state()["live"], f"endpoint/{churn.name}"
    config, by_hand = live["endpoint_config"], f"{churn.name}-by-hand"

    put_on(churn, by_hand, **{live["variant"]: 3.0, "v9-e9": 1.0})
    shares = json.dumps({live["variant"]: 75.0, "v9-e9": 25.0})
    assert sluice.verify() == [
        ("drift", f"configuration of {target}", config, by_hand),
        ("drift", f"traffic of {target}", json.dumps({live["variant"]: 100.0}), shares),
    ]
    since = churn.now()
    churn.approve(2)
    assert refused(churn, since=since) == (
        f"ENDPOINT_CHANGED: configuration of {target}: expected {config}, found {by_hand}; "
        f'variants of {target}: expected ["{live["variant"]}"], '
        f'found ["{live["variant"]}", "v9-e9"]. Put that back and approve the new version again; '
        f"or set {churn.name}-v1 to pending and approve it again, which puts it up as it was "
        "approved"
    )
    churn.approve_again(1)
    churn.until_event("RolledBack", 1)
    churn.until_serving({1: 100})
    churn.until_phase("Idle")
    assert sluice.verify() == []


def test_no_rollout_is_built_upon_a_history_that_lacks_an_entry(
    churn: Line, sluice: Sluice
) -> None:
    serve(churn)
    soon = {"min": 1, "max": 1, "last": 1}
    in_any_case = plan(strategy="all_at_once", bake_minutes=soon, on_inconclusive="promote")
    churn.push(2, rollout=in_any_case)

    with deleted_row(churn, 3):
        missing = "entry 3 is missing"
        assert sluice.audit() == [f"3: {missing}"]
        since = churn.now()
        churn.approve(2)
        assert refused(churn, since=since).startswith(
            f"HISTORY_BROKEN: entry 3: {missing} (between entry 2 and entry 4). "
        )
    assert sluice.audit() == []
    churn.approve_again(2)
    churn.until_event("Promoted", 2)


def test_a_package_that_was_edited_after_its_approval_is_refused_with_the_difference(
    churn: Line,
) -> None:
    churn.push(1)
    with edited_package(churn, 1) as told:
        since = churn.now()
        churn.approve(1)
        reason = refused(churn, since=since, version=1)

    first = [f"{what}: expected {expected}, found {found}" for _, what, expected, found in told[:3]]
    assert reason == (
        f"PACKAGE_CHANGED: {'; '.join(first)}; and 3 more. Put it back and approve it again, or "
        "push a new version"
    )


def test_an_alias_that_somebody_led_elsewhere_takes_no_new_version(
    support: Application, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    sluice = Sluice(support.line, f"application/{support.name}", monkeypatch, capsys)
    support.serve_first()
    support.leave()
    support.push(2)
    client, target = support.stack.client("lambda"), f"application/{support.name}"
    version = support.alias()["FunctionVersion"]
    alias = {"FunctionName": support.function, "Name": "live", "FunctionVersion": version}

    client.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {"1": 0.25}})
    assert sluice.verify() == [
        (
            "drift",
            f"traffic of alias live of {target}",
            json.dumps({version: 100.0}),
            json.dumps({"1": 25.0, version: 75.0}),
        )
    ]
    since = support.line.now()
    support.line.approve(2)
    aborted = support.line.until_event("Aborted", 2)

    assert aborted["reason"].startswith(
        f'ALIAS_CHANGED: variants of {target}: expected ["{version}"], found ["1", "{version}"]. '
    )
    calls = support.stack.calls(support.function, since)
    assert {"lambda:UpdateAlias", "lambda:PublishVersion"}.isdisjoint(
        one["action"] for one in calls
    )
    client.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})
    assert sluice.verify() == []
