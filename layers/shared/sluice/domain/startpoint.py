"""What a rollout begins from, held against what the ledger says stands there.

Different without anybody's hand, and so not looked at: how many instances serve, weights, what an
earlier rollout owes to be dropped (`settle_owed`), and anything on an endpoint that is to be mended
first. A rollback is not kept by what somebody changed: it is there to replace it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.differing import refusal
from sluice.domain.hosting import behind_checks, fleet_check
from sluice.domain.release import System
from sluice.domain.statuses import Allowed
from sluice.domain.verifying import Check, Unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sluice.domain.hosting import Hosted
    from sluice.domain.manifest import Manifest
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView


def comparable(stable: Deployed | None, view: EndpointView | None) -> bool:
    """Whether there is a stable that stands there, and nothing to be mended first."""
    if stable is None or view is None:
        return False
    return stable.variant in view.variants and view.allowed is Allowed.ACT


def edited_objection(target: str, stable: Deployed, checks: Iterable[Check]) -> str:
    """Why nothing may begin from there: somebody changed it, and what to do; or nothing."""
    alias = names.system_of(target) is System.BEDROCK
    known = (one for one in checks if not isinstance(one.found, Unread))
    return refusal(
        "ALIAS_CHANGED" if alias else "ENDPOINT_CHANGED",
        known,
        advice=(
            f"Put that back and approve the new version again; or set {stable.release} to pending "
            "and approve it again, which puts it up as it was approved"
        ),
    )


def standing_checks(state: TargetState, stable: Deployed, view: EndpointView) -> Iterator[Check]:
    """The configuration in force, and the variants on it: stable's, and what is owed to be gone."""
    left = state.settle_owed.variants if state.settle_owed else ()
    if names.system_of(state.target) is System.SAGEMAKER and not left:
        yield Check(f"configuration of {state.target}", stable.endpoint_config, view.config)
    known = {stable.variant, *left} & view.variants.keys()
    yield Check(f"variants of {state.target}", sorted(known), sorted(view.variants))


def hosted_checks(
    state: TargetState, stable: Deployed, manifest: Manifest, hosted: Mapping[str, Hosted]
) -> Iterator[Check]:
    """The model behind stable's variant in a configuration, and what it runs on."""
    mine = {name: one for name, one in hosted.items() if name == stable.variant}
    yield from behind_checks(state, mine)
    for one in mine.values():
        yield fleet_check(stable, manifest, one)
