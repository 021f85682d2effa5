"""The container: serves one model over a listening socket it is handed, until its parent dies.

It follows the SageMaker inference convention: `code/inference.py` in the artifact may define
`model_fn`, `input_fn`, `predict_fn` and `output_fn`; where one is missing, the inference toolkit's
default takes its place. Run as a program it is alone: isolated from the local cloud's own packages,
with the environment of the container definition. A connection carries pairs of messages: a JSON
header, then the body.
"""

import ctypes
import importlib.util
import io
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

_PR_SET_PDEATHSIG = 1
_OK, _BAD_REQUEST, _UNSUPPORTED, _FAULT = 200, 400, 415, 500
_JSON, _CSV, _NPY = "application/json", "text/csv", "application/x-npy"


class UnsupportedFormatError(ValueError):
    """No default codec reads or writes this content type."""


def main(listener_fd: int, folder: str, parent: int) -> None:
    """Load the model, then answer; a model that does not load ends the process."""
    _die_with(parent)
    listener = socket.socket(fileno=listener_fd)
    answer = _load(Path(folder))
    while True:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(accepted.detach())
        threading.Thread(target=_serve, args=(connection, answer), daemon=True).start()


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the local cloud is gone")


def _load(folder: Path) -> Callable[[dict[str, str], bytes], tuple[dict[str, Any], bytes]]:
    script = _user_script(folder)
    model = _function(script, "model_fn")(str(folder))
    input_fn = _function(script, "input_fn", _default_input)
    predict_fn = _function(script, "predict_fn", lambda data, loaded: loaded.predict(data))
    output_fn = _function(script, "output_fn", _default_output)

    def answer(header: dict[str, str], body: bytes) -> tuple[dict[str, Any], bytes]:
        content_type, accept = header["content_type"], _accepted(header["accept"])
        text = _media_type(content_type) in {_JSON, _CSV}
        try:
            data = input_fn(body.decode() if text else body, content_type)
        except Exception as error:
            return _failed(error, _status_of_bad_input(error, content_type))
        try:
            return _encoded(output_fn(predict_fn(data, model), accept), accept)
        except Exception as error:
            return _failed(error, _status_of_fault(error))

    return answer


def _user_script(folder: Path) -> ModuleType:
    code = folder / "code"
    sys.path.insert(0, str(code))
    path = code / os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
    spec = importlib.util.spec_from_file_location("inference", path)
    if spec is None or spec.loader is None or not path.is_file():
        message = f"the artifact has no code/{path.name}"
        raise FileNotFoundError(message)
    script = importlib.util.module_from_spec(spec)
    sys.modules["inference"] = script
    spec.loader.exec_module(script)
    return script


def _function(
    script: ModuleType, name: str, default: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    function = getattr(script, name, default)
    if function is None:
        message = f"inference.py must define {name}"
        raise NotImplementedError(message)
    found: Callable[..., Any] = function
    return found


def _serve(
    connection: Connection,
    answer: Callable[[dict[str, str], bytes], tuple[dict[str, Any], bytes]],
) -> None:
    try:
        while True:
            header, body = json.loads(connection.recv_bytes()), connection.recv_bytes()
            result, data = ({"status": _OK}, b"") if "ping" in header else answer(header, body)
            connection.send_bytes(json.dumps(result).encode())
            connection.send_bytes(data)
    except (EOFError, OSError):
        connection.close()


def _accepted(accept: str) -> str:
    return _JSON if accept in {"", "*/*"} else accept


def _default_input(body: Any, content_type: str) -> Any:
    import numpy as np

    media_type = _media_type(content_type)
    if media_type == _JSON:
        return np.array(json.loads(body))
    if media_type == _CSV:
        return np.genfromtxt(io.StringIO(body), delimiter=",")
    if media_type == _NPY:
        return np.load(io.BytesIO(body), allow_pickle=False)
    message = f"Content type {content_type} is not supported by this framework."
    raise UnsupportedFormatError(message)


def _default_output(prediction: Any, accept: str) -> tuple[bytes, str]:
    import numpy as np

    media_type = _media_type(accept)
    if media_type == _JSON:
        plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
        return json.dumps(plain).encode(), _JSON
    out = io.BytesIO()
    if media_type == _CSV:
        np.savetxt(out, np.atleast_1d(prediction), delimiter=",", fmt="%s")
    elif media_type == _NPY:
        np.save(out, np.asarray(prediction))
    else:
        message = f"Accept {accept} is not supported by this framework."
        raise UnsupportedFormatError(message)
    return out.getvalue(), media_type


def _encoded(output: Any, accept: str) -> tuple[dict[str, Any], bytes]:
    """`output_fn` may answer `body` alone or `(body, content_type)`."""
    data, content_type = output if isinstance(output, tuple) else (output, accept)
    raw = data if isinstance(data, bytes) else str(data).encode()
    return {"status": _OK, "content_type": content_type}, raw


def _failed(error: Exception, status: int) -> tuple[dict[str, Any], bytes]:
    traceback.print_exception(error)
    sys.stderr.flush()
    return {"status": status, "content_type": "text/plain"}, str(error).encode()


def _status_of_bad_input(error: Exception, content_type: str) -> int:
    """The client's fault, unless the code itself broke."""
    if isinstance(getattr(error, "status_code", None), int):
        return int(error.status_code)  # type: ignore[attr-defined]
    if not isinstance(error, (ValueError, TypeError, KeyError)):
        return _FAULT
    return _BAD_REQUEST if _media_type(content_type) in {_JSON, _CSV, _NPY} else _UNSUPPORTED


def _status_of_fault(error: Exception) -> int:
    return _UNSUPPORTED if isinstance(error, UnsupportedFormatError) else _FAULT


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
