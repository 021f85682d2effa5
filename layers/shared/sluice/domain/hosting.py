"""What serves a target's traffic, beside what the ledger says should: variants and their making.

The ledger knows a release by its variant and model, or by a version of its function. While a
rollout is in flight, what it moves between is all as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.deploying import fleet
from sluice.domain.making import container
from sluice.domain.packaged import container_checks
from sluice.domain.pinning import arns_of
from sluice.domain.release import System
from sluice.domain.rollout import Phase
from sluice.domain.serving import serving
from sluice.domain.statuses import IN_SERVICE, Allowed
from sluice.domain.values import ALL_TRAFFIC
from sluice.domain.verifying import Check, Unread
from sluice.domain.vetting import ended
from sluice.domain.watching import SHARE_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.manifest import Manifest
    from sluice.domain.pinning import FoundationModel, InferenceProfile
    from sluice.domain.publication import FunctionView
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.target import TargetState
    from sluice.domain.watching import EndpointView

_COUNT = "InitialInstanceCount"
_AT_REST = {Phase.BAKING, Phase.HELD, Phase.STANDING_BY}


@dataclass(frozen=True, slots=True)
class Hosted:
    """One production variant of an endpoint configuration."""

    model: str
    fleet: Mapping[str, Any]
    """Its InstanceType or ServerlessConfig."""


@dataclass(frozen=True, slots=True)
class ModelView:
    """A SageMaker model, as DescribeModel shows it."""

    containers: tuple[Mapping[str, Any], ...]
    role: str


def expected(state: TargetState) -> tuple[Deployed, ...]:
    """What may serve the target now: what is live, and both sides of a rollout in flight."""
    rollout = state.rollout
    also = (rollout.stable, rollout.replaced, rollout.release) if rollout else ()
    known = {(one.variant, one.model): one for one in (state.live, *also) if one}
    return tuple(known.values())


def traffic_checks(state: TargetState, view: EndpointView | Unread | None) -> Iterator[Check]:
    """Status, configuration and split of the traffic. An alias has its split alone."""
    of_endpoint = names.system_of(state.target) is System.SAGEMAKER
    what = state.target if of_endpoint else f"alias {names.LIVE} of {state.target}"
    if view is None or isinstance(view, Unread):
        yield Check(what, str(state.live.release) if state.live else None, view, opens=True)
        return
    if of_endpoint and view.allowed not in {Allowed.ACT, Allowed.WAIT}:
        yield Check(f"status of {what}", IN_SERVICE, view.status)
    if of_endpoint and not state.settle_owed:
        configs = _configs(state)
        found = configs[0] if configs and view.config in configs else view.config
        yield Check(f"configuration of {what}", configs[0] if configs else "", found)
    yield _split(f"traffic of {what}", state, view)


def behind_checks(state: TargetState, hosted: Mapping[str, Hosted]) -> Iterator[Check]:
    """The model behind each variant that the ledger knows."""
    for name, variant in sorted(hosted.items()):
        models = [one.model for one in expected(state) if one.variant == name]
        wanted = variant.model if variant.model in models else next(iter(models), variant.model)
        yield Check(f"model behind variant {name}", wanted, variant.model)


def leaving(state: TargetState, deployed: Deployed) -> bool:
    """Whether a rollout in flight takes the release away: it may have been rejected."""
    rollout = state.rollout
    if rollout is None:
        return False
    return deployed == rollout.replaced or (rollout.taken_back and deployed == rollout.release)


def fleet_check(deployed: Deployed, manifest: Manifest, hosted: Hosted) -> Check:
    """What the variant runs on; how many instances is autoscaling's to say."""
    wanted = {name: one for name, one in fleet(manifest, count=1).items() if name != _COUNT}
    return Check(f"fleet of variant {deployed.variant}", wanted, dict(hosted.fleet))


def model_checks(
    deployed: Deployed,
    manifest: Manifest,
    digest: str,
    *,
    role: str | Unread,
    model: ModelView | Unread | None,
) -> Iterator[Check]:
    """The SageMaker model: image, artifact, environment and role. `role` is what it should be."""
    of = f"model {deployed.model}"
    if model is None or isinstance(model, Unread):
        yield Check(of, str(deployed.release), model, opens=True)
        return
    yield Check(f"containers of the {of}", 1, len(model.containers))
    if len(model.containers) == 1:
        yield from container_checks(of, container(manifest, digest), model.containers[0])
    if isinstance(role, Unread):
        yield Check(f"role of the {of}", "the stack's serving role", role)
    else:
        yield Check(f"role of the {of}", role, model.role)


def function_checks(
    deployed: Deployed,
    manifest: BedrockManifest,
    digest: str,
    version: FunctionView | Unread | None,
) -> Iterator[Check]:
    """The version of the application's function: told this release, of the code approved."""
    of = f"version {deployed.variant} of {deployed.model}"
    wanted = serving(deployed.manifest_uri, digest)
    if version is None or isinstance(version, Unread):
        yield Check(of, wanted, version, opens=True)
        return
    hidden = Unread("Lambda cannot decrypt its variables for whoever asks")
    told = version.serves if version.readable else hidden
    yield Check(f"{names.VERSION_VARIABLE} of {of}", wanted, told)
    if manifest.code is None:
        older = Unread("the manifest is from before code was captured")
        yield Check(f"code of {of}", "the code that was approved", older)
        return
    yield Check(f"code of {of}", manifest.code.sha256, version.code_sha256)
    yield Check(f"layers of {of}", list(manifest.code.layers), list(version.layers))


def catalogue_check(
    manifest: BedrockManifest,
    found: tuple[FoundationModel | None, InferenceProfile | None] | Unread,
    *,
    at: datetime,
) -> Check:
    """The model in Bedrock's catalogue, by the ARNs that were pinned; gone once it has ended."""
    what = f"model {manifest.config.model_id} of {manifest.release}"
    wanted = list(manifest.model.arns)
    if isinstance(found, Unread):
        return Check(what, wanted, found, opens=True)
    model, profile = found
    gone = model is None or ended(model, at=at)
    return Check(what, wanted, None if gone or model is None else list(arns_of(model, profile)))


def in_flight(state: TargetState) -> str:
    """What is said of a rollout in flight; nothing where none is."""
    rollout = state.rollout
    if rollout is None:
        return ""
    return f"rollout {rollout.id} in flight: {rollout.release.release}, {state.phase}"


def _configs(state: TargetState) -> tuple[str, ...]:
    rollout = state.rollout
    moved = (rollout.provision_config, rollout.settle_config) if rollout else ()
    known = (*(one.endpoint_config for one in expected(state)), *moved)
    return tuple(dict.fromkeys(one for one in known if one))


def _split(what: str, state: TargetState, view: EndpointView) -> Check:
    found = {
        name: round(view.share(name), 2) for name in sorted(view.variants) if view.share(name) > 0
    }
    wanted = _wanted(state, view)
    if wanted is None:
        known = {one.variant for one in expected(state)}
        wanted = {name: share for name, share in found.items() if name in known}
    shares = {**dict.fromkeys(found, 0.0), **wanted}
    near = all(abs(found.get(one, 0.0) - to) < SHARE_TOLERANCE for one, to in shares.items())
    return Check(what, wanted, wanted if near else found)


def _wanted(state: TargetState, view: EndpointView) -> dict[str, float] | None:
    """The percentage of each variant, or None while a rollout moves them."""
    rollout = state.rollout
    if rollout is None:
        return {state.live.variant: float(ALL_TRAFFIC)} if state.live else {}
    parked = state.phase in _AT_REST and state.token and view.settled
    return _weighed(rollout) if parked and rollout.stable else None


def _weighed(rollout: Rollout) -> dict[str, float]:
    stable = rollout.stable.variant if rollout.stable else ""
    weights = {stable: float(ALL_TRAFFIC - rollout.weight)}
    weights[rollout.release.variant] = float(rollout.weight)
    return {name: weight for name, weight in weights.items() if weight}
