"""Who did what, as CloudTrail recorded it where an operator switched that on; nothing rests on it.

Its records come minutes late, twice, out of order or never ("on a best effort basis", EventBridge
reference, events delivered via CloudTrail).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.release import ApprovalStatus
from sluice.domain.values import SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sluice.domain.manifest import CapturedObject
    from sluice.domain.release import ApprovalChange

_CLOCKS = timedelta(seconds=5)
"""By how much SageMaker's clock may be behind CloudTrail's, which tells whole seconds."""


class Actor(Value):
    """Who made a call."""

    name: str
    """ARN of a user, of a role's session, or of root; a service's or an account's where CloudTrail
    tells no ARN."""
    role: str = ""
    """ARN of the role behind a session."""
    source_identity: str = ""
    """Whom a session was opened for, where its opener had to say so (AWS STS)."""


class Trail(Value):
    """One call that CloudTrail recorded: that wrote an object, or set a package's approval."""

    schema_version: int = SCHEMA_VERSION
    event_id: str
    call: str
    """`PutObject`, `CompleteMultipartUpload`, `CopyObject`, `UpdateModelPackage`."""
    at: Moment
    actor: Actor
    bucket: str = ""
    key: str = ""
    version_id: str = ""
    """Of the object; where it is not told, the request's id leads to it."""
    request_id: str = ""
    package_arn: str = ""
    status: ApprovalStatus | None = None

    @property
    def group(self) -> str:
        """The model package group of a versioned package; empty for any other."""
        parts = self.package_arn.split("/")
        return parts[1] if len(parts) == len(("arn", "group", "version")) else ""

    def wrote(self, one: CapturedObject) -> bool:
        """Whether this call wrote the object version that was captured."""
        if self.key != one.source_key:
            return False
        if self.version_id:
            return self.version_id == one.version_id
        return bool(self.request_id) and self.request_id == one.request_id


def approver(trails: Iterable[Trail], seen: ApprovalChange) -> Trail | None:
    """The call behind an approval that was seen: the newest decision before it, if it approved.

    SageMaker's `LastModifiedTime` moves with any edit, so the call may be older than it says.
    """
    decided = [one for one in trails if one.status and one.at <= seen.last_modified + _CLOCKS]
    newest = max(decided, key=lambda one: (one.at, one.event_id), default=None)
    return newest if newest and newest.status is seen.status else None
