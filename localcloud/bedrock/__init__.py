"""Bedrock: a catalogue, models that answer from the passages in a prompt, and knowledge bases.

What it refuses, and whom, is as AWS documents it or as people report it; what it answers is ours.
"""

from typing import Any


def mount() -> None:
    """Serve Bedrock's four endpoints from the gateway, and the two paths that turn it."""
    import ministack.app as gateway
    from ministack.core import iam_actions

    from localcloud import control, hooks, rest_service
    from localcloud.actions import REQUEST
    from localcloud.bedrock import converse, faults, knowledge, listing, metrics

    rest_service.require_hooks()
    metrics.require_hooks()
    hooks.require(gateway, "SERVICE_HANDLERS", call=False)
    for name, operations in {
        "bedrock": listing.OPERATIONS,
        "bedrock-agent": knowledge.ADMINISTRATION,
        "bedrock-agent-runtime": knowledge.RETRIEVAL,
        "bedrock-runtime": converse.OPERATIONS,
    }.items():
        gateway.SERVICE_HANDLERS[name] = rest_service.RestService(name, operations).handle
    hooks.wrap(iam_actions, "extract_iam_action", *REQUEST)(_unless_ours)
    hooks.wrap(gateway, "_reset_all_state")(_forget)
    control.route("bedrock")(faults.tell)
    control.route("knowledge")(knowledge.make)


def stop() -> None:
    """Nothing runs here."""


def _unless_ours(original: Any, service: str, *request: Any) -> str | None:
    """Bedrock asks IAM itself: Converse has no action of its own, a profile several resources."""
    ours = {"bedrock", "bedrock-agent", "bedrock-agent-runtime", "bedrock-runtime"}
    action: str | None = None if service in ours else original(service, *request)
    return action


def _forget(original: Any) -> None:
    from localcloud.bedrock import faults, knowledge

    original()
    faults.forget()
    knowledge.forget()
