"""How much a client may send."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Inner = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Answers 413 to bodies that are too long, before they are read where their length is told, as they come where not."""

    def __init__(self, app: Inner, max_body: int) -> None:
        self.app, self.max_body = app, max_body

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        body = bytearray()
        is_long, is_whole = told.isdigit() and int(told) > self.max_body, False
        while not is_long and not is_whole:
            message = await receive()
            body += message.get("body", b"")
            is_long, is_whole = len(body) > self.max_body, not message.get("more_body", False)
        if is_long:
            answer = JSONResponse({"detail": f"the body must have at most {self.max_body:,} bytes"}, 413)
            await answer(scope, receive, send)
            return
        given = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def once() -> Message:
            return next(given, None) or await receive()

        await self.app(scope, once, send)
