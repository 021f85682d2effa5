"""`sluice verify`: whether what serves is what was approved, thing by thing."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import DONE, NO, TOO_LATE, UnusableError
from cli.inspecting import Inspecting, attempt
from cli.stack import Connection, target_named
from cli.telling import plain, say
from sluice.adapters.ledger.targets import Targets
from sluice.domain import names
from sluice.domain.hosting import (
    Hosted,
    behind_checks,
    catalogue_check,
    expected,
    fleet_check,
    function_checks,
    in_flight,
    leaving,
    model_checks,
    traffic_checks,
)
from sluice.domain.manifest import Manifest
from sluice.domain.release import System
from sluice.domain.verifying import (
    Check,
    Finding,
    Severity,
    Unread,
    findings,
    ledger_checks,
    package_checks,
    vault_checks,
)
from sluice.domain.watching import EndpointView

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from cli.inspecting import Capture
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import TargetState

UNREAD = TOO_LATE
"""Something could not be read, and nothing else is amiss."""


def verify(options: Namespace) -> int:
    """0: all as approved; 1: something is not; 3: something could not be read.

    Raises UnusableError where nothing can be asked.
    """
    if bool(options.target) == options.all:
        message = "say which: either TARGETs, or --all"
        raise UnusableError(message)
    named = tuple(dict.fromkeys(map(target_named, options.target)))
    connection = Connection(options)
    targets = Targets(connection.table())
    try:
        asked = named or targets.known()
    except (BotoCoreError, ClientError) as error:
        print(plain(f"sluice: the ledger cannot be read: {error}"), file=sys.stderr)
        return UNREAD
    if not asked:
        message = "the ledger knows no target: nothing was ever approved"
        raise UnusableError(message)
    inspecting = Inspecting(connection)
    found = [_verified(inspecting, targets, one) for one in asked]
    _tell(found, as_json=options.json)
    return _code([finding for one in found for finding in one["findings"]])


def _verified(inspecting: Inspecting, targets: Targets, target: str) -> dict[str, Any]:
    state = attempt(lambda: targets.read(target))
    if state is None:
        message = f"the ledger has nothing of {target}: name another, or use --all"
        raise UnusableError(message)
    if isinstance(state, Unread):
        unread = findings([Check(f"STATE of {target}", "a state", state)])
        return {"target": target, "serves": None, "in_flight": None, "findings": unread}
    return {
        "target": target,
        "serves": str(state.live.release) if state.live else None,
        "in_flight": in_flight(state) or None,
        "findings": findings(_checks(inspecting, state)),
    }


def _checks(inspecting: Inspecting, state: TargetState) -> Iterator[Check]:
    view = inspecting.view(state)
    yield from traffic_checks(state, view)
    hosted: dict[str, Hosted] | None = None
    if isinstance(view, EndpointView) and _is_endpoint(state):
        seen = attempt(lambda: inspecting.hosting.config(view.config))
        hosted = seen if isinstance(seen, dict) else None
        what = f"endpoint configuration {view.config}"
        yield Check(what, view.config, view.config if hosted is not None else seen)
        yield from behind_checks(state, hosted or {})
    for one in _standing(state, view, hosted):
        yield from _release_checks(inspecting, state, one, hosted or {})


def _standing(
    state: TargetState, view: EndpointView | Unread | None, hosted: dict[str, Hosted] | None
) -> Iterator[Deployed]:
    """What is live, and of a rollout in flight what has come to stand on the target."""
    variants = view.variants if isinstance(view, EndpointView) else {}
    for one in expected(state):
        runs = one.variant in variants
        if runs and hosted is not None and state.rollout:
            runs = one.variant in hosted and hosted[one.variant].model == one.model
        if runs or (one == state.live and not (state.rollout and variants)):
            yield one


def _release_checks(
    inspecting: Inspecting, state: TargetState, one: Deployed, hosted: dict[str, Hosted]
) -> Iterator[Check]:
    capture = inspecting.capture(one)
    manifest, digest = capture.manifest, capture.digest
    yield from ledger_checks(one, capture.kept, manifest)
    if manifest is None:
        return
    yield from vault_checks(
        manifest, capture.copies, inspecting.standing(manifest.bucket, capture.copies)
    )
    package = inspecting.package(one.package_arn)
    yield from package_checks(one, manifest, digest, package, leaving=leaving(state, one))
    if isinstance(manifest, Manifest):
        yield from _model_checks(inspecting, one, capture, hosted.get(one.variant))
    else:
        version = attempt(lambda: inspecting.versions.version(one.model, one.variant))
        yield from function_checks(one, manifest, digest, version)
        model = attempt(lambda: inspecting.catalogue.named(manifest.config.model_id))
        yield catalogue_check(manifest, model, at=datetime.now(UTC))


def _model_checks(
    inspecting: Inspecting, one: Deployed, capture: Capture, hosted: Hosted | None
) -> Iterator[Check]:
    """Of the model that the variant runs, whichever that is."""
    manifest = capture.manifest
    if not isinstance(manifest, Manifest):
        return
    if hosted:
        yield fleet_check(one, manifest, hosted)
    runs = one.model_copy(update={"model": hosted.model if hosted else one.model})
    role = manifest.config.execution_role_arn or inspecting.role
    model = attempt(lambda: inspecting.hosting.model(runs.model))
    yield from model_checks(runs, manifest, capture.digest, role=role, model=model)
    image = f"image of {one.release} in its repository"
    yield Check(image, manifest.image, inspecting.image(manifest.image))


def _is_endpoint(state: TargetState) -> bool:
    return names.system_of(state.target) is System.SAGEMAKER


def _code(found: list[Finding]) -> int:
    if any(one.severity is not Severity.UNREADABLE for one in found):
        return NO
    return UNREAD if found else DONE


def _tell(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        targets = [
            {**one, "findings": [each.model_dump(mode="json") for each in one["findings"]]}
            for one in found
        ]
        answer = {"as_approved": not any(one["findings"] for one in found), "targets": targets}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for one in found:
        serves = f"{one['serves']} serves" if one["serves"] else "nothing serves"
        count = len(one["findings"])
        many = f"{count} {'finding' if count == 1 else 'findings'}" if count else "as approved"
        say(f"{one['target']}: {many}; by the ledger {serves}")
        if one["in_flight"]:
            say(f"  {one['in_flight']}: no drift")
        for each in one["findings"]:
            say(f"  {each.severity}: {each.what}: expected {each.expected}, found {each.found}")
