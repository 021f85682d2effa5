"""What happened before a scenario's event, as the ledger tells it.

Written by Sluice's own adapters into a ledger in memory, so it is spelled as Sluice spells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.ledger import Item, Ledger
from sluice.adapters.ledger.intake import Intake
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import Table
from sluice.adapters.ledger.targets import Targets
from sluice.domain import names
from sluice.domain.alarm import Watched
from sluice.domain.desired import next_move
from sluice.domain.manifest import Manifest, digest_of, manifest_uri, vault_key
from sluice.domain.package import customer_metadata
from sluice.domain.preparation import planned
from sluice.domain.release import ApprovalStatus, Capture, Release
from sluice.domain.rollout import Action, Deployed, Phase, Rollout
from sluice.domain.starting import Start
from sluice.domain.target import Change, TargetState, Wanted
from sluice.domain.vault import Comparison, VaultCopy
from tests.builders import ACCOUNT, AT, REGION, a_manifest, a_release_name

if TYPE_CHECKING:
    from sluice.domain.noted import Noted

ENDPOINT = "churn"
TARGET = names.target_of(ENDPOINT)
BAKE_SECONDS = 900
CHECKSUM = "AAAAAAAAAAA="
"""CRC64NVME, which S3 keeps of every object unless its pusher chose another one."""


class Past:
    """A ledger in which version 3 serves `endpoint/churn`, and version 4 is on its way."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        table = Table(_Client(self._ledger), "sluice-ledger")  # type: ignore[arg-type]
        self._targets, self._releases, self._intake = Targets(table), Releases(table), Intake(table)
        self.manifest = a_manifest()
        self.new = _release(self.manifest, package_version=3)
        before = self.manifest.model_copy(update={"release": a_release_name("churn-v3")})
        self._old_manifest, self._old = before, _release(before, package_version=2)
        self.live = _deployed(self._old, epoch=3)

    @property
    def items(self) -> list[Item]:
        """The ledger as it stands."""
        return self._ledger.items

    @property
    def customer_metadata(self) -> dict[str, str]:
        """What version 4's model package says of it."""
        return customer_metadata(self.manifest, self.new.digest)

    @property
    def captured(self) -> list[str]:
        """Keys of what the vault holds of both versions."""
        versions = ((self._old_manifest, self._old), (self.manifest, self.new))
        return [
            copy.key for manifest, release in versions for copy in _copies(manifest, release.digest)
        ]

    def noted(self, *objects: Noted) -> None:
        """Objects were pushed to version 4's folder."""
        for one in objects:
            checksummed = {"checksums": {"CRC64NVME": CHECKSUM}, "checksum_type": "FULL_OBJECT"}
            facts = one.facts.model_copy(update=checksummed)
            self._intake.note(one.model_copy(update={"facts": facts}))

    def registered(self) -> None:
        """Both versions are in the vault and the registry, and version 3 serves."""
        for manifest, release in ((self._old_manifest, self._old), (self.manifest, self.new)):
            claimed = release.model_copy(update={"capture": Capture.CLAIMED})
            self._releases.claim(claimed, manifest.canonical(), based_on=[])
            self._releases.register(release, _copies(manifest, release.digest), receipts=[])
        self._writes(self._serving())

    def holds(self, rollout: Rollout, phase: Phase, **more: Any) -> None:
        """The rollout has got this far."""
        update = {"holder": rollout.id, "epoch": rollout.epoch, "rollout": rollout, "phase": phase}
        self._writes(self._wanting().model_copy(update={**update, **more}))

    def watches(self, alarm_arn: str) -> None:
        """The alarm watches the canary."""
        release = self.rollout().release
        watched = Watched(
            target=TARGET, release=release.release, variant=release.variant, epoch=release.epoch
        )
        self._targets.watch(alarm_arn, watched)

    def rollout(self) -> Rollout:
        """Version 4's rollout, as reconcile starts it."""
        releases = {release.name: release for release in (self._old, self.new)}
        move = next_move(self._wanting(), releases=releases, now=AT)
        if not isinstance(move, Start):
            raise TypeError(f"version 4's approval starts no rollout: {move.reason}")
        return move.rollout

    def planned(self) -> Rollout:
        """The same once it is prepared."""
        rollout = self.rollout()
        alarm = names.alarm(TARGET, rollout.release.variant, "errors")
        made = planned(rollout, self.manifest)
        release = made.release.model_copy(update={"alarms": (alarm,)})
        return made.model_copy(update={"release": release})

    def provisioned(self) -> Rollout:
        """The same once the canary stands beside the stable, about to get its first weight."""
        return self.planned().to(Action.SHIFT, "provisioned", position=0)

    def _serving(self) -> TargetState:
        return TargetState(
            target=TARGET, owner="churn", epoch=3, live=self.live, last_good=(self.live,)
        )

    def _wanting(self) -> TargetState:
        wanted = Wanted(
            seq=1,
            release=self.new.name,
            package_arn=self.new.package_arn,
            package_version=self.new.package_version,
            approved_at=AT,
        )
        return self._serving().model_copy(update={"approval_seq": 1, "wanted": wanted})

    def _writes(self, state: TargetState) -> None:
        self._targets.change(TARGET, lambda _: Change(state))


class _Client:
    """As much of a DynamoDB client as writing the past takes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def get_item(self, **request: Any) -> Item:
        return self._ledger.answer("GetItem", request)

    def put_item(self, **request: Any) -> Item:
        return self._ledger.answer("PutItem", request)

    def transact_write_items(self, **request: Any) -> Item:
        return self._ledger.answer("TransactWriteItems", request)


def _release(manifest: Manifest, *, package_version: int) -> Release:
    digest = digest_of(manifest.canonical())
    group = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{manifest.release.group}"
    return Release(
        name=manifest.release,
        capture=Capture.REGISTERED,
        digest=digest,
        manifest_uri=manifest_uri(manifest.bucket, manifest.release, digest),
        target=manifest.target,
        package_arn=f"{group}/{package_version}",
        package_version=package_version,
        approval=ApprovalStatus.PENDING,
        claimed_at=AT,
        registered_at=AT,
    )


def _deployed(release: Release, *, epoch: int) -> Deployed:
    version = release.package_version
    return Deployed(
        release=release.name,
        digest=release.digest,
        manifest_uri=release.manifest_uri,
        package_arn=release.package_arn,
        package_version=version,
        epoch=epoch,
        variant=names.variant(version, epoch=epoch),
        model=names.model(ENDPOINT, version, epoch=epoch),
        endpoint_config=names.alone(ENDPOINT, version, epoch=epoch),
    )


def _copies(manifest: Manifest, digest: str) -> list[VaultCopy]:
    return [
        VaultCopy(
            name=one.name,
            key=vault_key(manifest.release, digest, one.name),
            version_id="version-of-model.tar.gz",
            size=one.size,
            etag=one.etag,
            compared=Comparison.STREAM,
        )
        for one in manifest.objects
    ]
