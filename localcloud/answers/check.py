"""One answer held against its operation: body, headers and status, or the error it tells."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.eventstream import EventStreamBuffer

from localcloud.answers import refusals, values

_THROUGH_PROFILE = (
    "/inferenceTypesSupported[]: 'INFERENCE_PROFILE' is none of the 2 values of InferenceType"
)
_BESIDE_THE_MODEL = {
    # The model requires a name of every package; versioned packages have none, as the API
    # reference says: "The model package name ... only for unversioned models".
    ("DescribeModelPackage", "/ModelPackageName: required, and absent"),
    ("ListModelPackages", "/ModelPackageSummaryList[]/ModelPackageName: required, and absent"),
    # Counts that begin at one in the model, and at zero in the API reference's own examples.
    ("CreateTable", "/TableDescription/ProvisionedThroughput/NumberOfDecreasesToday: 0 is below 1"),
    ("DeleteTable", "/TableDescription/ProvisionedThroughput/NumberOfDecreasesToday: 0 is below 1"),
    ("DescribeTable", "/Table/ProvisionedThroughput/NumberOfDecreasesToday: 0 is below 1"),
    # Models that are reached through a profile alone say INFERENCE_PROFILE, which no value is.
    ("GetFoundationModel", f"/modelDetails{_THROUGH_PROFILE}"),
    ("ListFoundationModels", f"/modelSummaries[]{_THROUGH_PROFILE}"),
    ("BatchGetItem", "/UnprocessedKeys: length 0, at least 1 wanted"),
    ("BatchWriteItem", "/UnprocessedItems: length 0, at least 1 wanted"),
}
"""Where AWS itself departs from its model."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What went over the wire; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def faults(operation: Any, answer: Answer) -> list[str]:
    """Everything about the answer that AWS's model of the operation does not allow."""
    if refusals.is_refusal(answer.status):
        found = refusals.faults(operation, answer.status, answer.headers, answer.body)
    else:
        found = _faults_of_success(operation, answer)
    return [one for one in found if (operation.name, one) not in _BESIDE_THE_MODEL]


def _faults_of_success(operation: Any, answer: Answer) -> Iterator[str]:
    declared = operation.http.get("responseCode", 200)
    shape = operation.output_shape
    status_member = shape is not None and _members_in(shape, "statusCode")
    if answer.status != declared and not status_member:
        yield f"status {answer.status}, not {declared}"
    if shape is None:
        return
    yield from _faults_of_headers(shape, answer.headers)
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].serialization.get("eventstream"):
        yield from _faults_of_events(shape.members[payload], answer.body)
    elif payload is None:
        yield from _faults_of_body(_in_body(shape), shape, answer.body)
    elif shape.members[payload].type_name == "structure":
        yield from _faults_of_document(shape.members[payload], answer.body)


def _faults_of_events(shape: Any, body: bytes) -> Iterator[str]:
    """What is wrong with the events of a stream; its check sums are looked at, too."""
    buffer: Any = EventStreamBuffer()
    buffer.add_data(body)
    for event in buffer:
        name = event.headers.get(":event-type")
        if name not in shape.members:
            yield f"/{name}: no such event"
            continue
        for fault in _faults_of_document(shape.members[name], event.payload):
            yield f"/{name}{fault}"


def _members_in(shape: Any, location: str) -> dict[str, Any]:
    return {
        name: member
        for name, member in shape.members.items()
        if member.serialization.get("location") == location
    }


def _in_body(shape: Any) -> set[str]:
    """How the members of the body are spelled: those that are neither header nor status."""
    return {
        values.member_name(name, member)
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


def _faults_of_headers(shape: Any, headers: Mapping[str, str]) -> Iterator[str]:
    for name, member in _members_in(shape, "header").items():
        value = headers.get(values.member_name(name, member).lower())
        if value is None:
            if name in shape.required_members:
                yield f"/{name}: required, and absent"
        elif member.type_name == "string":
            yield from values.faults(member, value, f"/{name}")


def _faults_of_body(members: set[str], shape: Any, body: bytes) -> Iterator[str]:
    outside = {
        f"/{values.member_name(name, member)}: required, and absent"
        for name, member in shape.members.items()
        if values.member_name(name, member) not in members
    }
    for fault in _faults_of_document(shape, body):
        if fault not in outside:
            yield fault


def _faults_of_document(shape: Any, body: bytes) -> Iterator[str]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        yield f"a body that is no JSON: {body[:60]!r}"
        return
    yield from values.faults(shape, document)
