"""`sluice reproduce` of an application: its version alone has the code, and what it is told."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from tests.integration.signing import SIGNING_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.lambdas import Lambdas
    from tests.integration.published import Application
    from tests.integration.rollouts import Wire

CODE = b"what was deployed"
SHA256 = base64.b64encode(hashlib.sha256(CODE).digest()).decode()
DEPLOY = ("--deploy", "--code", "s3://code/support.zip")


def location(content: bytes) -> dict[str, Any]:
    """Where Lambda says that code is to be had."""
    return {"Code": {"Location": f"data:;base64,{base64.b64encode(content).decode()}"}}


class Kept:
    """`support-v1`, captured; the function's version 2 serves it."""

    def __init__(
        self,
        making: Callable[..., Application],
        lambdas: Lambdas,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        lambdas.deploys(code=SHA256)
        making()
        lambdas.versions["2"].update(CodeSha256=SHA256, MemorySize=512, Role="arn:r")
        self.versions = lambdas.versions
        self.folder, self._capsys = folder / "support-v1", capsys

    def asked(self, *more: str, code: int) -> str:
        """What the command says on both channels."""
        self._capsys.readouterr()
        said = [
            "--table",
            "lost",
            "--trusted-keys",
            SIGNING_KEY,
            "--output",
            str(self.folder),
            *more,
        ]
        assert main(["reproduce", "support-v1", *said]) == code, self._capsys.readouterr()
        told = self._capsys.readouterr()
        return told.out + told.err


@pytest.fixture
def support(
    making: Callable[..., Application],
    lambdas: Lambdas,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Kept:
    """Such a release."""
    return Kept(making, lambdas, tmp_path, capsys)


def test_the_code_that_was_approved_is_written_beside_the_template(
    support: Kept, wire: Wire
) -> None:
    wire.always("GetFunction", **location(CODE))
    support.asked(code=0)
    assert (support.folder / "code.zip").read_bytes() == CODE
    template = json.loads((support.folder / "template.json").read_text())
    function = template["Resources"]["Function"]["Properties"]
    assert function["MemorySize"] == 512
    assert "SLUICE_VERSION" in function["Environment"]["Variables"]


def test_other_code_under_that_version_is_refused(support: Kept, wire: Wire) -> None:
    wire.always("GetFunction", **location(b"something else"))
    assert f"not {SHA256}" in support.asked(code=1)
    assert not support.folder.exists()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda versions: versions.pop("2"), id="deleted"),
        pytest.param(lambda versions: versions["2"].update(CodeSha256="o"), id="other code"),
        pytest.param(lambda versions: versions["2"].update(Environment={}), id="of no release"),
    ],
)
def test_where_no_version_serves_it_any_more_that_is_said_with_what_to_build(
    support: Kept, change: Callable[[dict[str, Any]], object]
) -> None:
    change(support.versions)
    told = support.asked(code=1)
    assert "no published version of sluice-serve serves support-v1 any more" in told
    assert f"CodeSha256 {SHA256}: " in told
    assert "commit" in told
    assert not support.folder.exists()


def test_other_layers_than_were_approved_are_named(support: Kept) -> None:
    support.versions["2"]["Layers"] = [{"Arn": "arn:another"}]
    assert "drift: layers of version 2 of sluice-serve" in support.asked(code=1)
    assert not support.folder.exists()


def test_code_without_a_place_to_put_it_is_not_deployed(support: Kept, wire: Wire) -> None:
    wire.always("GetFunction", **location(CODE))
    assert "say --code s3://BUCKET/KEY" in support.asked("--deploy", code=2)
    assert wire.calls("CreateStack", "PutObject") == []


@pytest.mark.parametrize("name", ["support", "sluice-serve"])
def test_the_original_is_never_what_is_built(support: Kept, name: str) -> None:
    assert "refused: " in support.asked("--name", name, *DEPLOY, code=1)
