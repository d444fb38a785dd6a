"""Send a response chunk by chunk, until it ends or the client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from koine.http.abort import abort_connection
from koine.http.headers import RawHeaders, encode, has
from koine.http.request import Receive, Scope, Send, StreamingResponse


async def send_stream(
    scope: Scope, send: Send, receive: Receive, stream: StreamingResponse, extra: RawHeaders
) -> None:
    """Send the chunks until they end or the client disconnects; `chunks` is closed either way. The
    connection of a client that does not read for `write_seconds` is aborted.

    Raises what the iterator raises: the server then aborts the connection, so that the client does
    not take the response for complete.
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
    sending = asyncio.create_task(work)
    disconnected = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({sending, disconnected}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        disconnected.cancel()
        await asyncio.wait({sending, disconnected})
    if not sending.cancelled():
        sending.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
