"""A served application, and requests to it as bytes."""

import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from tuner.commands.models import bound
from tuner.deploy.serve.server import make_server


@contextmanager
def serving(app: Any, seconds: float = 5.0) -> Iterator[tuple[int, Collection[Any]]]:
    """The port of a server with this limit of time, in a thread, and its open connections."""
    server = make_server(app, seconds)
    with bound("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1], server.server_state.connections
        finally:
            server.should_exit = True
            thread.join()


def exchange(port: int, request: bytes) -> bytes:
    """Everything that the server sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65_536):
                answer += part
        except ConnectionError:  # closed while it was not read to the end
            pass
        return answer


def request_of(path: str, body: bytes, kind: str = "application/json", method: str = "POST") -> bytes:
    """A whole request whose answer ends the connection."""
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Type: {kind}")
    return "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body
