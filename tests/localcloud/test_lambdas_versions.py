"""Versions and aliases: what is published when, what guards it, and where an alias may lead.

AWS: lambda/latest/dg/configuration-versions.html
AWS: lambda/latest/dg/configuring-alias-routing.html
AWS: lambda/latest/dg/functions-states.html
AWS: lambda/latest/dg/monitoring-metrics-view.html
Model: lambda.PublishVersion
Model: lambda.UpdateFunctionConfiguration
Model: lambda.UpdateAlias
Model: lambda.ListVersionsByFunction
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.functions import (
    archive,
    configure,
    create_function,
    create_role,
    invoke,
    publish,
    settled,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

SHOW = (
    "import os\nPID = os.getpid()\n"
    "def handler(event, context):\n"
    "    return [os.environ.get('RELEASE'), context.function_version, PID]\n"
)


def released(release: str) -> dict[str, Any]:
    """The environment of a release."""
    return {"Variables": {"RELEASE": release}}


@pytest.fixture
def slow_updates(cloud: LocalCloud) -> Iterator[None]:
    """Updates take two minutes, two seconds here."""
    before = cloud.control("lambda")
    cloud.control("lambda", {"update_seconds": 120})
    yield
    cloud.control("lambda", before)


def refused(call: Callable[..., Any], **request: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**request)
    return str(error.value.response["Error"]["Code"])


def test_publishing_is_guarded_by_revision_and_digest(client: Clients, unique: str) -> None:
    create_function(client, unique, SHOW)
    functions = client("lambda")
    before = functions.get_function_configuration(FunctionName=unique)
    after = configure(client, unique, Environment=released("1"))
    assert after["RevisionId"] != before["RevisionId"]
    digest = after["CodeSha256"]

    stale = {"FunctionName": unique, "RevisionId": before["RevisionId"], "CodeSha256": digest}
    assert refused(functions.publish_version, **stale) == "PreconditionFailedException"
    with pytest.raises(ClientError, match="different from current CodeSHA256") as error:
        functions.publish_version(
            FunctionName=unique, RevisionId=after["RevisionId"], CodeSha256="A" * 43 + "="
        )
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    listed = functions.list_versions_by_function(FunctionName=unique)["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST"]

    made = functions.publish_version(
        FunctionName=unique, RevisionId=after["RevisionId"], CodeSha256=digest
    )
    assert made["Version"] == "1"
    assert made["FunctionArn"].endswith(f":{unique}:1")


def test_nothing_is_published_twice(client: Clients, unique: str) -> None:
    """None is published "if the function's configuration and code haven't changed"."""
    create_function(client, unique, SHOW, Environment=released("1"))
    functions = client("lambda")
    first = functions.publish_version(FunctionName=unique)
    assert functions.publish_version(FunctionName=unique)["Version"] == first["Version"] == "1"
    configure(client, unique, Environment=released("1"))
    again = functions.publish_version(FunctionName=unique)
    assert (again["Version"], again["RevisionId"]) == ("1", first["RevisionId"])
    configure(client, unique, Environment=released("2"))
    assert functions.publish_version(FunctionName=unique)["Version"] == "2"
    configure(client, unique, Environment=released("1"))
    assert functions.publish_version(FunctionName=unique)["Version"] == "3"


@pytest.mark.usefixtures("slow_updates")
def test_while_an_update_is_in_progress_nothing_else_is_taken(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    # aws/aws-cli#6718: "An update is in progress for resource", of PublishVersion
    functions = client("lambda")
    role = create_role(client, f"{unique}-role", [])
    functions.create_function(
        FunctionName=unique,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": SHOW})},
    )
    with pytest.raises(ClientError, match="currently in the following state: Pending"):
        functions.publish_version(FunctionName=unique)
    settled(client, unique)
    began = cloud.now()
    updated = functions.update_function_configuration(
        FunctionName=unique, Environment=released("1")
    )
    assert updated["LastUpdateStatus"] == "InProgress"
    code = {"ZipFile": archive({"app.py": SHOW})}
    for call, request in (
        (functions.publish_version, {}),
        (functions.update_function_configuration, {"Timeout": 9}),
        (functions.update_function_code, code),
    ):
        with pytest.raises(ClientError, match="An update is in progress for resource") as error:
            call(FunctionName=unique, **request)
        assert error.value.response["Error"]["Code"] == "ResourceConflictException"
    told = settled(client, unique)
    assert cloud.now() - began >= timedelta(seconds=120)
    assert told["Timeout"] == 3
    assert functions.publish_version(FunctionName=unique)["Version"] == "1"


def test_a_stale_update_changes_nothing(client: Clients, unique: str) -> None:
    create_function(client, unique, SHOW)
    functions = client("lambda")
    stale = functions.get_function_configuration(FunctionName=unique)["RevisionId"]
    configure(client, unique, RevisionId=stale, Environment=released("1"))
    update = functions.update_function_configuration
    request = {"FunctionName": unique, "RevisionId": stale, "Environment": released("2")}
    assert refused(update, **request) == "PreconditionFailedException"
    told = functions.get_function_configuration(FunctionName=unique)
    assert told["Environment"] == released("1")


def test_a_version_keeps_its_environment_and_runs_in_workers_of_its_own(
    client: Clients, unique: str
) -> None:
    create_function(client, unique, SHOW, Environment=released("one"), Timeout=30)
    functions = client("lambda")
    functions.publish_version(FunctionName=unique)
    configure(client, unique, Environment=released("two"))
    functions.publish_version(FunctionName=unique)
    configure(client, unique, Environment=released("three"))

    def ran(qualifier: str) -> Any:
        return invoke(client, f"{unique}:{qualifier}")["Payload"]

    first, second, latest = ran("1"), ran("2"), ran("$LATEST")
    assert [first[:2], second[:2], latest[:2]] == [
        ["one", "1"],
        ["two", "2"],
        ["three", "$LATEST"],
    ]
    assert len({first[2], second[2], latest[2]}) == 3
    assert [ran("1"), ran("2")] == [first, second], "each is still warm"
    told = functions.get_function_configuration(FunctionName=unique, Qualifier="1")
    assert told["Environment"] == released("one")


def test_a_configuration_is_told_by_version_and_alias(client: Clients, unique: str) -> None:
    arn = create_function(client, unique, SHOW, Environment=released("one"))
    functions = client("lambda")
    functions.publish_version(FunctionName=unique)
    functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        told = functions.get_function_configuration(FunctionName=unique, Qualifier=qualifier)
        assert (told["Version"], told["FunctionArn"]) == ("1", f"{arn}:{qualifier}")
    describe = functions.get_function_configuration
    assert refused(describe, FunctionName=unique, Qualifier="9") == "ResourceNotFoundException"


def test_versions_are_listed_in_pages(client: Clients, unique: str) -> None:
    create_function(client, unique, SHOW)
    functions = client("lambda")
    for release in range(4):
        configure(client, unique, Environment=released(str(release)))
        functions.publish_version(FunctionName=unique)
    pages = functions.get_paginator("list_versions_by_function").paginate(
        FunctionName=unique, PaginationConfig={"PageSize": 2}
    )
    found = [[one["Version"] for one in page["Versions"]] for page in pages]
    assert found == [["$LATEST", "1"], ["2", "3"], ["4"]]


class Twice:
    """A function with two versions."""

    def __init__(self, client: Clients, name: str) -> None:
        self.client, self.name = client, name
        create_function(client, name, SHOW, Environment=released("1"))
        self.functions = client("lambda")
        self.functions.publish_version(FunctionName=name)
        configure(client, name, Environment=released("2"))
        self.functions.publish_version(FunctionName=name)

    def lead(self, version: str, weights: dict[str, float], **named: Any) -> Any:
        """Let the alias lead so."""
        return self.functions.update_alias(
            FunctionName=self.name,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
            **named,
        )


@pytest.fixture
def twice(client: Clients, unique: str) -> Twice:
    made = Twice(client, unique)
    made.functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    return made


def test_an_alias_is_changed_by_whoever_read_it_last(twice: Twice) -> None:
    read = twice.functions.get_alias(FunctionName=twice.name, Name="live")
    changed = twice.lead("1", {"2": 0.0}, RevisionId=read["RevisionId"])
    assert changed["RevisionId"] != read["RevisionId"]
    assert changed["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.0}}
    with pytest.raises(ClientError) as error:
        twice.lead("2", {}, RevisionId=read["RevisionId"])
    assert error.value.response["Error"]["Code"] == "PreconditionFailedException"
    cleared = twice.lead("2", {}, RevisionId=changed["RevisionId"])
    assert cleared["FunctionVersion"] == "2"
    assert not cleared.get("RoutingConfig")


def test_an_alias_leads_to_two_published_versions_at_most(twice: Twice, unique: str) -> None:
    for version, weights, words in (
        ("$LATEST", {"1": 0.5}, "not supported for an alias pointing to more than 1 version"),
        ("1", {"1": 0.5}, "already included in routing configuration"),
        ("1", {"2": 0.5, "3": 0.1}, "cannot be greater than 1"),
        ("1", {"2": 1.5}, "from 0.0 to 1.0"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            twice.lead(version, weights)
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    for version, weights in (("9", {}), ("1", {"9": 0.5})):
        with pytest.raises(ClientError, match=f"Function not found: .*:{unique}:9"):
            twice.lead(version, weights)
    create = twice.functions.create_alias
    request = {"FunctionName": unique, "Name": "other", "FunctionVersion": "9"}
    assert refused(create, **request) == "ResourceNotFoundException"
    told = twice.functions.get_alias(FunctionName=unique, Name="live")
    assert (told["FunctionVersion"], told.get("RoutingConfig")) == ("1", None)


def test_both_versions_have_one_role_and_one_dead_letter_queue(
    twice: Twice, client: Clients, unique: str
) -> None:
    # serverless-heaven/serverless-aws-alias#64 has the words about the role; of the queue the user
    # guide says only that both must have the same.
    configure(client, unique, Role=create_role(client, f"{unique}-other", []))
    other_role = twice.functions.publish_version(FunctionName=unique)["Version"]
    with pytest.raises(ClientError, match="associated with the same execution role") as error:
        twice.lead("1", {other_role: 0.1})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"

    client("sqs").create_queue(QueueName=unique)
    dead = {"TargetArn": f"arn:aws:sqs:us-east-1:123456789012:{unique}"}
    role = twice.functions.get_function_configuration(FunctionName=unique, Qualifier="1")["Role"]
    configure(client, unique, Role=role, DeadLetterConfig=dead)
    other_queue = twice.functions.publish_version(FunctionName=unique)["Version"]
    with pytest.raises(ClientError, match="same dead letter queue") as error:
        twice.lead("1", {other_queue: 0.1})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert twice.lead(other_role, {})["FunctionVersion"] == other_role


def counted(cloud: LocalCloud, client: Clients, name: str, metric: str, version: str) -> float:
    """A metric of what came through the alias to a version, over the last virtual hours."""
    by = {"FunctionName": name, "Resource": f"{name}:live", "ExecutedVersion": version}
    return total(client, cloud, "AWS/Lambda", metric, **by)


def test_what_comes_through_the_alias_is_counted_by_the_version_that_ran(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    create_function(client, unique, "def handler(event, context):\n    return 1 / event\n")
    functions = client("lambda")
    functions.publish_version(FunctionName=unique)
    functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    invoke(client, unique, 1, Qualifier="live")
    invoke(client, unique, 0, Qualifier="live")
    invoke(client, unique, 0, Qualifier="1")
    functions.put_function_concurrency(FunctionName=unique, ReservedConcurrentExecutions=0)
    call = functions.invoke
    request = {"FunctionName": unique, "Qualifier": "live", "Payload": b"1"}
    assert refused(call, **request) == "TooManyRequestsException"

    names = ("Invocations", "Errors", "Throttles")
    assert [counted(cloud, client, unique, one, "1") for one in names] == [2, 1, 1]
    assert counted(cloud, client, unique, "Duration", "1") > 0


def test_publishing_more_code_leaves_versions_and_aliases_alone(
    twice: Twice, client: Clients, unique: str
) -> None:
    twice.lead("1", {"2": 0.25})
    before = twice.functions.get_alias(FunctionName=unique, Name="live")
    publish(client, unique, "def handler(event, context):\n    return 'new'\n")
    after = twice.functions.get_alias(FunctionName=unique, Name="live")
    assert after["RevisionId"] == before["RevisionId"]
    assert invoke(client, f"{unique}:1")["Payload"][0] == "1"
    assert invoke(client, f"{unique}:3")["Payload"] == "new"
