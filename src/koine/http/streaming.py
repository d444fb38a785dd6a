"""Sending an answer chunk by chunk, for as long as the client is there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from koine.http.abort import abort_connection
from koine.http.headers import RawHeaders, encode, has
from koine.http.request import Receive, Scope, Send, StreamingResponse


async def send_stream(
    scope: Scope, send: Send, receive: Receive, stream: StreamingResponse, extra: RawHeaders
) -> None:
    """Send the chunks until they end or the client goes; `chunks` is closed either way. A client
    that does not read for `write_seconds` is cut, and what waits for it dropped.

    Raises what the iterator raises: the connection is then cut, never ended as if complete.
    """
    headers = [(b"content-type", stream.media.encode("latin-1")), *encode(stream.headers), *extra]
    headers.append((b"x-content-type-options", b"nosniff"))
    if not has(headers, b"cache-control"):
        headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": stream.status, "headers": headers})
    try:
        if scope["method"] != "HEAD":
            await _until_disconnect(receive, _send_chunks(scope, send, stream))
    finally:
        close = getattr(stream.chunks, "aclose", None)
        if close is not None:
            await close()
    await send({"type": "http.response.body", "body": b""})


async def _send_chunks(scope: Scope, send: Send, stream: StreamingResponse) -> None:
    async for chunk in stream.chunks:
        try:
            async with asyncio.timeout(stream.write_seconds):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            if not abort_connection(scope):
                raise
            return


async def _until_disconnect(receive: Receive, work: Coroutine[None, None, None]) -> None:
    pump = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        pump.cancel()
        gone.cancel()
        await asyncio.wait({pump, gone})
    if not pump.cancelled():
        pump.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
