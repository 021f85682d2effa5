"""What a retired release is refused with, wherever it might be deployed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.values import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.release import Release, ReleaseName


def retired_objection(release: Release | None) -> str:
    """Why a release must not be deployed although everything of it may be there still; or nothing.

    Its bytes may go at any time from then on: nothing may come to depend on them.
    """
    if release is None or release.retired is None:
        return ""
    return f"RETIRED: {said(release)}"


def said(release: Release) -> str:
    """Since when a retired release is that, by whom, and how that is undone."""
    retired = release.retired
    if retired is None:
        return f"{release.name} is not retired"
    why = f" ({retired.why})" if retired.why else ""
    return (
        f"{release.name} was retired at {iso(retired.at)} by {retired.by}{why}; "
        f"while its bytes are there, `sluice retention --undo {release.name}` makes it deployable"
    )


def deployable(releases: Mapping[ReleaseName, Release]) -> frozenset[ReleaseName]:
    """Those of the releases that are not retired."""
    return frozenset(name for name, one in releases.items() if one.retired is None)
