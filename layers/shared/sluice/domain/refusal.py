"""Why an input was not taken up: a closed list of reasons, each with what to change."""

from __future__ import annotations

from enum import StrEnum

from sluice.domain.values import Value


class Reason(StrEnum):
    """Everything that keeps an input from being registered."""

    NOT_INBOX = "NotInbox"
    FOREIGN_EVENT = "ForeignEvent"
    UNREADABLE_EVENT = "UnreadableEvent"
    FOLDER_MARKER = "FolderMarker"
    SUPERSEDED = "Superseded"
    NOT_NAMED = "NotNamed"

    FOLDER_NAME = "FolderName"
    VERSIONING_OFF = "VersioningOff"
    ARTIFACT_GONE = "ArtifactGone"
    ALREADY_REGISTERED = "AlreadyRegistered"
    EMPTY = "Empty"
    TOO_LARGE = "TooLarge"
    NOT_GZIP = "NotGzip"
    BROKEN_GZIP = "BrokenGzip"
    MISSING_METADATA = "MissingMetadata"
    FILE_MISMATCH = "FileMismatch"
    TWO_MODELS = "TwoModels"
    MALFORMED_JSON = "MalformedJson"
    INVALID_CONFIG = "InvalidConfig"
    STRATEGY = "Strategy"
    INFERENCE_COMPONENTS = "InferenceComponents"
    MULTI_MODEL = "MultiModel"
    ASYNCHRONOUS = "Asynchronous"
    MARKETPLACE = "Marketplace"
    SHADOW_VARIANTS = "ShadowVariants"
    DATA_CAPTURE = "DataCapture"
    INFERENCE_PIPELINE = "InferencePipeline"
    EXPLAINER = "Explainer"
    BELOW_FLOOR = "BelowFloor"
    IMAGE_NOT_OURS = "ImageNotOurs"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_NOT_ACTIVE = "ImageNotActive"
    INVALID_EVALUATION = "InvalidEvaluation"
    EVALUATION_BELOW_FLOOR = "EvaluationBelowFloor"
    EVALUATIONS_DISAGREE = "EvaluationsDisagree"
    OTHER_COMMIT = "OtherCommit"
    UNPINNED = "Unpinned"
    MODEL_NOT_FOUND = "ModelNotFound"
    LEGACY_MODEL = "LegacyModel"
    MODEL_ENDED = "ModelEnded"
    KNOWLEDGE_NOT_FOUND = "KnowledgeNotFound"
    NO_FUNCTION = "NoFunction"
    NOT_TEXT = "NotText"
    GROUP_TAKEN = "GroupTaken"
    PARTNER_NOT_FOUND = "PartnerNotFound"
    PARTNER_NO_MODEL = "PartnerNoModel"
    PARTNER_TAKEN = "PartnerTaken"
    PARTNER_BOUND = "PartnerBound"
    INFRASTRUCTURE_UNREADABLE = "InfrastructureUnreadable"

    VAULT_CONFLICT = "VaultConflict"
    REGISTRY_REFUSED = "RegistryRefused"


IGNORED = frozenset(
    {
        Reason.NOT_INBOX,
        Reason.FOREIGN_EVENT,
        Reason.UNREADABLE_EVENT,
        Reason.FOLDER_MARKER,
        Reason.SUPERSEDED,
        Reason.NOT_NAMED,
    }
)
"""Nothing is wrong, and nothing follows."""

FAILED = frozenset({Reason.VAULT_CONFLICT, Reason.REGISTRY_REFUSED})
"""Not the pusher's fault, and no retry would help."""

CURABLE = frozenset(
    {
        Reason.VERSIONING_OFF,
        Reason.IMAGE_NOT_FOUND,
        Reason.IMAGE_NOT_ACTIVE,
        Reason.KNOWLEDGE_NOT_FOUND,
        Reason.NO_FUNCTION,
        Reason.PARTNER_NOT_FOUND,
        Reason.PARTNER_TAKEN,
        Reason.PARTNER_BOUND,
        Reason.EVALUATIONS_DISAGREE,
    }
)
"""What is missing, or stands beside it, may be another later: the same bytes, pushed again, are
judged anew."""

ADVICE = {
    Reason.NOT_INBOX: "Push under models/{group}-v{N}/ or configs/{git-sha}/.",
    Reason.FOREIGN_EVENT: "Only this account's artifact bucket is an inbox.",
    Reason.UNREADABLE_EVENT: "Only S3 `Object Created` events belong in this queue.",
    Reason.FOLDER_MARKER: "Nothing to do: folders need no marker object.",
    Reason.SUPERSEDED: "Nothing to do: a newer version of this object was pushed.",
    Reason.NOT_NAMED: "Name the file in the folder's config if it belongs to the version.",
    Reason.FOLDER_NAME: (
        "Push to models/{group}-v{N}/: a model package group name (letters, digits and single "
        "hyphens, 63 at most), then -v and a number from 1 to 999999 without leading zeros. "
        "Bedrock configurations go to configs/{git-sha}/: 7 to 64 hexadecimal digits, as git "
        "prints them."
    ),
    Reason.VERSIONING_OFF: "Switch versioning on for the bucket, then push the object again.",
    Reason.ARTIFACT_GONE: (
        "Push the object again; where its folder was claimed, to a new -v{N} or a new commit's."
    ),
    Reason.ALREADY_REGISTERED: (
        "A version folder registers once: push to a new -v{N}, or to a new commit's folder."
    ),
    Reason.EMPTY: "Push the object with its content.",
    Reason.TOO_LARGE: "Make the file smaller than the limit named.",
    Reason.NOT_GZIP: "Pack the model with `tar -czf model.tar.gz` and push it again.",
    Reason.BROKEN_GZIP: "Pack the model again, test it with `gzip -t`, and push it again.",
    Reason.MISSING_METADATA: (
        "Push model.tar.gz, or the config.json that lists model_files, again with the object "
        "metadata named."
    ),
    Reason.FILE_MISMATCH: (
        "Push the file as config.json lists it, or correct model_files and push config.json again."
    ),
    Reason.TWO_MODELS: (
        "Push config.json without model_files, and model.tar.gz is the model; or push model/ to a "
        "new -v{N} without model.tar.gz."
    ),
    Reason.MALFORMED_JSON: "Correct the file (strict JSON in UTF-8) and push it again.",
    Reason.INVALID_CONFIG: "Correct the fields named and push the file again.",
    Reason.STRATEGY: (
        "Set rollout.strategy: canary or all_at_once for instances and applications, guardrail for "
        "a serverless endpoint; then push the config again."
    ),
    Reason.INFERENCE_COMPONENTS: (
        "Serve the model from a production variant of its own endpoint: traffic cannot be split "
        "between inference components, they are invoked by name."
    ),
    Reason.MULTI_MODEL: (
        "Give each model an endpoint of its own: a multi-model container loads whatever lies "
        "under its prefix, which nobody approved."
    ),
    Reason.ASYNCHRONOUS: (
        "Use a real-time endpoint: requests that wait in a queue cannot be given back to stable."
    ),
    Reason.MARKETPLACE: (
        "Use an image in a private ECR repository of this account: a Marketplace container is "
        "neither pinned nor captured, and SageMaker updates it without a bake."
    ),
    Reason.SHADOW_VARIANTS: (
        "Remove the shadow variants: SageMaker allows them beside one production variant only, "
        "and a canary is the second."
    ),
    Reason.DATA_CAPTURE: (
        "Switch data capture off and log in the model instead: the endpoint configurations of a "
        "rollout have none, so it would stop without a word."
    ),
    Reason.INFERENCE_PIPELINE: "Build one image that does every step: a version is one container.",
    Reason.EXPLAINER: (
        "Remove the explainer: the endpoint configurations of a rollout have none, so it would "
        "stop without a word."
    ),
    Reason.BELOW_FLOOR: "Raise the value to the floor named and push the config again.",
    Reason.IMAGE_NOT_OURS: (
        "Copy the image into a private ECR repository of this account and Region, name it "
        "with a tag or a digest in image_uri, and push config.json again."
    ),
    Reason.IMAGE_NOT_FOUND: "Push the image to ECR, then push config.json again.",
    Reason.IMAGE_NOT_ACTIVE: "Restore the image in ECR, then push config.json again.",
    Reason.INVALID_EVALUATION: "Correct evaluation-results.json and push it again.",
    Reason.EVALUATION_BELOW_FLOOR: (
        "Only a model that reaches the floor is registered: evaluate a better one and push it."
    ),
    Reason.EVALUATIONS_DISAGREE: (
        "Push evaluation-results.json and model.tar.gz of one training run: label the weights with "
        "what the report says, rounded as you like, and push what was wrong again."
    ),
    Reason.OTHER_COMMIT: (
        "Write the commit that the folder is named after into prompt_template_version: a build "
        "fills it in, no commit can name itself."
    ),
    Reason.UNPINNED: (
        "Write the id of one foundation model, or of an inference profile that leads to one: what "
        "may change under its name was never evaluated."
    ),
    Reason.MODEL_NOT_FOUND: (
        "Write an id into model_id as `aws bedrock list-foundation-models` or `aws bedrock "
        "list-inference-profiles` shows it, and push the new commit's folder."
    ),
    Reason.LEGACY_MODEL: (
        "Move to a model that is ACTIVE, or say in legacy_model_reason why this one must be used: "
        "a legacy model may refuse whoever has not called it for a while."
    ),
    Reason.MODEL_ENDED: "Move to a model that is ACTIVE: this one answers nobody any more.",
    Reason.KNOWLEDGE_NOT_FOUND: (
        "Correct knowledge_base_id and data_source_id: they must exist in this account and Region."
    ),
    Reason.NO_FUNCTION: (
        "Name the function that answers for the application in the stack's ApplicationFunctions, "
        "or name an application that has one, and push the config again: the code is approved "
        "with the config."
    ),
    Reason.NOT_TEXT: "Save the file as UTF-8 and push it again: a prompt is kept byte for byte.",
    Reason.GROUP_TAKEN: (
        "Push to another group, or name another application: versions of models and of Bedrock "
        "applications do not share a model package group."
    ),
    Reason.PARTNER_NOT_FOUND: (
        "Name a release in moves_with as {group}-v{N}; where it is still to be pushed, wait until "
        "it is registered. Then push the config again."
    ),
    Reason.PARTNER_NO_MODEL: (
        "Name a release of a model in moves_with: an application moves with a model, not with "
        "another application."
    ),
    Reason.PARTNER_TAKEN: (
        "Reject the config named, wait until the model serves, or push the model as a release of "
        "its own and name that one; then push the config again."
    ),
    Reason.PARTNER_BOUND: (
        "Deploy the model to an endpoint of its own: what else stands on that endpoint must not be "
        "moved by this application."
    ),
    Reason.INFRASTRUCTURE_UNREADABLE: (
        "Call an operator: RegisterPackageRole must be allowed cloudformation:GetTemplate on its "
        "own stack. The schedule takes the folder up again by itself."
    ),
    Reason.VAULT_CONFLICT: "Call an operator: the vault holds other bytes under this name.",
    Reason.REGISTRY_REFUSED: (
        "Call an operator, or correct what is named in a new -v{N} or a new commit's folder."
    ),
}


class Refusal(Value):
    """Why one object, or one event, is not taken up."""

    reason: Reason
    detail: str

    @property
    def advice(self) -> str:
        """What whoever pushed it can change."""
        return ADVICE[self.reason]
