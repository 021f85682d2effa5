"""The Lambda Runtime API for one environment, spoken by the thread that invokes.

The runtime interface client asks for one invocation at a time and answers it, so no server thread
is needed: whoever invokes reads the client's requests from its socket. Between invocations a
request for the next one waits unread.
"""

import selectors
import socket
import time
from dataclasses import dataclass

import h11

_LONGEST_HEADERS = 4 * 1024 * 1024  # the X-Ray cause of an error travels in a header of up to 1 MB
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the runtime interface client, whole."""

    method: str
    path: str
    body: bytes
    connection: "Connection"


class ProcessEndedError(Exception):
    """The environment's process is gone."""


class DeadlineError(Exception):
    """The environment did not ask or answer in time."""


class Connection:
    """One HTTP connection of the runtime interface client."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._http = self._fresh()
        self._method, self._path, self._body = "", "", b""

    @staticmethod
    def _fresh() -> h11.Connection:
        return h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEADERS)

    def read(self) -> Request | None:
        """Take what has arrived; return the request once whole. Raises EOFError at the end."""
        data = self.peer.recv(_CHUNK)
        self._http.receive_data(data)
        while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            match event:
                case h11.Request():
                    self._method, self._path = event.method.decode(), event.target.decode()
                    self._body = b""
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    return Request(self._method, self._path, self._body, self)
                case _:
                    raise EOFError
        return None

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answer the request just read and get ready for the next on this connection."""
        fields = [*headers.items(), ("Content-Length", str(len(body)))]
        out = self._http.send(h11.Response(status_code=status, headers=fields)) or b""
        out += self._http.send(h11.Data(data=body)) or b""
        out += self._http.send(h11.EndOfMessage()) or b""
        self.peer.sendall(out)
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()


class RuntimeApi:
    """Where one runtime interface client asks for work; `lifeline` ends when its process does."""

    def __init__(self, lifeline: socket.socket) -> None:
        self._lifeline = lifeline
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[Connection] = []

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def next_request(self, deadline: float) -> Request:
        """Wait for the client's next request, until `deadline` on the monotonic clock.

        Raises DeadlineError, or ProcessEndedError once the process is gone and all it said is read.
        """
        while True:
            ready = self._ready(deadline)
            if self._listener in ready:
                self._connections.append(Connection(self._listener.accept()[0]))
            request = self._read(ready)
            if request is not None:
                return request
            if ready == {self._lifeline}:
                raise ProcessEndedError

    def close(self) -> None:
        """Close every socket."""
        for connection in self._connections:
            connection.peer.close()
        self._listener.close()

    def _ready(self, deadline: float) -> set[socket.socket]:
        peers = [connection.peer for connection in self._connections]
        left = max(0.0, deadline - time.monotonic())
        with selectors.PollSelector() as waiting:  # select() knows no descriptor above 1023
            for one in (self._lifeline, self._listener, *peers):
                waiting.register(one, selectors.EVENT_READ)
            found = waiting.select(left)
        ready = {key.fileobj for key, _ in found if isinstance(key.fileobj, socket.socket)}
        if not ready:
            raise DeadlineError
        return ready

    def _read(self, ready: set[socket.socket]) -> Request | None:
        for connection in [c for c in self._connections if c.peer in ready]:
            try:
                request = connection.read()
            except (EOFError, OSError, h11.RemoteProtocolError):
                self._connections.remove(connection)
                connection.peer.close()
                continue
            if request is not None:
                return request
        return None
