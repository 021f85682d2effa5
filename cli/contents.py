"""What a version is made of, from its manifest's JSON; what that does not hold is `unknown`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNKNOWN = "unknown"
_EVALUATION = "evaluation-results.json"
_TEXTS = ("prompt_template_file", "system_prompt_file", "agent_config_file")


def made_of(manifest: dict[str, Any], copied: Mapping[str, str]) -> dict[str, Any]:
    """Everything that shapes the version and everything it came from.

    `copied` are the SHA-256 of objects that were read when they were copied, by name: manifests
    from before all objects were read tell none of scripts.
    """
    known = {**copied, **_digests(manifest)}
    config, metadata = manifest.get("config") or {}, manifest.get("metadata") or {}
    common = {
        "commit": manifest.get("commit") or UNKNOWN,
        "evaluation": {
            "scores": manifest.get("evaluation") or {},
            "sha256": known.get(_EVALUATION, UNKNOWN),
        },
        "infrastructure": manifest.get("infrastructure") or _no_infrastructure(),
    }
    if manifest.get("model"):
        return {**common, **_of_application(manifest, config, known)}
    return {
        **common,
        "training_dataset_version": manifest.get("training_dataset_version") or UNKNOWN,
        "training_date": metadata.get("training-date") or UNKNOWN,
        "base_model": metadata.get("base-model") or UNKNOWN,
        "image": manifest.get("image") or UNKNOWN,
        "environment": config.get("environment") or {},
        "instances": _instances(config),
        "scripts": [
            {**one, "sha256": known.get(one["file"], UNKNOWN)}
            for one in config.get("inference_scripts") or ()
        ],
    }


def lines(made: dict[str, Any]) -> Iterator[str]:
    """The same in words, a line for each."""
    if "model" in made:
        yield from _application_lines(made)
    else:
        yield from _model_lines(made)
    scores = made["evaluation"]["scores"].items()
    told = ", ".join(f"{name} {value}" for name, value in scores) or "no scores"
    yield f"evaluation {told}; report sha256 {made['evaluation']['sha256']}"
    by = made["infrastructure"]
    yield (
        f"captured by stack {by['stack']}, infrastructure commit {by['commit']}, "
        f"template sha256 {by['template_sha256']}"
    )


def _of_application(
    manifest: dict[str, Any], config: dict[str, Any], known: Mapping[str, str]
) -> dict[str, Any]:
    texts = [str(config[name]) for name in _TEXTS if config.get(name)]
    return {
        "model": manifest["model"],
        "base_model": manifest["model"].get("id") or UNKNOWN,
        "parameters": config.get("inference_config") or {},
        "texts": [{"file": name, "sha256": known.get(name, UNKNOWN)} for name in texts],
        "knowledge": manifest.get("knowledge"),
        "code": manifest.get("code") or UNKNOWN,
        "moves_with": manifest.get("partner"),
    }


def _model_lines(made: dict[str, Any]) -> Iterator[str]:
    yield f"trained {made['training_date']} from base model {made['base_model']}"
    yield f"image {made['image']}"
    environment = ", ".join(f"{name}={value}" for name, value in made["environment"].items())
    yield f"environment {environment or 'none'}"
    instances = ", ".join(f"{name} {value}" for name, value in made["instances"].items())
    yield f"instances: {instances}"
    for one in made["scripts"]:
        yield f"script {one['file']}, version {one['version']}, sha256 {one['sha256']}"
    if not made["scripts"]:
        yield "no pre- or post-processing scripts of its own"


def _application_lines(made: dict[str, Any]) -> Iterator[str]:
    parameters = {name: value for name, value in made["parameters"].items() if value is not None}
    told = ", ".join(f"{name} {value}" for name, value in parameters.items())
    yield f"parameters: {told or 'the model has its own'}"
    for one in made["texts"]:
        yield f"text {one['file']}, sha256 {one['sha256']}"
    code = made["code"]
    yield f"code {code if code == UNKNOWN else code.get('sha256') or UNKNOWN}"


def _instances(config: dict[str, Any]) -> dict[str, Any]:
    serverless = config.get("serverless")
    if serverless:
        return {"serverless": serverless}
    return {
        "type": config.get("instance_type") or UNKNOWN,
        "count": config.get("instance_count") or UNKNOWN,
    }


def _digests(manifest: dict[str, Any]) -> dict[str, str]:
    objects = manifest.get("objects") or ()
    return {one["name"]: one["sha256"] for one in objects if one.get("sha256")}


def _no_infrastructure() -> dict[str, str]:
    return dict.fromkeys(("stack", "stack_id", "template_sha256", "commit"), UNKNOWN)
