"""Server-sent events over a seat: what every dialect's stream has in common.

A stream begins with `ready` (or `reset`, when the cursor shown is worth nothing), tells events
with the cursor behind each as their `id`, says a beat when there is nothing to say, and ends with
`closing`. A reader that comes back shows the last `id` it saw, as `Last-Event-ID`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.http.request import AnyRequest, StreamingResponse
from koine.model.actor import Actor
from koine.model.errors import Unavailable
from koine.realtime.reader import ActorEncoder, ActorReader, Reader
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Batch, Closed, Subscriber

MEDIA = "text/event-stream"
RETRY_MS = 2_000
HEARTBEAT_SECONDS = 20.0
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


class CursorQuery(Struct, frozen=True, kw_only=True):
    """Where to begin: behind the cursor, as `Last-Event-ID` does."""

    cursor: str | None = None


def frame(kind: str, data: bytes) -> bytes:
    """One event as the stream shows it, but for its id. `data` is JSON without line breaks."""
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def event_stream(call: AnyRequest, reader: Reader) -> StreamingResponse:
    """The answer of a stream's route: events for this voice from the cursor shown, else from now.

    Raises Unavailable when this process tells no events, or is about to end; TooMany when the
    address or the caller has as many streams as it may.
    """
    relay = call.realtime
    if relay.draining.started:
        raise Unavailable()
    call.take_address_slot()
    call.take_credential_slot(reader.actor)
    told = _chunks(relay, reader, requested_cursor(call))
    write_seconds = call.engine.settings.stream_write_seconds
    return StreamingResponse(told, MEDIA, headers=HEADERS, write_seconds=write_seconds)


def stream_to_actor(
    call: AnyRequest, encoder: ActorEncoder, known: Callable[[AnyRequest], Awaitable[Actor]]
) -> StreamingResponse:
    """As `stream`, for the caller in one dialect's encoding. `known` is the dialect's answer to
    who calls, without counting the question; it is asked again while the stream lasts."""

    async def ask() -> Actor:
        return await known(call)

    return event_stream(call, ActorReader(encoder, call.actor, ask))


def requested_cursor(call: AnyRequest) -> str | None:
    """The cursor the caller shows: `Last-Event-ID`, or `cursor` in the query."""
    return call.headers.get("Last-Event-ID") or call.params.get("cursor") or None


async def _chunks(relay: Realtime, voice: Reader, cursor: str | None) -> AsyncIterator[bytes]:
    seat = await relay.connect(voice, cursor)
    try:
        yield _ready(seat)
        while True:
            yield _chunk(seat, await seat.read(HEARTBEAT_SECONDS))
    except Closed as closed:
        retry = relay.draining.retry_after_ms() if closed.reason == "draining" else RETRY_MS
        yield _closing(closed.reason, closed.cursor, retry)
    except Unavailable:
        yield _closing("unavailable", seat.cursor, RETRY_MS)
    finally:
        relay.disconnect(seat)


def _ready(seat: Subscriber) -> bytes:
    told = msgspec.json.encode({"cursor": seat.cursor})
    return b"retry: %d\nid: %s\n" % (RETRY_MS, seat.cursor.encode()) + frame("ready", told)


def _chunk(seat: Subscriber, told: Batch) -> bytes:
    if told.reset is not None:
        data = msgspec.json.encode({"reason": told.reset, "cursor": seat.cursor})
        return b"id: %s\n" % seat.cursor.encode() + frame("reset", data)
    if not told.frames:
        # The id goes on without an event: who was idle for long still has a cursor that is kept.
        return b": beat\nid: %s\n\n" % seat.cursor.encode()
    return b"".join(
        b"id: " + cursor.encode() + b"\n" + each if cursor else each for cursor, each in told.frames
    )


def _closing(reason: str, cursor: str, retry_ms: int) -> bytes:
    told = msgspec.json.encode({"reason": reason, "cursor": cursor, "retry_ms": retry_ms})
    return b"retry: %d\n" % retry_ms + frame("closing", told)
