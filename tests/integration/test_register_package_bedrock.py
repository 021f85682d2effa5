"""Bedrock configurations in, one package pending approval out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.targets import Targets
from tests.builders import BUCKET, COMMIT, EVALUATION_RESULTS, REGION, an_event
from tests.integration.catalogue import MODEL_ID, Catalogue
from tests.integration.configs import (
    PROMPT,
    PUBLISHED,
    a_bedrock_config,
    captured_manifest,
    push_config,
    push_file,
)
from tests.integration.lambdas import CODE, FUNCTION, LAYER
from tests.integration.rollouts import MACHINE, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

FOLDER = f"configs/{COMMIT}"
ALL_REGISTERED = {
    f"{FOLDER}/bedrock-config.json 1": "Registered",
    f"{FOLDER}/prompts/rag-prompt-template.txt 1": "Registered",
    f"{FOLDER}/evaluation-results.json 1": "Registered",
}
CONFIG = f"{FOLDER}/bedrock-config.json"


def commit(number: int) -> str:
    return f"{number:040x}"


def test_the_published_configuration_registers_once_its_commit_is_filled_in(
    inbox: Inbox, catalogue: Catalogue
) -> None:
    config = {**PUBLISHED, "prompt_template_version": COMMIT}
    events = [
        push_file(inbox, "bedrock-config.json", config),
        push_file(inbox, "prompts/rag-prompt-template.txt", PROMPT),
        push_file(inbox, "evaluation-results.json", EVALUATION_RESULTS),
    ]

    assert inbox.deliver(*events) == []

    (package,) = inbox.packages("assistant")
    (release,) = inbox.releases()
    vault = f"s3://{BUCKET}/releases/assistant/v1-{release['digest'][:12]}"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert not package.get("InferenceSpecification")
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics["S3Uri"] == f"{vault}/evaluation-results.json"
    assert package["MetadataProperties"]["CommitId"] == COMMIT
    assert package["CustomerMetadataProperties"] == {
        "release-digest": release["digest"],
        "manifest": f"{vault}/manifest.json",
        "version-folder": FOLDER,
        "infrastructure-commit": "4f2a91c0ffee-dirty",
        "git-sha": COMMIT,
        "base-model": MODEL_ID,
        "eval-accuracy": "0.87",
        "eval-f1": "0.84",
    }
    assert release["system"] == "Bedrock"
    assert release["target"] == "assistant"
    assert inbox.records() == ALL_REGISTERED
    assert catalogue.asked == ["GetFoundationModel"]


def test_the_published_configuration_is_refused_as_it_stands(
    inbox: Inbox, catalogue: Catalogue, told: Callable[[], list[str]]
) -> None:
    inbox.deliver(push_file(inbox, "bedrock-config.json", PUBLISHED))

    assert inbox.records() == {f"{CONFIG} 1": "Rejected OtherCommit"}
    assert "prompt_template_version is 'git-sha-here'" in inbox.details()["bedrock-config.json"]
    assert COMMIT in told()[0]
    assert catalogue.asked == []


def test_the_manifest_holds_what_the_names_came_to(inbox: Inbox, catalogue: Catalogue) -> None:
    ends = datetime(2027, 3, 1, tzinfo=UTC)
    catalogue.has_model(MODEL_ID, endOfLifeTime=ends, legacyTime=ends - timedelta(days=180))
    inbox.deliver(*push_config(inbox, system_prompt_file="prompts/system.txt"))
    inbox.deliver(push_file(inbox, "prompts/system.txt", b"Be brief."))

    manifest = captured_manifest(inbox)

    assert manifest.commit == COMMIT
    assert manifest.evaluation == EVALUATION_RESULTS
    assert manifest.model.id == MODEL_ID
    assert manifest.model.arns == (f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL_ID}",)
    assert manifest.model.end_of_life_at == ends
    assert manifest.config.inference_config.top_p == 0.9
    sums = {one.name: one.sha256 for one in manifest.objects}
    assert sums["prompts/rag-prompt-template.txt"] == hashlib.sha256(PROMPT).hexdigest()
    assert sums["prompts/system.txt"] == hashlib.sha256(b"Be brief.").hexdigest()
    assert all(sums.values())
    assert len(sums) == 4


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param(b'{"a": "{b}"} \'c\' "d" \\"e\\" {{f}} }{', id="braces and quotes"),
        pytest.param(b"{% for x in y %}{{ x | e }}{% endfor %} ${z} $(q) `w` %s <%= v %>", id="t"),
        pytest.param("नमस्ते 質問に答えて שאלה 🤖\u202e\u200b é e\u0301".encode(), id="scripts"),
        pytest.param(b"\xef\xbb\xbfa byte order mark\r\nand\rline\nends \t \n\n", id="blanks"),
        pytest.param(("x{" * 50_000 + "ß").encode(), id="100 kB"),
        pytest.param(b"?" * 1024 * 1024, id="as large as it may be"),
        pytest.param(b" ", id="a blank"),
    ],
)
def test_a_prompt_is_captured_byte_for_byte(
    inbox: Inbox, catalogue: Catalogue, prompt: bytes
) -> None:
    assert inbox.deliver(*push_config(inbox, prompt=prompt)) == []

    kept = {key.rpartition("/")[2]: content for key, content in inbox.vault().items()}
    assert kept["rag-prompt-template.txt"] == prompt
    (sha256,) = {one.sha256 for one in captured_manifest(inbox).objects if "prompts/" in one.name}
    assert sha256 == hashlib.sha256(prompt).hexdigest()


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        pytest.param("prompts/rag-prompt-template.txt", b"", "Empty", id="an empty prompt"),
        pytest.param("prompts/rag-prompt-template.txt", b"\xff\xfea\0", "NotText", id="UTF-16"),
        pytest.param("prompts/rag-prompt-template.txt", b"a\0b", "NotText", id="a NUL"),
        pytest.param(
            "prompts/rag-prompt-template.txt", b"x" * (1024 * 1024 + 1), "TooLarge", id="too large"
        ),
        pytest.param("bedrock-config.json", b"", "Empty", id="an empty config"),
        pytest.param("bedrock-config.json", b"{" * 100_000, "TooLarge", id="a huge config"),
        pytest.param("bedrock-config.json", b'{"a": 1, "a": 2}', "MalformedJson", id="twice"),
        pytest.param("bedrock-config.json", {}, "InvalidConfig", id="no model"),
        pytest.param(
            "bedrock-config.json", a_bedrock_config(temperature=1), "InvalidConfig", id="unknown"
        ),
        pytest.param("evaluation-results.json", {"f1": 1}, "EvaluationBelowFloor", id="no floor"),
        pytest.param(
            "evaluation-results.json",
            {**EVALUATION_RESULTS, "prompt_template_version": commit(7)},
            "OtherCommit",
            id="another version's results",
        ),
    ],
)
def test_a_refused_file_holds_the_folder_until_a_corrected_one_is_pushed(
    inbox: Inbox,
    catalogue: Catalogue,
    told: Callable[[], list[str]],
    name: str,
    body: Any,
    reason: str,
) -> None:
    bad = push_file(inbox, name, body)
    others = [
        event
        for event in push_config(inbox)
        if event["detail"]["object"]["key"] != f"{FOLDER}/{name}"
    ]
    assert inbox.deliver(others[0], bad, others[1], bad) == []
    assert inbox.records()[f"{FOLDER}/{name} 1"] == f"Rejected {reason}"
    assert inbox.releases() == []
    (message,) = told()
    assert message.startswith(f"{FOLDER}/{name} is refused: ")

    assert inbox.deliver(*push_config(inbox)) == []

    assert len(inbox.packages("assistant")) == 1
    assert inbox.records()[f"{FOLDER}/{name} 1"] == f"Rejected {reason}"
    assert inbox.records()[f"{FOLDER}/{name} 3"] == "Registered"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_order_of_events_does_not_matter(
    inbox: Inbox, catalogue: Catalogue, order: tuple[int, ...]
) -> None:
    events = push_config(inbox)

    for number in order:
        assert inbox.deliver(events[number]) == []

    assert len(inbox.packages("assistant")) == 1
    assert inbox.records() == ALL_REGISTERED


def test_a_second_delivery_changes_nothing(
    inbox: Inbox, catalogue: Catalogue, faults: Faults
) -> None:
    events = push_config(inbox)
    inbox.deliver(*events)
    before = inbox.ledger()

    with faults.recorded() as calls:
        assert inbox.deliver(*events, *reversed(events)) == []

    assert inbox.ledger() == before
    assert set(calls) == {"GetItem"}


def test_a_version_without_its_own_evaluation_waits(inbox: Inbox, catalogue: Catalogue) -> None:
    inbox.deliver(*push_config(inbox, commit=commit(1)))
    changed = push_config(inbox, commit=commit(2), inference_config={"max_tokens": 4096})

    inbox.deliver(*changed[:2])

    assert len(inbox.packages("assistant")) == 1
    assert inbox.details()["bedrock-config.json"].startswith("waits for evaluation-results.json")


def test_commits_of_an_application_are_numbered_as_they_become_complete(
    inbox: Inbox, catalogue: Catalogue
) -> None:
    late = push_config(inbox, commit=commit(1))
    for number in (2, 3):
        inbox.deliver(*push_config(inbox, commit=commit(number)))
    inbox.deliver(*push_config(inbox, commit=commit(4), application="search"))
    inbox.deliver(*late)

    numbers = {
        (one["name"]["group"], one["name"]["version"]): one["manifest_uri"]
        for one in inbox.releases()
    }
    folders = [
        one["CustomerMetadataProperties"]["version-folder"] for one in inbox.packages("assistant")
    ]
    assert set(numbers) == {("assistant", 1), ("assistant", 2), ("assistant", 3), ("search", 1)}
    assert folders == [f"configs/{commit(number)}" for number in (2, 3, 1)]
    assert len(inbox.packages("search")) == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [("prompts/.gitkeep", b""), (".DS_Store", b"\0\xff"), ("a file.bin", b"x" * 1024 * 1025)],
)
def test_a_file_that_no_config_can_name_is_not_looked_into(
    inbox: Inbox, catalogue: Catalogue, name: str, body: bytes
) -> None:
    inbox.deliver(push_file(inbox, name, body), *push_config(inbox))

    assert inbox.records() == {**ALL_REGISTERED, f"{FOLDER}/{name} 1": "Ignored NotNamed"}


def test_a_file_pushed_after_its_folder_was_registered_changes_nothing(
    inbox: Inbox, catalogue: Catalogue, told: Callable[[], list[str]]
) -> None:
    inbox.deliver(push_file(inbox, "notes.md", b"# early"))
    inbox.deliver(*push_config(inbox))
    vault = inbox.vault()

    inbox.deliver(
        push_file(inbox, "prompts/rag-prompt-template.txt", b"other words"),
        push_file(inbox, "late.md", b"# late"),
    )

    assert inbox.records() == {
        **ALL_REGISTERED,
        f"{FOLDER}/prompts/rag-prompt-template.txt 2": "Rejected AlreadyRegistered",
        f"{FOLDER}/notes.md 1": "Ignored NotNamed",
        f"{FOLDER}/late.md 1": "Ignored NotNamed",
    }
    assert inbox.vault() == vault
    assert "a new commit's folder" in told()[-1]


@pytest.mark.parametrize(
    ("key", "record"),
    [
        ("configs/main/bedrock-config.json", "Rejected FolderName"),
        (f"configs/{COMMIT.upper()}/x.txt", "Rejected FolderName"),
        ("configs/bedrock-config.json", "Rejected FolderName"),
        (f"configs/{COMMIT}/prompts/", "Ignored FolderMarker"),
        (f"configs/{COMMIT[:7]}/x.txt", "Pending"),
    ],
)
def test_every_key_ends_in_a_record(
    inbox: Inbox, catalogue: Catalogue, key: str, record: str
) -> None:
    assert inbox.deliver(inbox.put(key, b"{}")) == []

    assert inbox.records() == {f"{key} 1": record}


def test_an_approval_binds_the_application_and_starts_its_rollout_once(
    inbox: Inbox, catalogue: Catalogue, world: World
) -> None:
    inbox.deliver(*push_config(inbox))
    (package,) = inbox.packages("assistant")
    arn = package["ModelPackageArn"]
    world.decide(arn, "Approved")
    event = an_event("sagemaker_model_package_approved")
    event["detail"]["ModelPackageArn"] = arn

    for _ in range(2):
        world.call("reconcile_target", event)
    world.call("reconcile_target", an_event("events_scheduled"))

    (release,) = inbox.releases()
    assert release["approval"] == "Approved"
    assert len(release["approvals"]) == 1
    state = Targets(world.table).read("application/assistant")
    assert state
    assert (state.owner, state.holder) == ("assistant", "application.assistant-g1-e1")
    assert state.rollout
    deployed = state.rollout.release
    assert (deployed.variant, str(deployed.release)) == ("", "assistant-v1")
    assert Targets(world.table).read("endpoint/assistant") is None
    machines = world.aws("stepfunctions").list_executions(stateMachineArn=MACHINE)["executions"]
    assert [one["name"] for one in machines] == [state.holder]


def test_the_code_that_answers_is_captured_with_the_config(
    inbox: Inbox, catalogue: Catalogue
) -> None:
    inbox.deliver(*push_config(inbox))

    captured = captured_manifest(inbox).code
    assert captured
    assert (captured.function, captured.sha256, captured.layers) == (FUNCTION, CODE, (LAYER,))


@pytest.mark.parametrize(
    ("application", "detail"),
    [
        ("nobody", "nothing can answer for application nobody: it has no function"),
        ("search", f"nothing can answer for application search: there is no function {FUNCTION}"),
    ],
)
def test_a_config_that_no_function_answers_for_is_refused(
    inbox: Inbox,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    application: str,
    detail: str,
) -> None:
    assert catalogue
    if application == "search":
        Wire(monkeypatch).refuse("GetFunctionConfiguration", "ResourceNotFoundException")
    config = a_bedrock_config(application=application)

    inbox.deliver(push_file(inbox, "bedrock-config.json", config))

    assert inbox.records() == {f"{CONFIG} 1": "Rejected NoFunction"}
    assert inbox.details()["bedrock-config.json"] == detail
