"""A rollout: the course of one release from approval to an outcome, as a value.

The value is the state machine's payload and stands in the ledger while the machine waits. Whoever
wakes the machine hands it back with its next `action`, and the machine only follows that.
"""

from __future__ import annotations

from enum import StrEnum

from sluice.domain import names
from sluice.domain.policy import Policy
from sluice.domain.release import Pair, ReleaseName
from sluice.domain.values import ALL_TRAFFIC, SCHEMA_VERSION, Moment, Value


class Kind(StrEnum):
    """How a release comes to serve its target."""

    CANARY = "Canary"
    ALL_AT_ONCE = "AllAtOnce"
    """No stable to compare with: the target's first deployment."""
    GUARDRAIL = "Guardrail"
    """A serverless endpoint is updated to the release, and back to stable if it fails."""
    ROLL_BACK = "RollBack"
    """A last good release takes over from one that turned bad after its rollout had settled."""
    SETTLE = "Settle"
    """What serves goes on serving; only what should not stand beside it is dropped."""


class Action(StrEnum):
    """What the rollout does next."""

    CREATE = "Create"
    UPDATE = "Update"
    SMOKE_TEST = "SmokeTest"
    AWAIT = "Await"
    """Wait on for the endpoint: its alarms have yet to forget the smoke test."""
    SHIFT = "Shift"
    HOLD = "Hold"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    SETTLE = "Settle"
    RELEASE = "Release"


class Verdict(StrEnum):
    """What looking at a canary found."""

    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"


class Outcome(StrEnum):
    """How a rollout ended."""

    PROMOTED = "Promoted"
    ABORTED = "Aborted"
    """Ended before promotion; what was stable serves on."""
    ROLLED_BACK = "RolledBack"
    """Promoted, then taken back; or a last good release took over."""
    HALTED = "Halted"
    """Nothing good to fall back to: what serves goes on serving, and a person is called."""
    SUPERSEDED = "Superseded"
    """Held without a verdict, when a newer release was approved; nothing is said against it."""
    SETTLED = "Settled"
    """Nothing was released: what stood beside it was dropped, as far as it could be."""
    FAILED = "Failed"
    """A rollback whose release did not come up; the next good one is tried, or people are told."""
    DEFERRED = "Deferred"
    """AWS had no room or no time for it; it is tried again, and its approval is kept."""


class Phase(StrEnum):
    """Where a target stands; the waiting phases hold a task token."""

    IDLE = "Idle"
    STARTING = "Starting"
    PROVISIONING = "Provisioning"
    BAKING = "Baking"
    HELD = "Held"
    STANDING_BY = "StandingBy"
    SETTLING = "Settling"
    HALTED = "Halted"


class Step(Value):
    """One weight, in percent, and how long to bake at it."""

    weight: int
    min_seconds: int
    max_seconds: int
    data_seconds: int = 60
    """For how long of that there must be data."""


class Trial(Value):
    """The smoke test of a rollout, as far as it got; where there is none, nothing is asked."""

    tries: int = 0
    spent_ms: int = 0
    passed: bool = False
    """Whether the rollout may go on."""
    quiet_seconds: int = 0
    """How long the alarms need to forget the test's own requests."""


class Deployed(Value):
    """A release as it stands, or will stand, on its target."""

    release: ReleaseName
    digest: str
    manifest_uri: str
    package_arn: str
    package_version: int
    epoch: int
    variant: str
    """The production variant, or the version of an application's function."""
    model: str
    """The SageMaker model behind it, or the application's function."""
    endpoint_config: str
    """The endpoint configuration that holds this variant alone."""
    alarms: tuple[str, ...] = ()
    """Names of the CloudWatch alarms that watch this variant."""
    watch: tuple[str, ...] = ()
    """Names of the alarms on the whole endpoint that this release's config names."""
    auto_rollback_seconds: int = 0
    """How long after it went live alarms may roll the release back; 0: always."""
    pair: Pair | None = None
    """What it moves with."""
    approvals: int = 0
    """How often it had been approved when it was deployed; 0: not written down."""
    partner_approvals: int = 0
    """How often its partner had been."""
    told_by_config: bool = False
    """Whether metrics tell it from other releases by its configuration, not by its variant."""

    @property
    def metric_config(self) -> str:
        """The `EndpointConfigName` of its metrics; empty: they have no such dimension."""
        return self.endpoint_config if self.told_by_config else ""


class Rollout(Value):
    """One release on its way to its target; also the state machine's payload."""

    schema_version: int = SCHEMA_VERSION
    id: str
    """The execution's name."""
    target: str
    epoch: int
    kind: Kind
    release: Deployed
    stable: Deployed | None = None
    """Where traffic returns to when this rollout fails; None when there is no such release."""
    replaced: Deployed | None = None
    """What a rollback takes over from."""
    approval_seq: int = 0
    """The approval this rollout consumes; 0 for a rollback."""
    started_at: Moment
    claimed_at: Moment | None = None
    """When the lease was taken for this execution; with its name, what tells it from any other."""
    successions: int = 0
    """How many executions have taken the rollout over from one that ended."""
    steps: tuple[Step, ...] = ()
    position: int = -1
    """Index in `steps` of the step in effect; -1 before the first."""
    provision_config: str = ""
    """The endpoint configuration that the endpoint is updated to, or created with."""
    settle_config: str = ""
    """The endpoint configuration without the variant that serves nobody; empty: nothing to drop."""
    refused: str = ""
    """What SageMaker said to the last change of the endpoint, if it refused that one."""
    stuck: str = ""
    """Why what should serve could not be given its traffic; nothing if it could."""
    landed: bool = False
    """Whether the release can no longer be taken back: what traffic would return to is gone."""
    standby_seconds: int = 0
    hold_seconds: int = 0
    provision_seconds: int = 7200
    policy: Policy = Policy()
    on_inconclusive: Action = Action.HOLD
    trial: Trial | None = None
    action: Action = Action.UPDATE
    verdict: Verdict | None = None
    reason: str = "approved"
    evidence: str = ""
    """What the judge's evidence behind `reason` is stored as; empty: it was not the judge."""
    watch: tuple[str, ...] = ()
    """Names of the alarms on the whole endpoint: what they say, nobody can attribute."""
    others: bool = False
    """Whether a rollback has another good release to go to should this one not come up."""
    partner: str = ""
    """The target of what the release, or the one that it takes over from, moves with."""
    automatic: bool = True
    """Whether an alarm is behind a rollback, and not a person."""
    blames: bool = False
    """Whether the release is to be marked bad."""
    promoted: bool = False
    taken_back: bool = False
    """Whether the release was taken away from its traffic again, or was never given any."""
    superseded: bool = False
    """Whether it is taken back only because a newer release was approved."""
    proven: bool = False
    """Whether the release served through its whole rollout with data and without an alarm."""
    stable_served: bool = False
    """Whether stable was seen to serve well beside the canary: it may be gone back to later."""
    outcome: Outcome | None = None
    edited: bool = False
    """Whether it was turned back because its target had been changed by hand."""

    @property
    def target_name(self) -> str:
        """The name of the endpoint, or of the application: the target without its kind."""
        return names.name_of(self.target)

    @property
    def is_prepared(self) -> bool:
        """Whether anything of it may have been put on its target, or is to be dropped there."""
        return self.kind is Kind.SETTLE or bool(self.provision_config)

    @property
    def home(self) -> Deployed | None:
        """What all traffic goes to when the release must not have it; None if there is nothing."""
        return self.stable or (None if self.promoted else self.replaced)

    @property
    def step(self) -> Step:
        """The step in effect. Raises IndexError where there is none, or none yet."""
        if self.position < 0:
            raise IndexError(self.position)
        return self.steps[self.position]

    @property
    def weight(self) -> int:
        """The release's share of the traffic, in percent, as the rollout means it to be now."""
        if self.kind is not Kind.CANARY:
            return 100
        return 0 if self.position < 0 else self.step.weight

    @property
    def compared(self) -> tuple[Step, ...]:
        """The steps before all traffic: while they last, variants are compared."""
        return tuple(one for one in self.steps if one.weight < ALL_TRAFFIC)

    def to(self, action: Action, reason: str, **changes: object) -> Rollout:
        """The rollout with its next action and the reason for it."""
        update = {"action": action, "reason": reason, "evidence": "", **changes}
        return self.model_copy(update=update)
