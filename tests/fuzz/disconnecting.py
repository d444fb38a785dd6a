"""A client that disconnects after the first event of a stream, since a stream has no end."""

import asyncio
from typing import Any


def disconnecting(app: Any) -> Any:
    """The application, with such a client."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        received = asyncio.Event()
        streams = False

        async def send_and_watch(message: Any) -> None:
            nonlocal streams
            headers = dict(message.get("headers", ()))
            streams = streams or headers.get(b"content-type", b"") == b"text/event-stream"
            await send(message)
            if streams and message.get("body"):
                received.set()

        async def receive_or_disconnect() -> Any:
            if not streams:
                return await receive()
            await received.wait()
            return {"type": "http.disconnect"}

        await app(scope, receive_or_disconnect, send_and_watch)

    return called
