"""Look at an object once, when it arrives: what S3 says of it, and whether it can be taken.

Weights are never loaded or unpacked: of `model.tar.gz` the first bytes and the metadata are read.
What is not too large to be read is hashed, in pieces; the texts of a Bedrock configuration are read
whole. None is ever changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.images import ImageNotActiveError, ImageNotFoundError
from sluice.domain.bedrock import AGENT_CONFIG, judge_agent_config, judge_evaluated, judge_text
from sluice.domain.fields import is_file_name
from sluice.domain.floors import Floors, refuse_config, refuse_evaluation
from sluice.domain.image import parse_image
from sluice.domain.inbox import (
    BEDROCK_CONFIG,
    CONFIG,
    EVALUATION,
    MODEL,
    Place,
    Upload,
)
from sluice.domain.noted import Noted
from sluice.domain.pushed import ModelConfig, evaluated_at, parse_config, parse_evaluation
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import MODEL_SAMPLE, judge_labels, judge_model, judge_target
from sluice.domain.release import System
from sluice.domain.sizes import judge_size, limit_of
from sluice.domain.vault import STREAM_LIMIT, sha256_of

if TYPE_CHECKING:
    from sluice.adapters.artifacts import Artifacts
    from sluice.adapters.images import Images
    from sluice.events.uploads import Origin
    from sluice.pinning import Pinning


@dataclass(frozen=True, slots=True)
class Inspecting:
    """What an object is found to be."""

    artifacts: Artifacts
    images: Images
    floors: Floors
    origin: Origin
    pinning: Pinning

    def inspect(self, upload: Upload, place: Place) -> Noted:
        """The object version and what it was found to be. Raises ArtifactGoneError."""
        facts = self.artifacts.facts(upload.bucket, upload.key, upload.version_id)
        noted = Noted(place=place, upload=upload, facts=facts, current=self._current(upload))
        refusal = judge_size(place, facts.size)
        if refusal:
            return noted.model_copy(update={"refusal": refusal})
        return self._hashed(self._looked_into(noted, place))

    def _looked_into(self, noted: Noted, place: Place) -> Noted:
        match place.system, place.name:
            case _, name if name == EVALUATION:
                return self._evaluation(noted, self._read(noted))
            case System.SAGEMAKER, name if name == MODEL:
                return self._model(noted)
            case System.SAGEMAKER, name if name == CONFIG:
                return self._config(noted, self._read(noted))
            case System.BEDROCK, name if name == BEDROCK_CONFIG:
                return self._bedrock_config(noted, self._read(noted))
            case System.BEDROCK, name if is_file_name(name):
                return _text(noted, self._read(noted))
            case _:
                return noted

    def _hashed(self, noted: Noted) -> Noted:
        """With the SHA-256 of the content: S3's own, or read in pieces, whatever it is."""
        upload, facts = noted.upload, noted.facts
        if noted.refusal or noted.sha256:
            return noted
        sha256 = sha256_of(facts.checksums, facts.checksum_type)
        if not sha256 and facts.size <= STREAM_LIMIT:
            sha256 = self.artifacts.sha256(upload.bucket, upload.key, upload.version_id)
        return noted.model_copy(update={"sha256": sha256})

    def _current(self, upload: Upload) -> bool:
        return not upload.sequencer and self.artifacts.is_current(
            upload.bucket, upload.key, upload.version_id
        )

    def _model(self, noted: Noted) -> Noted:
        upload = noted.upload
        first = self.artifacts.first_bytes(
            upload.bucket, upload.key, upload.version_id, count=MODEL_SAMPLE
        )
        refusal = judge_model(first, noted.facts.metadata, size=noted.facts.size)
        return noted.model_copy(update={"refusal": refusal})

    def _config(self, noted: Noted, data: bytes) -> Noted:
        config = parse_config(data)
        if isinstance(config, Refusal):
            return noted.model_copy(update={"refusal": config})
        release = noted.place.release
        refusal = refuse_config(config, self.floors) or (
            judge_target(config.endpoint_name, release) if release else None
        )
        if refusal is None and config.model_files:
            refusal = judge_labels(noted.facts.metadata, of=CONFIG)
        image = refusal or self._pinned(config)
        if isinstance(image, Refusal):
            return noted.model_copy(update={"refusal": image})
        update = {"config": config, "image": image, "sha256": _sha256(data)}
        return noted.model_copy(update=update)

    def _bedrock_config(self, noted: Noted, data: bytes) -> Noted:
        pinned = self.pinning.pin(data, commit=noted.place.commit, at=noted.upload.at)
        if isinstance(pinned, Refusal):
            return noted.model_copy(update={"refusal": pinned})
        refusal = refuse_config(pinned.config, self.floors)
        update = {"pinned": pinned, "sha256": _sha256(data), "refusal": refusal}
        return noted.model_copy(update=update)

    def _evaluation(self, noted: Noted, data: bytes) -> Noted:
        metrics = parse_evaluation(data)
        if isinstance(metrics, Refusal):
            return noted.model_copy(update={"refusal": metrics})
        refusal = refuse_evaluation(metrics, self.floors)
        if noted.place.system is System.BEDROCK:
            refusal = judge_evaluated(data, commit=noted.place.commit) or refusal
        update = {
            "metrics": metrics,
            "evaluated_at": evaluated_at(data),
            "refusal": refusal,
            "sha256": _sha256(data),
        }
        return noted.model_copy(update=update)

    def _pinned(self, config: ModelConfig) -> str | Refusal:
        """The config's image by its digest, as its tag stands now."""
        image = parse_image(
            config.image_uri, account=self.origin.account, region=self.origin.region
        )
        if isinstance(image, Refusal):
            return image
        try:
            return image.pinned(self.images.digest(image))
        except ImageNotFoundError:
            detail = f"{config.image_uri} is not in ECR"
            return Refusal(reason=Reason.IMAGE_NOT_FOUND, detail=detail)
        except ImageNotActiveError as error:
            detail = f"{config.image_uri}: {error}"
            return Refusal(reason=Reason.IMAGE_NOT_ACTIVE, detail=detail)

    def _read(self, noted: Noted) -> bytes:
        upload, limit = noted.upload, limit_of(noted.place) or 0
        return self.artifacts.read(upload.bucket, upload.key, upload.version_id, limit=limit)


def _text(noted: Noted, data: bytes) -> Noted:
    name = noted.place.name
    refusal = judge_agent_config(data) if name == AGENT_CONFIG else judge_text(name, data)
    return noted.model_copy(update={"refusal": refusal, "sha256": _sha256(data)})


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
