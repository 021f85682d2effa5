"""The measured process: what Lambda does on a cold start, and nothing else.

    python -S -P cold_process.py count|time LAYER FUNCTION < EVENT

`count` is for a process whose instructions are counted. It leaves a copy of itself that ends where
init ends, so one run counts both, and it ends without taking down what Lambda never takes down.
`time` reports, as its last line, what it took, what the function returned, and where every module
came from.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """As much of Lambda's context as Powertools reads."""

    function_name = "benchmark"
    function_version = "$LATEST"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"
    log_group_name = "/aws/lambda/benchmark"
    log_stream_name = "2026/05/03/[$LATEST]benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """What Lambda says right at the start, to the function that may take the longest."""
        return 900_000


def main(mode: str, layer: str, function: str) -> None:
    """Init, then the event."""
    sys.path[:0] = [function, layer]  # Lambda's order: the task's folder, then /opt/python
    import app  # type: ignore[import-not-found]  # noqa: PLC0415 - this import is what is measured

    init_seconds = time.process_time()
    if mode == "count" and os.fork() == 0:
        os._exit(0)
    returned = app.lambda_handler(json.loads(sys.stdin.read()), Context())
    if mode == "time":
        report(init_seconds, time.process_time(), returned)
    sys.stdout.flush()
    os._exit(0)


def report(init_seconds: float, seconds: float, returned: Any) -> None:
    """One line of JSON."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    said = {
        "init_seconds": init_seconds,
        "seconds": seconds,
        "peak_rss_bytes": peak_rss_bytes(),
        "returned": returned,
        "files": [file for file in files if file],
    }
    print(json.dumps(said))  # noqa: T201 - read by the benchmark


def peak_rss_bytes() -> int:
    """The high-water mark of this program alone.

    `getrusage` would answer with the larger of ours and that of the process that started us: the
    kernel carries it over from before `exec`.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
