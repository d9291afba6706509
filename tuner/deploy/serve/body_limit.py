"""A limit on the length of a request's body, as ASGI middleware."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyLimit:
    """Answers 413 to a body of more than `max_body` bytes: before it is read if its length is declared, else while it arrives."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]], max_body: int) -> None:
        self.app, self.max_body = app, max_body

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        body = bytearray()
        is_long, is_complete = declared.isdigit() and int(declared) > self.max_body, False
        while not is_long and not is_complete:
            message = await receive()
            body += message.get("body", b"")
            is_long, is_complete = len(body) > self.max_body, not message.get("more_body", False)
        if is_long:
            answer = JSONResponse({"detail": f"the body must have at most {self.max_body:,} bytes"}, 413)
            await answer(scope, receive, send)
            return
        messages = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def receive_body() -> Message:
            return next(messages, None) or await receive()

        await self.app(scope, receive_body, send)
