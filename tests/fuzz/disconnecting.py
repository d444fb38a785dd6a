"""A caller who hears the first words of a stream and hangs up: it has no end of its own."""

import asyncio
from typing import Any


def hanging_up(app: Any) -> Any:
    """The application, called by one who does."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        heard = asyncio.Event()
        streams = False

        async def listen(message: Any) -> None:
            nonlocal streams
            headers = dict(message.get("headers", ()))
            streams = streams or headers.get(b"content-type", b"") == b"text/event-stream"
            await send(message)
            if streams and message.get("body"):
                heard.set()

        async def speak() -> Any:
            if not streams:
                return await receive()
            await heard.wait()
            return {"type": "http.disconnect"}

        await app(scope, speak, listen)

    return called
