"""`sluice export`, and `sluice verify --bundle` of what it wrote: without AWS, by others' code."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import WEIGHTS, a_release_name
from tests.integration.conftest import TABLE
from tests.integration.inbox import SCRIPT
from tests.integration.signing import FORMER_KEY, SIGNING_KEY, STRANGE_KEY, pem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sluice.adapters.ledger.table import Table
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.signing import Envelopes

pytestmark = pytest.mark.usefixtures("trusting")

FILES = {"manifest.json", "manifest.dsse.json", "public-key.pem", "README.txt"}


class Bundle:
    """`churn-v1`, captured with a script, and the folder it is exported to."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder / "bundle", capsys
        self.key = folder / "owner.pem"
        self.key.write_bytes(pem(SIGNING_KEY))

    def export(self, *more: str, code: int = 0) -> str:
        self._capsys.readouterr()
        asked = ["export", "churn-v1", "--output", str(self.folder), "--table", TABLE]
        assert main([*asked, *more]) == code
        said = self._capsys.readouterr()
        return said.out + said.err

    def verify(self, *, code: int, key: Path | None = None) -> Any:
        self._capsys.readouterr()
        asked = ["--bundle", str(self.folder), "--key", str(key or self.key), "--json"]
        assert main(["verify", *asked]) == code
        said = self._capsys.readouterr()
        return json.loads(said.out) if said.out else said.err

    def flip(self, name: str, *, at: int = -1) -> None:
        """One bit of a file is another."""
        path = self.folder / name
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(bytes(data))


@pytest.fixture
def bundle(inbox: Inbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bundle:
    inbox.begin(inbox.given_script)
    return Bundle(tmp_path, capsys)


def test_what_is_exported_is_proved_without_aws(bundle: Bundle, faults: Faults) -> None:
    bundle.export("--artifacts")

    assert {one.name for one in bundle.folder.iterdir()} == FILES | {"artifacts"}
    assert (bundle.folder / "artifacts" / MODEL).read_bytes() == WEIGHTS
    assert (bundle.folder / "artifacts" / "code" / "pre.py").read_bytes() == SCRIPT
    assert (bundle.folder / "public-key.pem").read_bytes() == bundle.key.read_bytes()
    with faults.recorded() as calls:
        answer = bundle.verify(code=0)
    assert calls == []
    assert answer == {"release": "churn-v1", "as_signed": True, "amiss": [], "unproved": []}


def test_without_the_artifacts_the_manifest_is_proved_and_they_are_not(bundle: Bundle) -> None:
    bundle.export()

    assert {one.name for one in bundle.folder.iterdir()} == FILES
    answer = bundle.verify(code=0)
    assert sorted(answer["unproved"]) == [
        f"{name} is not in the bundle"
        for name in sorted([CONFIG, EVALUATION, MODEL, "code/pre.py"])
    ]


@pytest.mark.parametrize(
    ("name", "at", "named"),
    [
        pytest.param(f"artifacts/{MODEL}", -1, f"{MODEL} has other bytes", id="weights"),
        pytest.param("artifacts/code/pre.py", 0, "code/pre.py has other bytes", id="a script"),
        pytest.param("manifest.json", -3, "SIGNED_OTHERWISE", id="the manifest"),
        pytest.param("manifest.json", 0, "SIGNED_OTHERWISE", id="the manifest's first byte"),
        pytest.param("manifest.dsse.json", 40, "SIGNATURE_INVALID", id="the payload"),
        pytest.param("manifest.dsse.json", 0, "SIGNATURE_UNREADABLE", id="the envelope"),
    ],
)
def test_one_flipped_bit_is_named(bundle: Bundle, name: str, at: int, named: str) -> None:
    bundle.export("--artifacts")
    bundle.flip(name, at=at)

    answer = bundle.verify(code=1)

    assert answer["as_signed"] is False
    assert any(one.startswith(named) for one in answer["amiss"]), answer


def test_a_file_that_nobody_signed_is_named(bundle: Bundle) -> None:
    bundle.export("--artifacts")
    (bundle.folder / "artifacts" / "code" / "post.py").write_text("evil")

    assert bundle.verify(code=1)["amiss"] == ["code/post.py was never signed"]


def test_another_s_key_proves_nothing_whatever_lies_in_the_bundle(
    bundle: Bundle, tmp_path: Path
) -> None:
    bundle.export()
    strange = tmp_path / "strange.pem"
    strange.write_bytes(pem(STRANGE_KEY))

    (amiss,) = bundle.verify(code=1, key=strange)["amiss"]
    assert amiss.startswith("SIGNATURE_INVALID")


def test_a_key_s_name_in_the_bundle_is_no_more_than_a_hint(bundle: Bundle) -> None:
    """DSSE: "keyid" is optional, and nothing keeps two signatures from having the same."""
    bundle.export()
    path = bundle.folder / "manifest.dsse.json"
    envelope = json.loads(path.read_text())
    (sig,) = envelope["signatures"]
    nameless, others = {"sig": sig["sig"]}, {**sig, "sig": "MAA="}

    path.write_text(json.dumps({**envelope, "signatures": [others, nameless]}))
    assert bundle.verify(code=0)["as_signed"]
    path.write_text(json.dumps({**envelope, "signatures": [others, sig]}))
    assert bundle.verify(code=0)["as_signed"]
    path.write_text(json.dumps({**envelope, "signatures": [others, others]}))
    assert bundle.verify(code=1)["amiss"][0].startswith("SIGNATURE_INVALID")


def test_a_manifest_that_nests_without_end_is_none(bundle: Bundle) -> None:
    bundle.export()
    (bundle.folder / "manifest.json").write_text("[" * 200_000)

    assert bundle.verify(code=1)["amiss"] == ["SIGNED_OTHERWISE: manifest.json is no manifest"]


def test_the_key_is_the_asker_s_to_say(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    bundle.export()

    assert main(["verify", "--bundle", str(bundle.folder)]) == 2
    assert "known from elsewhere than the bundle" in capsys.readouterr().err
    assert main(["verify", "churn", "--key", str(bundle.key)]) == 2
    assert "--bundle DIR takes no TARGET" in capsys.readouterr().err
    assert "is no public key" in bundle.verify(code=2, key=bundle.folder / "README.txt")
    assert "cannot be read" in bundle.verify(code=2, key=bundle.folder / "none.pem")


def test_the_owner_writes_the_key_as_the_readme_says(bundle: Bundle) -> None:
    bundle.export()
    text = (bundle.folder / "README.txt").read_text()
    asked = text.partition("--output text | ")[2].partition("\n")[0]
    told = (bundle.folder / "public-key.pem").read_text()
    from_kms = "".join(told.splitlines()[1:-1])

    subprocess.run(["sh", "-c", asked], cwd=bundle.folder, check=True, input=from_kms, text=True)

    assert (bundle.folder / "KEY.pem").read_text() == told


def test_openssl_proves_it_as_the_readme_says(bundle: Bundle) -> None:
    bundle.export()
    text = (bundle.folder / "README.txt").read_text()
    script = text.partition("python3 - <<'END'\n")[2].partition("    END")[0]
    lines = "\n".join(line.removeprefix("    ") for line in script.splitlines())

    subprocess.run([sys.executable, "-c", lines], cwd=bundle.folder, check=True)
    asked = ["openssl", "dgst", "-sha256", "-verify", str(bundle.key)]
    asked += ["-signature", "signature.der", "signed.bin"]
    said = subprocess.run(asked, cwd=bundle.folder, check=True, capture_output=True, text=True)

    assert said.stdout == "Verified OK\n"
    statement = json.loads((bundle.folder / "statement.json").read_text())
    assert statement["predicate"] == json.loads((bundle.folder / "manifest.json").read_text())


def test_securesystemslib_proves_it_as_the_readme_says(bundle: Bundle) -> None:
    bundle.export()
    text = (bundle.folder / "README.txt").read_text()
    script = text.partition('[crypto]"):\n\n')[2].partition("\n\nThen")[0]
    lines = "\n".join(line.removeprefix("    ") for line in script.splitlines())
    lines = lines.replace("KEY.pem", str(bundle.key))

    subprocess.run([sys.executable, "-c", lines], cwd=bundle.folder, check=True)
    bundle.flip("manifest.dsse.json", at=40)
    failed = subprocess.run(
        [sys.executable, "-c", lines], cwd=bundle.folder, check=False, capture_output=True
    )
    assert b"VerificationError" in failed.stderr


def test_an_export_goes_on_where_it_ended(bundle: Bundle, faults: Faults) -> None:
    assert "4 of them fetched now" in bundle.export("--artifacts")
    (bundle.folder / "artifacts" / MODEL).write_bytes(b"half of i")

    with faults.recorded() as calls:
        assert "1 of them fetched now" in bundle.export("--artifacts")

    assert calls.count("GetObject") == 3  # the envelope, to verify and to keep, and the weights
    assert (bundle.folder / "artifacts" / MODEL).read_bytes() == WEIGHTS


def test_other_bytes_in_the_vault_are_not_exported(
    bundle: Bundle, aws: Callable[[str], Any], table: Table
) -> None:
    name = a_release_name("churn-v1")
    (copy,) = (one for one in Releases(table).captured(name).copies if one.name == MODEL)
    aws("s3").put_object(Bucket="sluice-artifacts", Key=copy.key, Body=b"other")

    assert "PreconditionFailed" in bundle.export("--artifacts", code=2)
    assert not (bundle.folder / "artifacts" / MODEL).exists()


@pytest.mark.parametrize("edit", ["gone", "renamed"])
def test_an_edited_ledger_is_not_exported_as_if_it_were_whole(
    bundle: Bundle, table: Table, edit: str
) -> None:
    item = table.get("RELEASE#churn", "CAPTURE#000001")
    assert item
    script, *others = sorted(item["copies"], key=lambda one: one["name"] != "code/pre.py")
    renamed = [{**script, "name": "code/post.py"}] if edit == "renamed" else []
    table.write(table.put({**item, "copies": [*others, *renamed]}))

    said = bundle.export("--artifacts", code=2)

    assert "code/pre.py" in said
    assert "the ledger was changed" in said
    assert not (bundle.folder / "artifacts").exists()


def test_what_is_not_signed_is_not_exported(
    bundle: Bundle, envelopes: Envelopes, table: Table
) -> None:
    release = Releases(table).get(a_release_name("churn-v1"))
    assert release
    envelopes.sign(release, STRANGE_KEY)

    assert f"refused: SIGNATURE_UNTRUSTED: signed by {STRANGE_KEY}" in bundle.export(code=1)
    assert not bundle.folder.exists()
    assert SIGNING_KEY not in bundle.export("--trusted-keys", STRANGE_KEY)
    assert (bundle.folder / "public-key.pem").read_bytes() == pem(STRANGE_KEY)


def test_the_key_that_signed_is_exported_not_the_one_that_would(
    bundle: Bundle, envelopes: Envelopes, table: Table
) -> None:
    release = Releases(table).get(a_release_name("churn-v1"))
    assert release
    envelopes.sign(release, FORMER_KEY)

    assert f"signed by {FORMER_KEY}" in bundle.export()
    assert (bundle.folder / "public-key.pem").read_bytes() == pem(FORMER_KEY)


@pytest.mark.parametrize("operation", ["Verify", "GetPublicKey"])
def test_a_key_that_cannot_be_asked_is_no_refusal(
    bundle: Bundle, faults: Faults, operation: str
) -> None:
    with faults.refusing(operation, "DisabledException"):
        assert "DisabledException" in bundle.export(code=2)
