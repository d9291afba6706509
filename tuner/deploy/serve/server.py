"""The server of an application: how many connections it holds, and for how long it waits for a client."""

import asyncio
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 30.0
CONNECTIONS = 500
"""Below the 1,024 open files that a process has by default."""

TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def make_server(app: Any, seconds: float = REQUEST_SECONDS) -> uvicorn.Server:
    """A server for this application. A connection is closed where a request is not complete, or an answer is not read, within
    `seconds`. Requests on more than `CONNECTIONS` get 503."""
    http, ending = partial(TimedConnection, seconds=seconds), {"timeout_graceful_shutdown": 5}
    return uvicorn.Server(uvicorn.Config(app, http=http, ws="none", limit_concurrency=CONNECTIONS, **ending))


class TimedConnection(H11Protocol):
    """A connection with a limit of time from its beginning, or the end of an answer, to the end of the next request. Uvicorn has
    one for silent connections only."""

    def __init__(self, *arguments: Any, seconds: float, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.seconds = seconds

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self.limit = self.loop.call_later(self.seconds, self._end)

    def handle_events(self) -> None:
        """Wait no longer where a request is complete."""
        super().handle_events()
        if self.cycle and not (self.cycle.more_body or self.cycle.response_complete):
            self.limit.cancel()

    def on_response_complete(self) -> None:
        """Wait for the answer to be read, and for the next request."""
        self.limit.cancel()
        self.limit = self.loop.call_later(self.seconds, self._end)
        super().on_response_complete()

    def _end(self) -> None:
        if self.transport.is_closing() or (self.cycle and self.cycle.response_started):
            self.transport.abort()  # drops an answer that is not read
        else:
            self.transport.write(TIMED_OUT)
            self.transport.close()
