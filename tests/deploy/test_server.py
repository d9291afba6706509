"""The server below an application: whom it answers to, and for how long it waits for a client."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs uvicorn")

from tests.support.serving import exchange, request_of, serving
from tuner.commands.models import bound
from tuner.deploy.serve.hosts import answers_to

SECONDS = 0.1
LONG = b" " * 30_000_000


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers /late with a long text at once, and everything else when the body is complete."""
    if scope["type"] != "http":
        return
    while scope["path"] != "/late" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": LONG if scope["path"] == "/late" else b"answer"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that waits for a moment only."""
    with serving(app, SECONDS) as (port, _):
        yield port


def test_an_answer_in_two_writes_does_not_wait_for_an_acknowledgement() -> None:
    with bound("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"POST /predict HT",
        request_of("/predict", b"{}")[:-1],
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue",
    ],
)
def test_a_request_that_does_not_end_is_408(request_: bytes, port: int) -> None:
    assert exchange(port, request_) == b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    assert exchange(port, request_of("/", b"{}")).endswith(b"answer\r\n0\r\n\r\n")


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nx: ", request_of("/late", b"x" * 10**6)[:200]])
def test_a_slow_sender_gains_no_time(start: bytes, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        connection.sendall(start)
        ended = threading.Event()

        def dribble() -> None:
            while not ended.wait(SECONDS / 5):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        sender = threading.Thread(target=dribble)
        sender.start()
        sender.join(timeout=300)
        assert not sender.is_alive(), "the server has closed the connection"
        ended.set()


def test_an_answer_that_is_not_read_is_dropped() -> None:
    with serving(app, SECONDS) as (port, connections), socket.create_connection(("127.0.0.1", port), 300) as client:
        client.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.recv(1)
        while connections:
            time.sleep(SECONDS / 10)
        while part := client.recv(2**20):
            answer += part
    assert b"200 OK" in answer
    assert len(answer) < len(LONG)


def test_several_requests_on_one_connection_are_answered(port: int) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert exchange(port, whole * 3 + request_of("/", b"{}")).count(b"answer") == 4


@pytest.mark.parametrize(
    ("host", "origin", "is_answered"),
    [
        ("localhost:8000", None, True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("[::1]:8000", None, True),
        ("192.168.0.7", None, True),  # no name has to be looked up for it
        (f"{socket.gethostname()}:8000", None, True),
        (None, None, True),  # HTTP/1.0, as load balancers ask
        ("Models.Example.org", "https://app.example.org", True),
        ("evil.example", None, False),
        ("localhost.evil.example:8000", None, False),
        ("127.0.0.1.evil.example", None, False),
        ("[evil", None, False),
        ("", None, False),
        ("localhost:8000", "http://evil.example", False),
        ("localhost:8000", "http://192.168.0.66", False),
        ("localhost:8000", "http://localhost:3000", False),
        ("localhost:8000", "null", False),
    ],
)
def test_whom_a_server_answers_to(host: str | None, origin: str | None, is_answered: bool) -> None:
    assert answers_to(host, origin, ["*.example.org"]) is is_answered
