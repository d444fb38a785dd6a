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
async def follow(request: Request[None, schemas.EventQuery]) -> StreamingResponse:
    """Stream events as server-sent events, from `Last-Event-ID` or `cursor` on."""
    q, actor = request.query, require_reader(request)
    event_filter = await resolve_filter(request.engine, actor, q.kinds, q.conversation_id)
    return sse.event_stream(request, encoder.sse_reader(request, event_filter))


@routes.get("/v1/events/cursor", returns=schemas.Cursor, needs_realtime=True, tags=TAGS)
async def get_cursor(request: Request[None, None]) -> schemas.Cursor:
    """Get the cursor of now: get it, load everything, then stream from it."""
    require_reader(request)
    return schemas.Cursor(await request.realtime.cursor())


@routes.post(
    "/v1/conversations/{conversation_id}/typing",
    body=schemas.SetTyping,
    status=204,
    path_types={"conversation_id": "uuid"},
    idempotent=False,
    needs_realtime=True,
    tags=TAGS,
)
async def say_typing(request: Request[schemas.SetTyping, None]) -> None:
    """Send to the open streams of the conversation that the caller is typing, or stopped."""
    conversation_id = fields.path_id(request, "conversation_id")
    body = request.body
    who = await presence_access.typing_user(
        request.engine, require_writer(request), conversation_id, body.private
    )
    request.realtime.publish_ephemeral(
        encoder.typing_event(request.actor, who, conversation_id, body)
    )


@routes.get(PRESENCE, returns=schemas.OnlinePeople, needs_realtime=True, tags=TAGS)
async def list_presence(request: Request[None, None]) -> schemas.OnlinePeople:
    """List who is present: people with an open stream or socket, on any node."""
    presence_access.check(request.actor)
    there = request.realtime.presence.online(request.actor.tenant_id)
    return schemas.OnlinePeople(
        [schemas.OnlinePerson(*each) for each in sorted(there.items())], None
    )


@routes.put(
    PRESENCE, body=schemas.SetPresence, status=204, idempotent=False, needs_realtime=True, tags=TAGS
)
async def say_presence(request: Request[schemas.SetPresence, None]) -> None:
    """Set the caller, who has an open stream, to away or online."""
    request.realtime.presence.set(request.actor, request.body.availability)
