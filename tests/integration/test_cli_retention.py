"""`sluice retention`: what could be freed is said; only that is retired, tagged, and taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from cli.retirements import Retirements
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import digest_of, manifest_uri
from sluice.domain.release import ApprovalStatus
from sluice.domain.vault import Comparison, VaultCopy
from tests.builders import (
    BUCKET,
    a_manifest,
    a_release,
    a_release_name,
    a_state,
    a_wanted,
    deployed,
    seen,
)
from tests.integration import beginnings
from tests.integration.conftest import TABLE
from tests.integration.observed import record
from tests.integration.rollouts import Wire

if TYPE_CHECKING:
    from sluice.domain.release import Release, ReleaseName
    from tests.integration.rollouts import World

ASKED = ["retention", "--table", TABLE]
FILES = (MODEL, CONFIG, EVALUATION)
EAGER = ["--keep", "0", "--older-than", "0"]
READS = {
    "Query",
    "GetItem",
    "DescribeModelPackage",
    "ListObjectVersions",
}


class Kept:
    """`churn`: version 3 serves, 2 may be gone back to, 1 was rejected long since."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self.s3, self._capsys = world, world.aws("s3"), capsys
        beginnings.begin(self._register_all)

    def _register_all(self) -> None:
        for version in (1, 2, 3):
            status = ApprovalStatus.REJECTED if version == 1 else ApprovalStatus.APPROVED
            self._register(a_release_name(f"churn-v{version}"), status)
        live, good = (deployed(version, epoch=version) for version in (3, 2))
        self.world.given(a_state(live=live, last_good=(good,)))

    def _register(self, name: ReleaseName, status: ApprovalStatus) -> None:
        """A version as it is captured: in inbox, vault, ledger and registry."""
        manifest = a_manifest(release=name, bucket=BUCKET)
        text = manifest.canonical()
        release = a_release(
            str(name),
            digest=digest_of(text),
            manifest_uri=manifest_uri(BUCKET, name, digest_of(text)),
            approval=status,
            approvals=(seen(status),),
        )
        self.world.given_release(release, status=status)
        folder = release.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
        copies = [self._copy(f"{folder}/{file}") for file in FILES]
        self.s3.put_object(Bucket=BUCKET, Key=f"{folder}/manifest.json", Body=text.encode())
        self.s3.put_object(Bucket=BUCKET, Key=f"models/{name}/{MODEL}", Body=b"pushed")
        key = {"pk": f"RELEASE#{name.group}", "sk": f"CAPTURE#{name.version:06d}"}
        captured = {"manifest": text, "copies": [one.model_dump(mode="json") for one in copies]}
        self.world.table.write(self.world.table.put({**key, **captured}))

    def _copy(self, key: str) -> VaultCopy:
        body = key.encode()
        put = self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return VaultCopy(
            name=key.rpartition("/")[2],
            key=key,
            version_id=put["VersionId"],
            size=len(body),
            etag=put["ETag"].strip('"'),
            compared=Comparison.STREAM,
        )

    def release(self, version: int) -> Release:
        found = Releases(self.world.table).get(a_release_name(f"churn-v{version}"))
        assert found
        return found

    def folder(self, version: int) -> str:
        uri = self.release(version).manifest_uri
        return uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]

    def stored(self, prefix: str) -> dict[str, tuple[str, int]]:
        """Version and size of every object below a prefix, by its name there."""
        found = self.s3.list_object_versions(Bucket=BUCKET, Prefix=f"{prefix}/").get("Versions", [])
        return {
            one["Key"].removeprefix(f"{prefix}/"): (one["VersionId"], one["Size"]) for one in found
        }

    def tagged(self, version: int) -> set[str]:
        """The objects of a release in the vault that would expire."""
        folder = self.folder(version)
        return {
            name
            for name, (stored, _) in self.stored(folder).items()
            if {"Key": "sluice-retention", "Value": "expired"}
            in self.s3.get_object_tagging(Bucket=BUCKET, Key=f"{folder}/{name}", VersionId=stored)[
                "TagSet"
            ]
        }

    def asks(self, *how: str, code: int = 0) -> Any:
        """The answer to `sluice retention --all --json …`."""
        self._capsys.readouterr()
        assert main([*ASKED, "--all", "--json", *how]) == code
        return json.loads(self._capsys.readouterr().out)

    def undoes(self, version: int, *, code: int) -> str:
        self._capsys.readouterr()
        assert main([*ASKED, "--undo", f"churn-v{version}"]) == code
        said = self._capsys.readouterr()
        return said.out + said.err


@pytest.fixture
def churn(world: World, capsys: pytest.CaptureFixture[str]) -> Kept:
    """Such a group."""
    return Kept(world, capsys)


def test_what_could_be_freed_is_said_with_its_bytes_and_nothing_is_changed(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)

    answer = churn.asks(*EAGER)

    (free,) = answer["free"]
    sizes = {name: size for name, (_, size) in churn.stored(churn.folder(1)).items()}
    assert free["release"] == "churn-v1"
    assert free["bytes"] == sum(sizes.values()) - sizes["manifest.json"] > 0
    assert free["objects"] == len(sizes) - 1
    kept = {one["release"]: one["reasons"] for one in answer["kept"]}
    assert kept == {
        "churn-v2": ["may be gone back to on endpoint/churn"],
        "churn-v3": ["serves endpoint/churn"],
    }
    assert answer["bytes"]["free"] == free["bytes"]
    pushed = churn.stored("models/churn-v1")
    assert free["inbox"] == {
        "folder": "models/churn-v1",
        "bytes": sum(size for _, size in pushed.values()),
    }
    asked = {operation for operation, _ in wire.asked} - {"GetObjectTagging"}
    assert asked <= READS


def test_by_default_the_newest_and_the_young_are_kept(churn: Kept) -> None:
    answer = churn.asks()

    assert answer["free"] == []
    assert "is among the newest 10 of churn" in answer["kept"][0]["reasons"]
    assert churn.asks("--keep", "2", "--older-than", "0")["free"] != []
    assert churn.asks("--keep", "0", "--older-than", "36500")["free"] == []


def test_only_what_could_be_freed_is_tagged_and_its_manifest_stays(churn: Kept) -> None:
    answer = churn.asks(*EAGER, "--apply", "--grace", "0", "--by", "ada", "--why", "spring")

    assert [(one["release"], one["became"]) for one in answer["applied"]] == [
        ("churn-v1", "retired"),
        ("churn-v1", "expiring"),
    ]
    assert churn.tagged(1) == {MODEL, CONFIG, EVALUATION}
    assert churn.tagged(2) == churn.tagged(3) == set()
    retired = churn.release(1).retired
    assert retired
    assert (retired.by, retired.why) == ("ada", "spring")
    assert retired.expiring_since
    assert churn.release(2).retired is churn.release(3).retired is None


def test_tags_come_only_after_the_days_of_grace(churn: Kept) -> None:
    churn.asks(*EAGER, "--apply", "--by", "ada")
    assert churn.tagged(1) == set()
    assert churn.release(1).retired

    answer = churn.asks(*EAGER, "--apply")
    assert answer["applied"] == []
    (told,) = answer["retired"]
    assert told["expires_from"] > told["retired"]["at"]
    assert churn.tagged(1) == set()

    churn.asks(*EAGER, "--apply", "--grace", "0")
    assert churn.tagged(1) == {MODEL, CONFIG, EVALUATION}


def test_what_is_tagged_already_is_tagged_once(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    churn.asks(*EAGER, "--apply", "--grace", "0")
    since, wire = churn.release(1).retired, Wire(monkeypatch)

    churn.asks(*EAGER, "--apply", "--grace", "0")

    assert churn.release(1).retired == since
    assert wire.calls("PutObjectTagging") == []


def test_other_tags_stay(churn: Kept) -> None:
    key = f"{churn.folder(1)}/{MODEL}"
    other = {"Key": "team", "Value": "risk"}
    churn.s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [other]})

    churn.asks(*EAGER, "--apply", "--grace", "0")
    assert MODEL in churn.tagged(1)
    churn.undoes(1, code=0)

    tags = churn.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert tags == [other, {"Key": "sluice-retention", "Value": "kept"}]


def test_who_may_not_tag_is_told_what_to_set_and_nothing_is_changed(
    churn: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Wire(monkeypatch).refuse("PutObjectTagging", "AccessDenied", "explicit deny")

    assert main([*ASKED, "--all", *EAGER, "--apply"]) == 1

    said = capsys.readouterr().err
    assert "RetentionRoleArns" in said
    assert "Nothing was changed" in said
    assert churn.release(1).retired is None


def test_a_release_that_is_wanted_between_look_and_write_is_kept(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Retirements.record

    def wanted_meanwhile(self: Retirements, *what: Any) -> None:
        state = churn.world.state
        churn.world.given(state.model_copy(update={"wanted": a_wanted(1)}))
        real(self, *what)

    monkeypatch.setattr(Retirements, "record", wanted_meanwhile)
    answer = churn.asks(*EAGER, "--apply", "--grace", "0", code=1)

    assert [(one["release"], one["became"]) for one in answer["applied"]] == [("churn-v1", "kept")]
    assert churn.release(1).retired is None
    assert churn.tagged(1) == set()


def test_a_release_that_is_decided_on_between_look_and_write_is_kept(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Retirements.record

    def approved_meanwhile(self: Retirements, *what: Any) -> None:
        record(churn.world.table, churn.release(1), seen(modified=60))
        real(self, *what)

    monkeypatch.setattr(Retirements, "record", approved_meanwhile)
    churn.asks(*EAGER, "--apply", "--grace", "0", code=1)

    assert churn.release(1).retired is None


def test_an_approval_in_the_registry_that_nobody_heard_of_keeps(churn: Kept) -> None:
    churn.world.decide(churn.release(1).package_arn, "Approved")

    answer = churn.asks(*EAGER, "--apply")

    said = {one["release"]: one["reasons"] for one in answer["kept"]}["churn-v1"]
    assert said == ["was just set to Approved, which is not taken up yet"]
    assert churn.release(1).retired is None


def test_a_retirement_is_undone_in_ledger_and_bucket(churn: Kept) -> None:
    before = churn.release(1)
    churn.asks(*EAGER, "--apply", "--grace", "0")

    assert "is retired no more" in churn.undoes(1, code=0)

    assert churn.release(1) == before
    assert churn.tagged(1) == set()
    assert "is not retired" in churn.undoes(1, code=1)


def test_what_was_tagged_while_it_was_taken_back_is_not_left_to_expire(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Retirements.record

    def undone_meanwhile(self: Retirements, bundle: Any, retirement: Any, states: Any) -> None:
        real(self, bundle, retirement, states)
        if retirement.expiring_since:
            self.take_back(churn.release(1))

    monkeypatch.setattr(Retirements, "record", undone_meanwhile)
    answer = churn.asks(*EAGER, "--apply", "--grace", "0", code=1)

    assert answer["applied"][-1]["reason"] == "it was taken back meanwhile"
    assert churn.tagged(1) == set()


def test_what_s3_has_hidden_is_saved_from_expiry_and_said_to_be_hidden(churn: Kept) -> None:
    churn.asks(*EAGER, "--apply", "--grace", "0")
    key = f"{churn.folder(1)}/{MODEL}"
    marker = churn.s3.delete_object(Bucket=BUCKET, Key=key)["VersionId"]  # as the rule does

    said = churn.undoes(1, code=1)

    assert f"delete markers before {MODEL}" in said
    assert churn.tagged(1) == set()
    assert churn.release(1).retired
    churn.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=marker)
    churn.undoes(1, code=0)
    assert churn.release(1).retired is None


def test_what_has_expired_is_not_taken_back(churn: Kept) -> None:
    churn.asks(*EAGER, "--apply", "--grace", "0")
    key = f"{churn.folder(1)}/{MODEL}"
    version, _ = churn.stored(churn.folder(1))[MODEL]
    churn.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)

    assert f"{MODEL} expired and cannot be brought back" in churn.undoes(1, code=1)
    assert churn.release(1).retired


def test_a_record_that_was_read_before_is_not_written_over_a_retirement(churn: Kept) -> None:
    stale = churn.release(1)
    churn.asks(*EAGER, "--apply")

    with pytest.raises(ConditionFailedError):
        record(churn.world.table, stale, seen(modified=60))

    assert churn.release(1).retired


def test_images_of_what_is_kept_are_listed(churn: Kept) -> None:
    captured = json.loads(Releases(churn.world.table).captured(a_release_name("churn-v3")).manifest)

    before = churn.asks(*EAGER, "--images")["images"]
    churn.asks(*EAGER, "--apply", "--grace", "0")
    after = churn.asks(*EAGER, "--images")["images"]

    assert before == [
        {"image": captured["image"], "releases": ["churn-v1", "churn-v2", "churn-v3"]}
    ]
    assert after == [{"image": captured["image"], "releases": ["churn-v2", "churn-v3"]}]


def test_it_is_told_in_words(churn: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--group", "churn", *EAGER]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("could be freed: 1 of 3 releases, ")
    assert lines[1].startswith("  churn-v1 ")
    assert any(line.endswith(": serves endpoint/churn") for line in lines)
    assert lines[-1] == "nothing was changed; --apply retires what could be freed"

    assert main([*ASKED, "--group", "churn", "--apply", "--why", "tidy"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing was changed; nothing is due"


def test_what_cannot_be_asked_is_said(churn: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASKED) == 2
    assert main([*ASKED, "--all", "--group", "churn"]) == 2
    assert main([*ASKED, "--group", "fraud"]) == 2

    said = capsys.readouterr().err
    assert "say which: --group GROUP, --all, or --undo RELEASE" in said
    assert "no group 'fraud': it knows churn" in said


def test_a_registry_that_cannot_be_read_frees_nothing(
    churn: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    Wire(monkeypatch).refuse("DescribeModelPackage", "AccessDeniedException", "not for you")

    assert main([*ASKED, "--all", *EAGER, "--apply"]) == 2
    assert churn.release(1).retired is None
