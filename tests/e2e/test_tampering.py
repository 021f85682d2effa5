"""What somebody changed by hand is named, that alone, and nothing is built upon it."""

import json
from typing import Any

import pytest

from tests.e2e.application import Application
from tests.e2e.folders import plan
from tests.e2e.line import Line
from tests.e2e.tampering import (
    Sluice,
    Told,
    changes_since,
    deleted_row,
    edited_package,
    edited_record,
    edited_row,
    flipped_byte,
    image_uri,
    model_made_anew,
    own_images,
    replaced_image,
    second_container,
)

AT_ONCE = plan(strategy="all_at_once", bake_minutes={"min": 1, "max": 1, "last": 1})
CHANGING = ("lambda:Update", "lambda:Publish", "lambda:Put", "lambda:Delete")
PUT_BACK = "Put it back and approve it again, or push a new version"
RESTORE = "Restore that item from a backup, or from what the others say, and approve it again"


@pytest.fixture
def sluice(churn: Line, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Sluice:
    return Sluice(churn, churn.name, monkeypatch, capsys)


def serve(line: Line, **config: Any) -> None:
    """Version 1 serves; users came, and have gone home again."""
    line.serve_first(**config)
    line.leave()


def refused(line: Line, *, since: str, version: int = 2) -> str:
    """Why the rollout was turned back; nothing was changed for it."""
    after = next((one["n"] for one in line.history()[::-1] if one["event"] == "Settled"), 0)
    aborted = line.until_event("Aborted", version, after=after)
    line.until_event("Settled", version, after=after)
    assert line.calls("sagemaker:DescribeEndpoint", since=since)
    assert changes_since(line, since) == []
    line.until_ended()
    return str(aborted["reason"])


def refused_again(line: Line) -> str:
    """Why version 2 was turned back when it was rejected and approved once more."""
    line.reject(2)

    def look() -> bool | None:
        seen = line.ledger.release(line.name, 2)["approvals"][-1]["status"]
        return seen == "Rejected" or None

    line.until("the rejection was seen", look)
    since = line.now()
    line.approve(2)
    return refused(line, since=since)


def differ(told: list[Told]) -> str:
    """The differences as a reason tells them."""
    first = [f"{what}: expected {expected}, found {found}" for _, what, expected, found in told[:3]]
    return "; ".join([*first, f"and {len(told) - 3} more"] if told[3:] else first)


def test_whatever_was_changed_of_what_serves_is_named_and_nothing_else(
    churn: Line, sluice: Sluice
) -> None:
    serve(churn)
    name, target = f"{churn.name}-v1", f"TARGET#endpoint/{churn.name}"
    digest, other = churn.state()["live"]["digest"], "e" * 64

    for tampered in (model_made_anew(churn), second_container(churn), edited_package(churn)):
        with tampered as told:
            assert sluice.verify() == told
    for path, where in (("live.digest", "STATE"), ("last_good[0].digest", "STATE's last_good")):
        with edited_row(churn, target, "STATE", path, other):
            assert sluice.verify() == [("drift", f"digest of {name} in {where}", digest, other)]
    with edited_row(churn, f"RELEASE#{churn.name}", "CAPTURE#000001", "manifest", "{}"):
        ((severity, what, expected, _),) = sluice.verify()
        assert (severity, what, expected) == ("drift", f"manifest of {name} in the ledger", digest)
    with edited_row(churn, target, "HISTORY#00000002", "reason", "nothing happened"):
        (flaw,) = sluice.audit()
        assert flaw.startswith("2: its content has the hash ")

    assert (sluice.verify(), sluice.audit()) == ([], [])


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
        assert refused(churn, since=since) == (
            f"HISTORY_BROKEN: entry 3: {missing} (between entry 2 and entry 4). Restore it from a "
            "bundle of sluice audit or a backup, and approve the version again"
        )
    assert sluice.audit() == []
    churn.approve_again(2)
    churn.until_event("Promoted", 2)


def test_a_release_that_was_changed_is_neither_rolled_out_nor_begun_from(
    churn: Line, sluice: Sluice
) -> None:
    """Version 1 serves and is named by `sluice verify`, version 2 is what is refused."""
    repository = own_images(churn, 1, 2)
    churn.push(1, image_uri=image_uri(churn, 1), rollout=AT_ONCE)
    churn.push(2, image_uri=image_uri(churn, 2))
    churn.approve(1)
    churn.until_serving({1: 100})
    since = churn.now()
    churn.approve(2)  # and waits for the end of the first one's rollout
    with edited_package(churn, 2) as told:
        assert refused(churn, since=since) == f"PACKAGE_CHANGED: {differ(told)}. {PUT_BACK}"

    mend = (
        f"Mend that and approve {churn.name}-v2 again; or, to go on without a way back, `sluice "
        f'override endpoint/{churn.name} --release {churn.name}-v2 --why "…"` first'
    )
    gone = "is not in its repository any more"
    for version, tampered, reason in (
        (2, flipped_byte(churn, 2), "ARTIFACT_CHANGED: {differ}"),
        (1, flipped_byte(churn, 1), f"NO_WAY_BACK: {{differ}}. {mend}"),
        (2, replaced_image(churn, repository, 2), f"IMAGE_GONE: {{expected}} {gone}"),
        (
            1,
            replaced_image(churn, repository, 1),
            f"NO_WAY_BACK: {{expected}} of {churn.name}-v1 {gone}. {mend}",
        ),
        (2, edited_record(churn, 2), f"LEDGER_CHANGED: {{differ}}. {RESTORE}"),
        (1, edited_record(churn, 1), f"LEDGER_CHANGED: {{differ}}. {RESTORE}"),
    ):
        with tampered as told:
            assert sluice.verify() == (told if version == 1 else [])
            why = refused_again(churn)
        assert why == reason.format(differ=differ(told), expected=told[0][2])
    assert sluice.verify() == []


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
    support.line.until_event("Settled", 2)

    assert aborted["reason"] == (
        f'ALIAS_CHANGED: variants of {target}: expected ["{version}"], found ["1", "{version}"]. '
        f"Put that back and approve the new version again; or set {support.name}-v1 to pending and "
        "approve it again, which puts it up as it was approved"
    )
    called = {one["action"] for one in support.stack.calls(support.function, since)}
    assert "lambda:GetAlias" in called
    assert not any(one.startswith(CHANGING) for one in called)
    client.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {}})
    assert sluice.verify() == []
