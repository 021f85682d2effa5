"""`prepare_rollout` on an application: why it is turned back before anything is published."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.rollout import Action, Kind
from tests.builders import AT, BUCKET
from tests.integration.catalogue import MODEL_ID
from tests.integration.lambdas import CODE, LAYER
from tests.integration.published import Application

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.catalogue import Catalogue
    from tests.integration.rollouts import Wire

HOW = (
    "Mend that and approve support-v2 again; or, to go on without a way back, `sluice override "
    'application/support --release support-v2 --why "…"` first'
)
type Making = Callable[..., Application]


# What was approved.


def refused(support: Application) -> str:
    """Why the rollout is turned back; nothing was changed for it."""
    made = support.prepare(support.start())
    assert (made.action, made.blames) == (Action.ROLL_BACK, False)
    assert support.lambdas.calls("UpdateFunctionConfiguration") == 0
    assert support.lambdas.calls("PublishVersion") == 0
    return made.reason


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param({"code": "b3RoZXI="}, "code", id="code"),
        pytest.param({"layer": f"{LAYER}1"}, "layers", id="layer"),
        pytest.param({"code": "b3RoZXI=", "layer": f"{LAYER}1"}, "code and layers", id="both"),
    ],
)
def test_a_stack_update_since_the_push_slips_no_code_in(
    support: Application, change: dict[str, str], what: str
) -> None:
    assert change.get("code") != CODE
    support.lambdas.deploys(change.get("code", ""), layer=change.get("layer", ""))

    assert refused(support) == (
        f"CODE_CHANGED: the {what} of sluice-serve changed after the config was registered: push "
        "the config again, as a new commit"
    )


def test_an_application_that_the_stack_gives_no_function_any_more(
    support: Application, function: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = support.start()
    monkeypatch.delitem(function("prepare_rollout").publishing.functions, "support")

    assert support.prepare(rollout).reason == (
        "FUNCTION_GONE: there is no function for this application"
    )


def test_a_package_that_is_not_approved_any_more(support: Application) -> None:
    rollout = support.start()
    support.world.decide(support.release(2).package_arn, "Rejected")

    assert support.prepare(rollout).reason == "NOT_APPROVED: the package is Rejected"


def test_a_package_that_was_deleted(support: Application, wire: Wire) -> None:
    rollout = support.start()
    wire.deletes_package(support.release(2).package_arn)

    assert support.prepare(rollout).reason.startswith("PACKAGE_GONE: ")


def test_a_package_that_points_to_another_manifest(support: Application) -> None:
    support.world.aws("sagemaker").update_model_package(
        ModelPackageArn=support.release(2).package_arn,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"release-digest": "e" * 64},
    )

    digest = support.release(2).digest
    assert refused(support).startswith(
        "PACKAGE_CHANGED: release-digest of the package of support-v2: expected "
        f"{digest}, found {'e' * 64}; manifest of the package of support-v2: expected s3://"
    )


def test_a_prompt_that_changed_in_the_vault(support: Application) -> None:
    folder = support.release(2).manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    key = f"{folder}/prompts/rag-prompt-template.txt"
    support.world.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"other")

    reason = refused(support)
    assert reason.startswith(
        "TEXT_CHANGED: prompts/rag-prompt-template.txt of support-v2 in the vault: expected {"
    )
    assert '"size": 5, "version": ' in reason


def test_a_prompt_of_what_serves_that_changed_in_the_vault(support: Application) -> None:
    folder = support.release(1).manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    key = f"{folder}/prompts/rag-prompt-template.txt"
    support.world.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"other")

    reason = refused(support)
    assert reason.startswith(
        "NO_WAY_BACK: prompts/rag-prompt-template.txt of support-v1 in the vault: expected {"
    )
    assert reason.endswith(HOW)


@pytest.mark.parametrize(
    ("lifecycle", "reason"),
    [
        pytest.param({"status": "LEGACY"}, "LegacyModel: ", id="legacy"),
        pytest.param({"endOfLifeTime": AT}, "ModelEnded: ", id="ended"),
    ],
)
def test_a_model_that_was_active_when_it_was_pushed(
    support: Application, lifecycle: dict[str, Any], reason: str
) -> None:
    support.catalogue.has_model(MODEL_ID, **lifecycle)

    assert refused(support).startswith(reason)


def test_a_legacy_model_with_its_reason_is_still_taken(making: Making) -> None:
    support = making(legacy_model_reason="the successor fails our evaluation")
    support.catalogue.has_model(MODEL_ID, status="LEGACY", endOfLifeTime=AT + timedelta(days=9))

    assert support.prepare(support.start()).action is Action.UPDATE


def test_a_model_that_the_catalogue_knows_no_more(support: Application) -> None:
    support.catalogue.models.clear()

    assert refused(support) == (
        f"MODEL_GONE: Bedrock's catalogue does not know {MODEL_ID} any more"
    )


def test_a_profile_that_leads_elsewhere_since(making: Making, catalogue: Catalogue) -> None:
    profile = f"global.{MODEL_ID}"
    catalogue.has_profile(profile, f"us-east-1/{MODEL_ID}")
    support = making(model_id=profile)
    catalogue.has_profile(profile, f"us-east-1/{MODEL_ID}", f"eu-west-1/{MODEL_ID}")

    assert refused(support).startswith(f"MODEL_CHANGED: {profile} leads to arn:aws:bedrock:eu-w")


def test_an_alias_that_somebody_led_away(support: Application) -> None:
    support.lambdas.publishes(3, "s3://of/another#release")
    support.lambdas.leads_to(3)

    assert refused(support) == "STABLE_GONE: live does not lead to version 2"


def test_an_alias_that_leads_to_no_release(support: Application) -> None:
    support.lambdas.leads_to(1)

    assert refused(support).startswith("ALIAS_GONE: live leads to no release")


def test_an_alias_that_leads_to_a_release_nobody_approved(support: Application) -> None:
    made = support.prepare(support.start(Kind.ALL_AT_ONCE))

    assert made.reason.startswith("ALIAS_NOT_OURS: live leads to 2 already")
    assert support.lambdas.calls("PublishVersion") == 0


@pytest.mark.parametrize("kind", [Kind.ALL_AT_ONCE, Kind.CANARY])
def test_an_alias_on_latest_is_not_told_the_release_of_everybody_at_once(
    support: Application, kind: Kind
) -> None:
    assert support.lambdas.alias
    support.lambdas.alias["FunctionVersion"] = "$LATEST"

    made = support.prepare(support.start(kind))

    assert made.reason.startswith("ALIAS_ON_LATEST: live leads to what versions are published of")
    assert support.lambdas.calls("UpdateFunctionConfiguration") == 0


# The probe.


def test_bedrock_is_asked_with_the_exact_parameters_of_release_and_way_back(
    making: Making, catalogue: Catalogue
) -> None:
    support = making(inference_config={"max_tokens": 64, "temperature": 0.0})

    support.prepare(support.start())

    asked = [(one["modelId"], one["inferenceConfig"]) for one in catalogue.probed]
    assert asked == [(MODEL_ID, {"maxTokens": 64, "temperature": 0.0})] * 2


def test_a_parameter_that_the_model_refuses_turns_the_rollout_back_in_bedrocks_words(
    support: Application,
) -> None:
    said = "`temperature` is deprecated for this model."
    rollout = support.start(Kind.ALL_AT_ONCE)
    support.lambdas.leads_to(1)
    support.catalogue.refuses[MODEL_ID] = ("ValidationException", said)

    made = support.prepare(rollout)

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith("PROBE_REFUSED: support-v2: ")
    assert made.reason.endswith(said)
    assert support.lambdas.calls("UpdateFunctionConfiguration") == 0


def test_what_serves_is_asked_too_before_anything_moves(support: Application) -> None:
    support.catalogue.refuses[MODEL_ID] = ("AccessDeniedException", "no access to the model")

    reason = refused(support)

    assert reason.startswith("NO_WAY_BACK: PROBE_REFUSED: support-v1: ")
    assert reason.endswith(f"no access to the model. {HOW}")


def test_a_way_back_whose_model_has_ended_does_not_keep_its_successor_away(
    making: Making, catalogue: Catalogue
) -> None:
    """What serves answers nobody: there is nothing left to protect."""
    successor = "anthropic.claude-opus-4-7"
    catalogue.has_model(successor)
    support = making(first={"model_id": MODEL_ID}, model_id=successor)
    catalogue.has_model(MODEL_ID, endOfLifeTime=AT)
    catalogue.refuses[MODEL_ID] = ("ResourceNotFoundException", "This model has ended.")

    made = support.prepare(support.start())

    assert (made.action, made.release.variant) == (Action.UPDATE, "3")


def test_a_model_that_is_busy_is_nobodys_fault(support: Application) -> None:
    support.catalogue.refuses[MODEL_ID] = ("ThrottlingException", "too many requests")

    reason = refused(support)

    assert reason.startswith("NO_WAY_BACK: PROBE_NOT_ANSWERED: support-v1: ")


def test_a_rollback_lands_on_no_model_that_refuses(support: Application) -> None:
    support.catalogue.refuses[MODEL_ID] = ("ResourceNotFoundException", "This model has ended.")

    made = support.prepare(support.start(Kind.ROLL_BACK))

    assert made.action is Action.ROLL_BACK
    assert made.reason.startswith("PROBE_REFUSED: support-v2: ")
