"""A target's past in plain words, from the document that `--json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.contents import lines
from cli.people import told_of, told_of_pushes

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {
    "Approved": "{release} was {reason}",
    "Rejected": "{release} was {reason}",
    "RolloutStarted": "a rollout of {release} began, {reason}",
    "Shifted": "traffic was set to {reason}",
    "Promoted": "{release} was promoted and serves all traffic: {reason}",
    "RolledBack": "rolled back: {reason}",
    "Aborted": "the rollout of {release} was aborted: {reason}",
    "Halted": "halted, a person was called: {reason}",
    "Held": "the rollout of {release} is held without a verdict: {reason}",
    "Settled": "the rollout of {release} ended, {reason}, and the target was released",
    "Superseded": "{release} is superseded: {reason}",
    "AlarmFired": "an alarm fired on {release}: {reason}",
    "PromotionAsked": "the held step of {release} may pass, by word of {reason}",
    "AbortAsked": "the rollout of {release} is to be aborted, by word of {reason}",
    "SmokeTested": "{release} was smoke-tested: {reason}",
}
_NO_APPROVAL = "no approval of it is recorded"


def at_moment(answer: dict[str, Any]) -> Iterator[str]:
    """What served at a moment, and what went on."""
    serves, halted = answer["serves"], answer["halted"]
    since = f"since {answer['since']}, {_until(answer)}"
    said = f"{serves} served, {since}" if serves else "nothing served: it was not deployed yet"
    yield f"{answer['target']} at {answer['at']}: {said}"
    yield from _details(answer)
    if "made_of" in answer:
        yield from (f"  {line}" for line in lines(answer["made_of"]))
        yield f"  {told_of_pushes(answer['pushed'])}"
    if halted:
        kept = "what served went on serving" if serves else "there was nothing to serve"
        yield f"  halted since {halted['at']} (entry {halted['n']}): {halted['reason']}; {kept}"
    if answer["rollout"]:
        yield from _under_way(answer)


def course(answer: dict[str, Any]) -> Iterator[str]:
    """A page of the history: what served, and under it what happened meanwhile."""
    yield f"{answer['target']}{_range(answer)}"
    waiting = list(answer["entries"])
    for service in answer["services"]:
        yield f"{_span(service)}: {service['serves'] or 'nothing, it was not deployed yet'}"
        yield from _details(service)
        while waiting and _is_before(waiting[0], service["until"]):
            yield _line(waiting.pop(0))
    yield from map(_line, waiting)
    if answer["more"]:
        yield f"{answer['more']} more entries: go on with --after {answer['after']}"


def _details(service: dict[str, Any]) -> Iterator[str]:
    if not service["serves"]:
        return
    yield f"  digest {service['digest']}, variant {service['variant']}"
    yield f"  package {service['package_arn']}"
    yield f"  {_made_from(service)}"
    yield f"  {_approved(service['approved'])}"
    began = service["began_with"]
    yield f"  serves since entry {began['n']}, {began['event']}: {began['reason']}"
    if began["evidence"]:
        yield f"  evidence {began['evidence']} of rollout {began['execution']}"


def _made_from(service: dict[str, Any]) -> str:
    if "unknown" in service:
        return f"commit and data are not known: {service['unknown']}"
    if "model" not in service:
        return f"commit {service['commit']}, training data {service['training_dataset_version']}"
    knowledge = service["knowledge"] or {}
    job = knowledge.get("ingestion_job_id")
    data = f", knowledge base {knowledge.get('knowledge_base_id')}" if knowledge else ""
    return (
        f"commit {service['commit']}, model {service['model']['id']} of its provider"
        f"{data}{f' as of ingestion {job}' if job else ''}"
    )


def _approved(approved: dict[str, Any] | None) -> str:
    if approved is None:
        return _NO_APPROVAL
    when = f"at {approved['at']}, " if approved["at"] else ""
    seen = f"seen {approved['seen_at']} (entry {approved['entry']})"
    who = approved.get("approver")
    against = approved.get("against")
    missed = f", against the evaluation policy: {against}" if against else ""
    return f"approved by {told_of(who) if who else approved['by']} {when}{seen}{missed}"


def _under_way(answer: dict[str, Any]) -> Iterator[str]:
    rollout, weights = answer["rollout"], answer["weights"]
    yield (
        f"  a rollout of {rollout['release']} was under way since {rollout['at']} "
        f"({rollout['execution']}, entry {rollout['n']})"
    )
    if weights:
        yield f"  traffic as it was last set, at {weights['at']}: {weights['reason']}"
    elif answer["serves"]:
        yield (
            "  no change of weights is recorded yet: it had no traffic, unless the endpoint is "
            "serverless: an update gives that one all of it, before it is promoted"
        )
    else:
        yield "  an endpoint that is new answers from the moment it is InService, before promotion"


def _span(service: dict[str, Any]) -> str:
    if service["since"] is None:
        return f"until {service['until']}" if service["until"] else "ever since"
    return f"from {service['since']} {_until(service)}"


def _until(service: dict[str, Any]) -> str:
    return f"until {service['until']}" if service["until"] else "and nothing else since"


def _range(answer: dict[str, Any]) -> str:
    begins, ends = answer["from"], answer["to"]
    return f"{f' from {begins}' if begins else ''}{f' to {ends}' if ends else ''}"


def _is_before(entry: dict[str, Any], until: str | None) -> bool:
    return until is None or entry["at"] < until


def _line(entry: dict[str, Any]) -> str:
    form = _WORDS.get(entry["event"], "{event} ({release}): {reason}")
    evidence = f" (evidence {entry['evidence']})" if entry["evidence"] else ""
    return f"  {entry['n']:>6}  {entry['at']}  {form.format_map(entry)}{evidence}"
