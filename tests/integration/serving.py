"""An endpoint that serves what was captured and approved, until somebody changes something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.__main__ import main
from sluice.adapters.ledger.releases import Releases
from sluice.domain.making import container
from sluice.domain.manifest import Manifest, parse_manifest
from tests.builders import BUCKET, a_state
from tests.integration.captured import Captured
from tests.integration.conftest import TABLE
from tests.integration.rollouts import ROLE

if TYPE_CHECKING:
    import pytest

    from sluice.domain.rollout import Deployed
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import World

ASKED = ["--table", TABLE, "--serving-role", ROLE]


class Serving:
    """Version 1 of `churn` serves its endpoint, as it was captured and approved."""

    def __init__(
        self, world: World, inbox: Inbox, capsys: pytest.CaptureFixture[str], **changes: Any
    ) -> None:
        self.world, self.aws, self._capsys = world, world.aws, capsys
        self.captured = Captured(world, inbox, environment={"LEVEL": "1"}, **changes)

        def serve() -> Deployed:
            live = self.deployed(1)
            self.runs(live)
            world.given(a_state(live=live, last_good=(live,)))
            return live

        self.live = inbox.begin(serve)
        capsys.readouterr()

    def deployed(self, version: int, *, epoch: int = 1) -> Deployed:
        update = {"manifest_uri": self.captured.release(version).manifest_uri}
        return self.captured.deployed(version, epoch=epoch).model_copy(update=update)

    def manifest(self, deployed: Deployed) -> Manifest:
        captured = Releases(self.world.table).captured(deployed.release)
        return parse_manifest(captured.manifest, digest=deployed.digest)

    def runs(self, deployed: Deployed, **changes: Any) -> None:
        """The model behind the release's variant is made as a rollout makes it, or otherwise."""
        sagemaker, manifest = self.aws("sagemaker"), self.manifest(deployed)
        if deployed.model in {one["ModelName"] for one in sagemaker.list_models()["Models"]}:
            sagemaker.delete_model(ModelName=deployed.model)
        made = container(manifest, deployed.digest)
        role = changes.pop("role", ROLE)
        sagemaker.create_model(
            ModelName=deployed.model,
            PrimaryContainer={**made, **changes},
            ExecutionRoleArn=role,
        )

    def key(self, name: str) -> str:
        folder = self.live.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
        return f"{folder}/{name}"

    def edits(self, pk: str, sk: str, name: str, value: Any) -> None:
        """Somebody with write access to the ledger changes a row."""
        self.aws("dynamodb").update_item(
            TableName=TABLE,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": value},
        )

    def found(self, *, code: int) -> list[tuple[str, str]]:
        """Severity and name of each finding."""
        answer = self.answer(code=code)
        assert answer["as_approved"] is (code == 0)
        (target,) = answer["targets"]
        return [(one["severity"], one["what"]) for one in target["findings"]]

    def answer(self, *options: str, code: int) -> Any:
        self._capsys.readouterr()
        assert main(["verify", "churn", "--json", *ASKED, *options]) == code
        return json.loads(self._capsys.readouterr().out)
