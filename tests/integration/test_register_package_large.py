"""An artifact of 6 GiB, its parts and the limit of what is read scaled down with it.

Real bytes go through `python -m benchmarks.large_artifact`; here every call is counted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.endpoint import Endpoint

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.parts import SMALLEST_PART, cut
from sluice.domain.registration import MODEL_SAMPLE
from tests.builders import WEIGHTS
from tests.integration.test_copying import PART, small_parts

if TYPE_CHECKING:
    from tests.integration.inbox import Inbox

__all__ = ["small_parts"]
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
SIX_GIB = 6 * 1024**3
PARTS = len(cut(SIX_GIB))
SCALED = SIX_GIB * PART // SMALLEST_PART


@pytest.mark.usefixtures("small_parts")
def test_six_gigabytes_are_copied_inside_s3_and_never_read(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.domain.vault.STREAM_LIMIT", 300)
    monkeypatch.setattr("sluice.inspecting.STREAM_LIMIT", 300)
    monkeypatch.setattr("sluice.inspecting.MODEL_SAMPLE", 64)
    model = inbox.push(MODEL, WEIGHTS + bytes(SCALED - len(WEIGHTS)))
    others = [inbox.push(CONFIG), inbox.push(EVALUATION)]
    calls, received = Counter[tuple[str, str]](), Counter[str]()
    answer = Endpoint._do_get_response  # type: ignore[attr-defined]

    def counted(endpoint: Endpoint, request: Any, operation: Any, context: Any) -> Any:
        found = answer(endpoint, request, operation, context)
        about = "model" if MODEL in request.url else "another"
        calls[operation.name, about] += 1
        if operation.name == "GetObject":
            received[about] += int(found[0][1]["ContentLength"])
        return found

    monkeypatch.setattr(Endpoint, "_do_get_response", counted)
    assert inbox.deliver(model, *others) == []

    assert set(inbox.records().values()) == {"Registered"}
    assert (PARTS, SCALED) == (96, 96 * PART)
    assert calls["CreateMultipartUpload", "model"] == 1
    assert calls["UploadPartCopy", "model"] == PARTS
    assert calls["CompleteMultipartUpload", "model"] == 1
    assert calls["GetObject", "model"] == 1
    assert received["model"] == 64  # of the sample, which is scaled down like everything
    assert MODEL_SAMPLE == 64 * 1024
    assert not [one for one in calls if one[0] in {"PutObject", "UploadPart"} and "model" in one]
