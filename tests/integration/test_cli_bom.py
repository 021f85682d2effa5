"""`sluice bom`: what a captured release is made of, from its manifest in ledger or vault."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from tests.builders import BUCKET, a_release_name
from tests.integration.configs import push_config
from tests.integration.conftest import TABLE
from tests.integration.rollouts import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sluice.adapters.ledger.table import Table
    from tests.integration.catalogue import Catalogue
    from tests.integration.inbox import Inbox


@pytest.fixture
def churn(inbox: Inbox) -> None:
    """`churn-v1`, captured with a script."""
    inbox.begin(inbox.given_script)


def told(capsys: pytest.CaptureFixture[str], release: str) -> str:
    capsys.readouterr()
    assert main(["bom", release, "--table", TABLE]) == 0
    return capsys.readouterr().out


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in document["components"] if one["name"] == name)
    return dict(found)


def test_a_captured_model_has_a_valid_bill(
    churn: None, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "churn-v1")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    release = Releases(table).get(a_release_name("churn-v1"))
    assert release
    assert release.registered_at
    manifest = component(document, "manifest.json")
    assert manifest["hashes"] == [{"alg": "SHA-256", "content": release.digest}]
    manifest_text = json.loads(Releases(table).captured(release.name).manifest)
    assert component(document, "churn")["version"] == manifest_text["image"].partition("@")[2]
    assert document["metadata"]["timestamp"][:19] == f"{release.registered_at:%Y-%m-%dT%H:%M:%S}"
    assert text == told(capsys, "churn-v1")


def test_a_captured_configuration_has_a_valid_bill(
    inbox: Inbox, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = b"Answer {{question}}.\n"
    assert inbox.deliver(*push_config(inbox, prompt=prompt)) == []

    text = told(capsys, "assistant-v1")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = component(json.loads(text), "prompts/rag-prompt-template.txt")
    assert found["hashes"][0]["content"] == hashlib.sha256(prompt).hexdigest()


def test_a_manifest_edited_in_the_ledger_is_read_from_the_vault(
    churn: None,
    aws: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    before, file = told(capsys, "churn-v1"), tmp_path / "bom.json"
    _edit(aws)

    assert main(["bom", "churn-v1", "--table", TABLE, "--output", str(file)]) == 0

    assert file.read_text() == before


def test_a_release_without_its_manifest_has_no_bill(
    churn: None, table: Table, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    release = Releases(table).get(a_release_name("churn-v1"))
    assert release
    _edit(aws)
    key = release.manifest_uri.removeprefix(f"s3://{BUCKET}/")
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")

    assert main(["bom", "churn-v1", "--table", TABLE]) == 2
    assert "has not the digest" in capsys.readouterr().err


def test_an_unknown_release_and_a_file_that_cannot_be_written_are_said(
    churn: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bom", "churn-v7", "--table", TABLE]) == 2
    assert main(["bom", "churn-v1", "--table", TABLE, "--output", str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert "the ledger knows no release 'churn-v7'" in said
    assert "cannot be written" in said


def test_nothing_but_the_ledger_is_asked(churn: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)

    assert main(["bom", "churn-v1", "--table", TABLE]) == 0

    assert {operation for operation, _ in wire.asked} == {"GetItem"}


def _edit(aws: Callable[[str], Any]) -> None:
    """Somebody writes another manifest into the ledger."""
    aws("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "RELEASE#churn"}, "sk": {"S": "CAPTURE#000001"}},
        UpdateExpression="SET manifest = :other",
        ExpressionAttributeValues={":other": {"S": "{}"}},
    )
