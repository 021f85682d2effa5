"""Converse: what it answers, how it refuses, what is counted, and what IAM is asked.

AWS: bedrock/latest/userguide/conversation-inference-call.html
AWS: bedrock/latest/userguide/inference-profiles-prereq.html
AWS: bedrock/latest/userguide/monitoring-runtime-metrics.html
AWS: service-authorization/latest/reference/list_amazonbedrock.html
Model: bedrock-runtime.Converse
Model: bedrock-runtime.ConverseStream
Ours: the words of refusals are those people report; each stands with the report beside its test
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World, allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

SONNET, OPUS = "anthropic.claude-sonnet-4-5-20251001-v2:0", "anthropic.claude-opus-4-7"
DATED, LLAMA = "anthropic.claude-sonnet-4-5-20250929-v1:0", "meta.llama3-8b-instruct-v1:0"
PASSAGES = "[1] The office opens at nine.\n[2] Parcels are kept for ten days.\n"
QUESTION = "How long are parcels kept?"


class Runtime:
    """Asks models, as the account's root or as a role."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ask(self, model: str, *texts: str, system: str = "", **named: Any) -> Any:
        """The answer to texts of which the user's is the first, then the model's, and so on."""
        roles = ("user", "assistant")
        messages = [
            {"role": roles[number % 2], "content": [{"text": text}]}
            for number, text in enumerate(texts)
        ]
        given = {"system": [{"text": system}]} if system else {}
        return self._client.converse(modelId=model, messages=messages, **given, **named)

    def refused(self, model: str, *texts: str, **named: Any) -> tuple[str, str]:
        """The code and the words of a refusal."""
        with pytest.raises(ClientError) as error:
            self.ask(model, *texts, **named)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]


@pytest.fixture
def runtime(client: Clients) -> Runtime:
    return Runtime(client("bedrock-runtime"))


@pytest.fixture
def faults(cloud: LocalCloud) -> Iterator[Any]:
    """Asks for faults, and takes them back."""
    yield lambda *wanted: cloud.control("bedrock", {"faults": list(wanted)})
    cloud.control("bedrock", {"faults": []})


def said(answer: Any) -> str:
    (block,) = answer["output"]["message"]["content"]
    return str(block["text"])


def test_the_answer_is_the_passage_that_has_most_of_the_question(runtime: Runtime) -> None:
    answer = runtime.ask(SONNET, f"{PASSAGES}\n{QUESTION}")

    assert said(answer) == "Parcels are kept for ten days. [2]"
    assert (answer["stopReason"], answer["output"]["message"]["role"]) == ("end_turn", "assistant")
    # Tokens are ceil(bytes / 4): 88 bytes asked, 34 answered.
    assert answer["usage"] == {"inputTokens": 23, "outputTokens": 9, "totalTokens": 32}
    assert said(runtime.ask(SONNET, f"{PASSAGES}\n{QUESTION}")) == said(answer)


def test_passages_may_stand_in_the_system_prompt_or_an_earlier_message(runtime: Runtime) -> None:
    assert said(runtime.ask(SONNET, QUESTION, system=PASSAGES)).endswith("[2]")
    assert said(runtime.ask(SONNET, PASSAGES, "Yes.", "When does the office open?")).endswith("[1]")


@pytest.mark.parametrize("asked", [QUESTION, f"{PASSAGES}\nWho won?"])
def test_without_a_passage_about_it_nothing_is_known(runtime: Runtime, asked: str) -> None:
    assert said(runtime.ask(SONNET, asked)) == "I do not know."


def test_an_answer_ends_at_its_most_tokens_and_at_a_stop_sequence(runtime: Runtime) -> None:
    asked = f"{PASSAGES}\n{QUESTION}"
    short = runtime.ask(SONNET, asked, inferenceConfig={"maxTokens": 2})
    assert (said(short), short["stopReason"]) == ("Parcels ", "max_tokens")
    assert short["usage"]["outputTokens"] == 2
    stopped = runtime.ask(SONNET, asked, inferenceConfig={"stopSequences": [" for"]})
    assert (said(stopped), stopped["stopReason"]) == ("Parcels are kept", "stop_sequence")


def test_a_model_is_invoked_by_id_arn_or_profile(runtime: Runtime) -> None:
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{OPUS}"
    for named in (SONNET, arn, f"us.{OPUS}", profile):
        assert said(runtime.ask(named, QUESTION)) == "I do not know."


def test_an_unknown_model_is_an_invalid_identifier(runtime: Runtime) -> None:
    # tailcallhq/forgecode#2644, langchain-ai/open_deep_research#224
    assert runtime.refused("anthropic.claude-opus-4-6-v1:0", QUESTION) == (
        "ValidationException",
        "The provided model identifier is invalid.",
    )


def test_a_model_of_profiles_alone_is_not_invoked_on_demand(runtime: Runtime) -> None:
    # langchain-ai/langchain-aws#1019: the apostrophe is a typographic one.
    code, words = runtime.refused(OPUS, QUESTION)
    assert code == "ValidationException"
    assert words == (
        f"Invocation of model ID {OPUS} with on-demand throughput isn\u2019t supported. Retry your "
        "request with the ID or ARN of an inference profile that contains this model."
    )


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"inferenceConfig": {"temperature": 0.1}}, "temperature"),
        ({"inferenceConfig": {"topP": 0.9}}, "top_p"),
        ({"additionalModelRequestFields": {"top_k": 5}}, "top_k"),
    ],
)
def test_newer_models_refuse_sampling_parameters(
    runtime: Runtime, given: dict[str, Any], name: str
) -> None:
    # NousResearch/hermes-agent#36151, DayuanJiang/next-ai-draw-io#861
    code, words = runtime.refused(f"us.{OPUS}", QUESTION, **given)
    assert code == "ValidationException"
    assert words == (
        f"The model returned the following errors: `{name}` is deprecated for this model."
    )
    assert runtime.ask(LLAMA, QUESTION, **given)


def test_sonnet_4_5_takes_temperature_or_top_p(runtime: Runtime) -> None:
    # aws-samples/bedrock-access-gateway#191, BoltAI/BoltAI#399
    both = {"temperature": 0.1, "topP": 0.9}
    code, words = runtime.refused(DATED, QUESTION, inferenceConfig=both)
    assert code == "ValidationException"
    assert "`temperature` and `top_p` cannot both be specified for this model." in words
    assert runtime.ask(DATED, QUESTION, inferenceConfig={"temperature": 0.1})
    assert runtime.ask(SONNET, QUESTION, inferenceConfig=both)


def test_a_parameter_out_of_its_range_is_refused(runtime: Runtime) -> None:
    code, words = runtime.refused(SONNET, QUESTION, inferenceConfig={"temperature": 1.5})
    assert code == "ValidationException"
    assert "Member must have value less than or equal to 1" in words
    code, words = runtime.refused(LLAMA, QUESTION, inferenceConfig={"maxTokens": 4096})
    assert code == "ValidationException"
    assert "exceeds the model limit of 2048" in words


def test_input_beyond_the_models_context_is_too_long(runtime: Runtime) -> None:
    # continuedev/continue#6005, aws-samples/bedrock-chat#95
    assert runtime.ask(LLAMA, "word " * 6553)
    code, words = runtime.refused(LLAMA, "word " * 6554)
    assert code == "ValidationException"
    assert words == (
        "The model returned the following errors: Input is too long for requested model."
    )
    assert runtime.ask(SONNET, "word " * 6554)


def test_after_its_end_of_life_a_model_answers_nobody(runtime: Runtime) -> None:
    # aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#708
    code, words = runtime.refused("anthropic.claude-v2:1", QUESTION)
    assert code == "ResourceNotFoundException"
    assert words == (
        "This model version has reached the end of its life. Please refer to the AWS documentation "
        "for more details."
    )
    assert runtime.ask("anthropic.claude-3-haiku-20240307-v1:0", QUESTION)


def test_messages_alternate_from_the_user_on_and_are_not_blank(
    runtime: Runtime, client: Clients
) -> None:
    turn = {"role": "user", "content": [{"text": "a"}]}
    for messages, words in (
        ([{**turn, "role": "assistant"}], "must start with a user message"),
        ([turn, turn], "must alternate between user and assistant roles"),
        ([{**turn, "content": [{"text": " "}]}], "at messages.0.content.0 is blank"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            client("bedrock-runtime").converse(modelId=SONNET, messages=messages)
        assert error.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("ThrottlingException", 429),
        ("ServiceUnavailableException", 503),
        ("ModelTimeoutException", 408),
        ("InternalServerException", 500),
        ("AccessDeniedException", 403),
    ],
)
def test_a_fault_strikes_as_its_error_does(
    runtime: Runtime, faults: Any, error: str, status: int
) -> None:
    faults({"error": error})
    with pytest.raises(ClientError) as raised:
        runtime.ask(SONNET, QUESTION)
    assert raised.value.response["Error"]["Code"] == error
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_fault_strikes_its_model_its_prompts_and_its_share(runtime: Runtime, faults: Any) -> None:
    faults({"model": OPUS, "containing": "parcels", "error": "ThrottlingException", "share": 0.5})
    assert runtime.ask(SONNET, QUESTION)
    assert runtime.ask(f"us.{OPUS}", "Who won?")
    ended = []
    for _ in range(6):
        try:
            runtime.ask(f"us.{OPUS}", QUESTION)
            ended.append("answered")
        except ClientError as error:
            ended.append(error.response["Error"]["Code"])
    assert ended == ["answered", "ThrottlingException"] * 3
    (told,) = faults({"error": "ValidationException", "message": "no more"})["faults"]
    assert (told["matched"], told["struck"]) == (0, 0)
    assert runtime.refused(SONNET, QUESTION) == ("ValidationException", "no more")


def test_through_a_profile_the_models_it_leads_to_must_be_allowed_too(
    client: Clients, unique: str
) -> None:
    """You "must also specify the foundation model in each Region associated with it"."""
    world = World(client, unique)
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{OPUS}"
    models = [
        f"arn:aws:bedrock:{region}::foundation-model/{OPUS}"
        for region in ("us-east-1", "us-east-2", "us-west-2")
    ]
    through = {"Condition": {"StringEquals": {"bedrock:InferenceProfileArn": profile}}}
    whole = [allow("bedrock:InvokeModel", profile), allow("bedrock:InvokeModel", models, **through)]
    for statements, lacking in (
        (whole[:1], models[0]),
        (whole[1:], profile),
        ([whole[0], allow("bedrock:InvokeModel", models[:2], **through)], models[2]),
    ):
        runtime = Runtime(world.as_role(world.role(*statements), "bedrock-runtime"))
        code, words = runtime.refused(f"us.{OPUS}", QUESTION)
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: bedrock:InvokeModel on resource: {lacking}" in words
    assert Runtime(world.as_role(world.role(*whole), "bedrock-runtime")).ask(f"us.{OPUS}", QUESTION)


def test_converse_takes_the_permission_to_invoke_the_model(client: Clients, unique: str) -> None:
    world = World(client, unique)
    model = f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"
    other = Runtime(world.as_role(world.role(allow("bedrock:Converse", model)), "bedrock-runtime"))
    assert other.refused(SONNET, QUESTION)[0] == "AccessDeniedException"
    own = Runtime(world.as_role(world.role(allow("bedrock:InvokeModel", model)), "bedrock-runtime"))
    assert own.ask(SONNET, QUESTION)
    assert own.refused(LLAMA, QUESTION)[0] == "AccessDeniedException"


def test_a_stream_is_the_same_answer_in_events(
    runtime: Runtime, client: Clients, unique: str
) -> None:
    asked = f"{PASSAGES}\n{QUESTION}"
    whole, messages = runtime.ask(SONNET, asked), [{"role": "user", "content": [{"text": asked}]}]
    request = {"modelId": SONNET, "messages": messages}
    events = list(client("bedrock-runtime").converse_stream(**request)["stream"])
    assert [next(iter(one)) for one in events] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert events[1]["contentBlockDelta"]["delta"]["text"] == said(whole)
    assert events[3]["messageStop"]["stopReason"] == whole["stopReason"]
    assert events[4]["metadata"]["usage"] == whole["usage"]

    world = World(client, unique)
    model = f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"
    other = world.as_role(world.role(allow("bedrock:InvokeModel", model)), "bedrock-runtime")
    with pytest.raises(ClientError, match="bedrock:InvokeModelWithResponseStream") as error:
        other.converse_stream(**request)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def sums(cloud: LocalCloud, client: Clients, model: str, *names: str) -> list[float]:
    """The sums of a model's metrics over the last virtual hour."""
    found = client("cloudwatch").get_metric_data(
        StartTime=cloud.now() - timedelta(hours=2),
        EndTime=cloud.now() + timedelta(minutes=5),
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Bedrock",
                        "MetricName": name,
                        "Dimensions": [{"Name": "ModelId", "Value": model}],
                    },
                    "Period": 3600,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(names)
        ],
    )["MetricDataResults"]
    return [sum(one["Values"]) for one in found]


def test_what_was_asked_is_counted_by_the_id_that_was_named(
    cloud: LocalCloud, client: Clients, runtime: Runtime, faults: Any
) -> None:
    model = f"us.{DATED}"
    names = ("Invocations", "InputTokenCount", "OutputTokenCount", "InvocationThrottles")
    errors = ("InvocationClientErrors", "InvocationServerErrors", "InvocationLatency")
    before = sums(cloud, client, model, *names, *errors)
    runtime.ask(model, QUESTION)
    runtime.refused(model, QUESTION, inferenceConfig={"temperature": 0.1, "topP": 0.9})
    faults({"error": "ThrottlingException"})
    runtime.refused(model, QUESTION)
    faults({"error": "ServiceUnavailableException"})
    runtime.refused(model, QUESTION)

    after = sums(cloud, client, model, *names, *errors)
    *counted, latency = [now - then for now, then in zip(after, before, strict=True)]
    assert counted == [1, 7, 4, 1, 1, 1]
    assert latency >= 1


def test_what_the_local_cloud_has_no_part_of_says_so(client: Clients) -> None:
    with pytest.raises(ClientError, match="not part of the local cloud"):
        client("bedrock-runtime").invoke_model(modelId=SONNET, body=b"{}")
