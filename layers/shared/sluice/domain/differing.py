"""What is not as it was approved, as the reason that a rollout is refused with.

The findings are those of `sluice verify`, so the two can never disagree. A reason is read by people
in a console and a mail: it holds a few differences, each around where it begins. The log holds all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.packaged import package_checks
from sluice.domain.release import ApprovalStatus
from sluice.domain.verifying import Check, findings, ledger_checks, state_checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.recorded import Flaw
    from sluice.domain.rollout import Deployed
    from sluice.domain.verifying import Finding, Kept, Packaged

MOST = 3
"""How many findings a reason tells."""
LONGEST = 160
"""How many characters of each value it tells."""
_BEFORE = 20
_CUT = "…"


def refusal(reason: str, checks: Iterable[Check], *, advice: str) -> str:
    """`REASON: what differs: expected …, found …; what to do`, or nothing where nothing does."""
    found = findings(checks)
    return f"{reason}: {difference(found)}. {advice}" if found else ""


def package_objection(release: Deployed, manifest: AnyManifest, package: Packaged | None) -> str:
    """Why the package is not the one that was registered and approved, or nothing."""
    if package is None:
        return "PACKAGE_GONE: it was deleted from the registry"
    if package.approval is not ApprovalStatus.APPROVED:
        return f"NOT_APPROVED: the package is {package.approval}"
    return refusal(
        "PACKAGE_CHANGED",
        package_checks(release, manifest, release.digest, package),
        advice="Put it back and approve it again, or push a new version",
    )


def target_objection(manifest: AnyManifest, target: str) -> str:
    """Why the release is not for the target that it is to serve, or nothing.

    Who changed the record that its approval was read with may have put it right again since.
    """
    wanted = names.target_of(manifest.target, manifest.system)
    return refusal(
        "LEDGER_CHANGED",
        [Check(f"target of {manifest.release}", wanted, target)],
        advice="It is no version for this target: push it with a config that names it",
    )


def ledger_objection(
    release: Deployed, kept: Kept, manifest: AnyManifest | None, *, strict: bool
) -> str:
    """Why the ledger is not to be believed about the release, or nothing.

    Unless it is `strict`, what a rollback is carried out by must be right, and no more: one witness
    that was forged must not keep a release from serving that all others bear out.
    """
    checks = ledger_checks if strict or manifest is None else state_checks
    return refusal(
        "LEDGER_CHANGED",
        checks(release, kept, manifest),
        advice="Restore that item from a backup, or from what the others say, and approve it again",
    )


def record_objection(wrong: str) -> str:
    """Why a release whose record cannot be read is not deployed; `wrong` names the item."""
    return f"LEDGER_CHANGED: {wrong}. Restore that item from a backup, and approve it again"


def history_objection(flaws: Sequence[Flaw]) -> str:
    """Why nothing may be built upon the target's history, or nothing."""
    if not flaws:
        return ""
    told = [str(one) for one in flaws[:MOST]]
    more = len(flaws) - MOST
    said = "; ".join([*told, f"and {more} more"] if more > 0 else told)
    advice = "Restore it from a bundle of sluice audit or a backup, and approve the version again"
    return f"HISTORY_BROKEN: {said}. {advice}"


def difference(found: tuple[Finding, ...]) -> str:
    """What was expected and what was found, of the first few findings."""
    told = [_told(one) for one in found[:MOST]]
    more = len(found) - MOST
    return "; ".join([*told, f"and {more} more"] if more > 0 else told)


def _told(finding: Finding) -> str:
    expected, found = _cut(finding.expected, finding.found)
    return f"{finding.what}: expected {expected}, found {found}"


def _cut(one: str, two: str) -> tuple[str, str]:
    """Both values, at most so long: from a little before the first character that differs."""
    if max(len(one), len(two)) <= LONGEST:
        return one, two
    pairs = enumerate(zip(one, two, strict=False))
    first = next((n for n, (a, b) in pairs if a != b), min(len(one), len(two)))
    begin = max(0, first - _BEFORE)
    return _part(one, begin), _part(two, begin)


def _part(text: str, begin: int) -> str:
    kept = text[begin : begin + LONGEST]
    before = _CUT if begin else ""
    return f"{before}{kept}{_CUT if begin + LONGEST < len(text) else ''}"
