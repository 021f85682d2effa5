"""What Bedrock has no room for is asked again in time; what it refuses is the version's error."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from sluice.adapters.bedrock_errors import RefusedError
from tests.integration.applications import (
    FUNCTION_MILLISECONDS,
    THROTTLED,
    Bedrock,
    Function,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_nobody_foresaw_is_raised_in_the_versions_name_and_counted(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release()
    bedrock.answer = {}

    with pytest.raises(Exception, match="support-v3: KeyError"):
        ask()
    assert counted()["Errors"] == [1]


@pytest.mark.parametrize(
    "refusal",
    [
        THROTTLED,
        ("ServiceUnavailableException", 503),
        ("InternalServerException", 500),
        ("ModelNotReadyException", 429),
        ("ModelTimeoutException", 408),
        ConnectionClosedError(endpoint_url="https://x"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=str,
)
def test_what_passes_is_asked_again(
    release: Any, ask: Function, bedrock: Bedrock, refusal: Any
) -> None:
    release()
    bedrock.refusals = [refusal, refusal]

    assert ask()["answer"] == "In the archive."
    first, *again = bedrock.conversations()
    assert again == [first, first]
    assert len(ask.rested) == 2


def test_throttled_for_good_it_is_raised_and_counted(
    release: Any, ask: Function, bedrock: Bedrock, counted: Callable[[], dict[str, Any]]
) -> None:
    release()
    bedrock.refusals = [THROTTLED] * 1000

    with pytest.raises(Exception, match="support-v3: ThrottlingException: said by Bedrock"):
        ask()

    asked = len(bedrock.conversations())
    assert asked > 4
    assert sum(ask.rested) <= 15  # what is left must do for one more answer
    said = counted()
    assert (said["Requests"], said["Errors"], said["Throttles"]) == ([1], [1], [asked])
    assert "InputTokens" not in said


def test_with_no_time_left_nothing_is_asked_again(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    bedrock.refusals = [THROTTLED]

    with pytest.raises(Exception, match="ThrottlingException"):
        ask(left=100_000)
    assert len(bedrock.conversations()) == 1


@pytest.mark.parametrize(
    "code", ["ValidationException", "AccessDeniedException", "ModelErrorException"]
)
def test_what_bedrock_refuses_is_not_asked_again(
    release: Any, ask: Function, bedrock: Bedrock, code: str
) -> None:
    release()
    bedrock.refusals = [(code, 400)]

    with pytest.raises(Exception, match=f"support-v3: {code}: said by Bedrock"):
        ask()
    assert len(bedrock.conversations()) == 1


def test_a_model_that_takes_too_long_is_the_versions_error(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    bedrock.refusals = [ReadTimeoutError(endpoint_url="https://x")]

    with pytest.raises(Exception, match="support-v3: ReadTimeoutError"):
        ask(left=FUNCTION_MILLISECONDS - 85_000)
    assert len(bedrock.conversations()) == 1


def test_what_the_sdk_complains_of_does_not_quote_the_prompt(
    release: Any, ask: Function, bedrock: Bedrock
) -> None:
    release()
    app = ask.start()
    broken = replace(app.loading.served(), system=["my secret"])

    with pytest.raises(RefusedError, match=r"^ParamValidationError$") as raised:
        app.answering.conversation.ask(broken, "question")

    printed = "".join(traceback.format_exception(raised.value))
    assert "my secret" not in printed
    assert bedrock.asked == []
