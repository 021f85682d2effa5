"""The alias of an application's function: made once, by the stack, and never changed by it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import REGION
from tests.integration.lambdas import FUNCTION, Lambdas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType, SimpleNamespace

RELEASE = f"s3://sluice-artifacts/releases/support/v3-0123456789ab/manifest.json#{'5f' * 32}"


class Formation:
    """CloudFormation's end of the line: what it was told, and how often it does not listen."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.deaf = 0
        formation = self

        class Listening(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if formation.deaf:
                    formation.deaf -= 1
                    self.send_response(503)
                else:
                    formation.told.append(json.loads(body))
                    formation.content_types.append(self.headers["Content-Type"])
                    self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Tests are quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Listening)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def asks(self, wish: str = "Create") -> dict[str, Any]:
        """The event of a stack that wants the alias."""
        return {
            "RequestType": wish,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/answer?signature=secret",
            "StackId": f"arn:aws:cloudformation:{REGION}:123456789012:stack/sluice/1",
            "RequestId": "request-1",
            "ResourceType": "Custom::LiveAlias",
            "LogicalResourceId": "LiveAlias",
            "ResourceProperties": {"ServiceToken": "arn", "FunctionName": FUNCTION},
        }


@pytest.fixture
def formation() -> Iterator[Formation]:
    listening = Formation()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()


@pytest.fixture
def lambdas(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """A function that the stack has just made: no version, no alias."""
    made = Lambdas(monkeypatch)
    made.versions, made.alias = {}, None
    return made


@pytest.fixture
def handle(
    function: Callable[[str], ModuleType], context: SimpleNamespace
) -> Callable[[dict[str, Any]], Any]:
    app = function("create_alias")
    return lambda event: app.lambda_handler(event, context)


def test_the_alias_is_made_on_a_version_that_serves_no_release(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    handle(formation.asks())

    assert lambdas.traffic() == {"1": 100}
    assert lambdas.versions["1"]["Environment"]["Variables"] == {"LOG": "INFO"}
    assert formation.told == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": f"{FUNCTION}:live",
            "StackId": f"arn:aws:cloudformation:{REGION}:123456789012:stack/sluice/1",
            "RequestId": "request-1",
            "LogicalResourceId": "LiveAlias",
        }
    ]
    assert formation.content_types == [""]  # any other breaks S3's signature


@pytest.mark.parametrize("wish", ["Create", "Update", "Delete"])
def test_an_alias_that_is_there_is_never_changed(
    lambdas: Lambdas, formation: Formation, handle: Any, wish: str
) -> None:
    lambdas.publishes(6, RELEASE)
    lambdas.publishes(7, RELEASE)
    lambdas.leads_to(6, v7=0.25)
    before = lambdas.alias

    handle(formation.asks(wish))

    assert lambdas.alias == before
    assert set(lambdas.versions) == {"6", "7"}
    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_asked_twice_it_is_one_alias_on_one_version(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    handle(formation.asks())
    made = lambdas.alias
    handle(formation.asks())

    assert (lambdas.alias, set(lambdas.versions)) == (made, {"1"})
    assert [one["Status"] for one in formation.told] == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("lost", ["GetAlias", "PublishVersion", "CreateAlias"])
def test_a_lost_answer_changes_nothing(
    lambdas: Lambdas, formation: Formation, handle: Any, lost: str
) -> None:
    lambdas.lose.add(lost)

    handle(formation.asks())

    assert lambdas.traffic() == {"1": 100}
    assert set(lambdas.versions) == {"1"}
    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_who_comes_late_finds_the_alias_where_a_rollout_led_it(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    lambdas.before["CreateAlias"] = lambda: (lambdas.publishes(2, RELEASE), lambdas.leads_to(2))

    handle(formation.asks())

    assert lambdas.traffic() == {"2": 100}
    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_an_alias_that_was_deleted_is_made_on_the_version_it_was_made_on(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    handle(formation.asks())
    lambdas.publishes(2, RELEASE)
    lambdas.latest = lambdas.versions["2"]
    lambdas.alias = None

    handle(formation.asks("Update"))

    assert lambdas.traffic() == {"1": 100}


def test_no_version_with_a_release_is_ever_passed_off_as_the_first(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    lambdas.publishes(4, RELEASE)
    lambdas.latest = lambdas.versions["4"]

    handle(formation.asks())

    assert lambdas.alias is None
    (told,) = formation.told
    assert told["Status"] == "FAILED"
    assert "take SLUICE_VERSION out of it" in told["Reason"]


def test_a_deletion_makes_nothing(lambdas: Lambdas, formation: Formation, handle: Any) -> None:
    handle(formation.asks("Delete"))

    assert (lambdas.versions, lambdas.alias) == ({}, None)
    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_a_reason_is_never_longer_than_a_stack_will_hear(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    lambdas.publishes(4, RELEASE)
    lambdas.latest = lambdas.versions["4"]
    event = formation.asks()
    event["ResourceProperties"]["FunctionName"] = FUNCTION + "x" * 2000

    handle(event)

    (told,) = formation.told
    assert told["Status"] == "FAILED"
    assert len(told["Reason"]) == 1000


def test_a_release_that_slips_in_before_the_publication_is_not_published(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    def slip_in() -> None:
        lambdas.latest = {**lambdas.latest, "Environment": {"Variables": {"SLUICE_VERSION": "x"}}}

    lambdas.before["PublishVersion"] = slip_in

    handle(formation.asks())

    assert (lambdas.versions, lambdas.alias) == ({}, None)
    assert [one["Status"] for one in formation.told] == ["FAILED"]


def test_a_stack_hears_of_every_failure(
    lambdas: Lambdas, formation: Formation, handle: Any, faults: Any
) -> None:
    with faults.refusing("PublishVersion", "AccessDeniedException", status=403):
        handle(formation.asks())

    (told,) = formation.told
    assert (told["Status"], "AccessDenied" in told["Reason"]) == ("FAILED", True)
    assert len(json.dumps(told)) < 4096


def test_a_stack_that_does_not_listen_is_told_again(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    formation.deaf = 1

    handle(formation.asks())

    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_lambda_asks_again_when_the_stack_cannot_be_told(
    lambdas: Lambdas, formation: Formation, handle: Any
) -> None:
    formation.deaf = 2

    with pytest.raises(OSError, match="503"):
        handle(formation.asks())
    handle(formation.asks())

    assert lambdas.traffic() == {"1": 100}
    assert [one["Status"] for one in formation.told] == ["SUCCESS"]


def test_the_signed_address_is_not_logged(
    lambdas: Lambdas,
    formation: Formation,
    handle: Any,
    faults: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with faults.refusing("PublishVersion", "AccessDeniedException", status=403):
        handle(formation.asks())

    said = caplog.text + str([vars(record) for record in caplog.records])
    assert "AccessDenied" in said
    assert "signature" not in said
