"""Server-sent events, typing and presence."""

from koine.dialects.native import fields
from koine.dialects.native.auth import require_reader, require_writer
from koine.dialects.native.realtime import encoder, schemas
from koine.dialects.native.realtime.filter import resolve_filter
from koine.engine.auth import presence_access
from koine.http import sse
from koine.http.request import Request, StreamingResponse
from koine.http.route import Routes

TAGS = ("Events",)
PRESENCE = "/v1/presence"

routes = Routes()


@routes.get(
    "/v1/events",
    query=schemas.EventQuery,
    returns=schemas.Event,
    media=sse.MEDIA,
    needs_realtime=True,
    tags=TAGS,
)
async def follow(call: Request[None, schemas.EventQuery]) -> StreamingResponse:
    """Stream events as server-sent events, from `Last-Event-ID` or `cursor` on."""
    q, actor = call.query, require_reader(call)
    event_filter = await resolve_filter(call.engine, actor, q.kinds, q.conversation_id)
    return sse.event_stream(call, encoder.sse_reader(call, event_filter))


@routes.get("/v1/events/cursor", returns=schemas.Cursor, needs_realtime=True, tags=TAGS)
async def get_cursor(call: Request[None, None]) -> schemas.Cursor:
    """Get the cursor of now: get it, load everything, then stream from it."""
    require_reader(call)
    return schemas.Cursor(await call.realtime.cursor())


@routes.post(
    "/v1/conversations/{conversation_id}/typing",
    body=schemas.SayTyping,
    status=204,
    path_types={"conversation_id": "uuid"},
    idempotent=False,
    needs_realtime=True,
    tags=TAGS,
)
async def say_typing(call: Request[schemas.SayTyping, None]) -> None:
    """Send to the open streams of the conversation that the caller is typing, or stopped."""
    conversation_id = fields.path_id(call, "conversation_id")
    body = call.body
    who = await presence_access.typing_user(
        call.engine, require_writer(call), conversation_id, body.private
    )
    call.realtime.publish_ephemeral(encoder.typing_event(call.actor, who, conversation_id, body))


@routes.get(PRESENCE, returns=schemas.Presence, needs_realtime=True, tags=TAGS)
async def list_presence(call: Request[None, None]) -> schemas.Presence:
    """List who is present: people with an open stream or socket, on any node."""
    presence_access.check(call.actor)
    there = call.realtime.presence.online(call.actor.tenant_id)
    return schemas.Presence([schemas.There(*each) for each in sorted(there.items())], None)


@routes.put(
    PRESENCE, body=schemas.SayPresence, status=204, idempotent=False, needs_realtime=True, tags=TAGS
)
async def say_presence(call: Request[schemas.SayPresence, None]) -> None:
    """Set the caller, who has an open stream, to away or online."""
    call.realtime.presence.set(call.actor, call.body.availability)
