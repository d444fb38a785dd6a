"""Server-sent events: what the event streams of all dialects have in common.

A stream begins with `ready`, or with `reset` when the requested cursor is not valid any more. Each
event has the cursor behind it as its `id`; while there are none, a heartbeat is sent. The last
event is `closing`. A client that reconnects sends the last `id` as `Last-Event-ID`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.http.request import AnyRequest, StreamingResponse
from koine.model.actor import Actor
from koine.model.errors import Unavailable
from koine.realtime.reader import ActorEncoder, ActorReader, Reader
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Batch, Closed

MEDIA = "text/event-stream"
RETRY_MS = 2_000
HEARTBEAT_SECONDS = 20.0
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


class CursorQuery(Struct, frozen=True, kw_only=True):
    """The cursor to continue behind, for clients that cannot send `Last-Event-ID`."""

    cursor: str | None = None


def frame(kind: str, data: bytes) -> bytes:
    """The bytes of one event, without its id. `data` is JSON without line breaks."""
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def event_stream(request: AnyRequest, reader: Reader) -> StreamingResponse:
    """The response of a stream's route: the reader's events behind the requested cursor, or from
    now on.

    Raises Unavailable in a process without realtime or about to stop, and TooMany when the address
    or the caller has too many streams.
    """
    realtime = request.realtime
    if realtime.shutdown_signal.started:
        raise Unavailable()
    request.take_address_slot()
    request.take_credential_slot(reader.actor)
    chunks = _chunks(realtime, reader, requested_cursor(request))
    write_seconds = request.engine.settings.stream_write_seconds
    return StreamingResponse(chunks, MEDIA, headers=HEADERS, write_seconds=write_seconds)


def stream_to_actor(
    request: AnyRequest,
    encoder: ActorEncoder,
    authenticate: Callable[[AnyRequest], Awaitable[Actor]],
) -> StreamingResponse:
    """As `event_stream`, for the caller and in one dialect's encoding. `authenticate` must not
    count against rate limits: it runs again while the stream is open."""

    async def reauthenticate() -> Actor:
        return await authenticate(request)

    return event_stream(request, ActorReader(encoder, request.actor, reauthenticate))


def requested_cursor(request: AnyRequest) -> str | None:
    """The cursor that the client sent: `Last-Event-ID`, or `cursor` in the query."""
    return request.headers.get("Last-Event-ID") or request.params.get("cursor") or None


async def _chunks(realtime: Realtime, reader: Reader, cursor: str | None) -> AsyncIterator[bytes]:
    subscriber = await realtime.connect(reader, cursor)
    try:
        yield _ready(subscriber.cursor)
        while True:
            batch = await subscriber.read(HEARTBEAT_SECONDS)
            yield _chunk(batch, subscriber.cursor)
    except Closed as closed:
        retry = (
            realtime.shutdown_signal.retry_after_ms() if closed.reason == "draining" else RETRY_MS
        )
        yield _closing(closed.reason, closed.cursor, retry)
    except Unavailable:
        yield _closing("unavailable", subscriber.cursor, RETRY_MS)
    finally:
        realtime.disconnect(subscriber)


def _ready(cursor: str) -> bytes:
    data = msgspec.json.encode({"cursor": cursor})
    return b"retry: %d\nid: %s\n" % (RETRY_MS, cursor.encode()) + frame("ready", data)


def _chunk(batch: Batch, cursor: str) -> bytes:
    if batch.reset is not None:
        data = msgspec.json.encode({"reason": batch.reset, "cursor": cursor})
        return b"id: %s\n" % cursor.encode() + frame("reset", data)
    if not batch.frames:
        # A heartbeat has an id, too: the cursor of an idle client stays within what is kept.
        return b": beat\nid: %s\n\n" % cursor.encode()
    return b"".join(
        b"id: " + behind.encode() + b"\n" + each if behind else each
        for behind, each in batch.frames
    )


def _closing(reason: str, cursor: str, retry_ms: int) -> bytes:
    data = msgspec.json.encode({"reason": reason, "cursor": cursor, "retry_ms": retry_ms})
    return b"retry: %d\n" % retry_ms + frame("closing", data)
