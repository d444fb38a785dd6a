import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from koine.http.request import StreamingResponse
from koine.http.streaming import send_stream
from tests.http.example_dialect import client

GET = {"method": "GET"}


async def test_chunks_are_sent_in_order() -> None:
    response = await client().get("/tiny/stream")
    assert response.text == "one two"
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-request-id"]


async def test_a_stream_is_closed_when_the_client_disconnects() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            closed.set()

    await asyncio.wait_for(
        send_stream(GET, _send, _gone, StreamingResponse(endless(), "x/y"), []), 5
    )
    assert closed.is_set()


async def test_a_stream_that_fails_is_never_ended_as_if_complete() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await send_stream(GET, _send, _stays, StreamingResponse(broken(), "x/y"), [])


async def _send(message: Any) -> None:
    await asyncio.sleep(0)


async def _gone() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _stays() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError
