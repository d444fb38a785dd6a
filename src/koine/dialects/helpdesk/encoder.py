"""The event stream of this dialect (Koine's own design: G-Tateth documents no stream). Its events
are those of the webhooks, its objects those of the GET requests."""

from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from koine.dialects.helpdesk import auth, events
from koine.http import sse
from koine.http.request import Request, StreamingResponse
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.event_context import EventContext
from koine.realtime.reader import EphemeralEvent

_encode = msgspec.json.encode

routes = Routes()


class StreamEvent(Struct, frozen=True):
    """One event: `id` is the same each time that the event is sent. `data` is a conversation, a
    customer, a message with its conversation, or the `_id` of a deleted object."""

    event: str
    id: str
    timestamp: str
    data: dict[str, object] | msgspec.Raw


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody is typing, or stopped typing."""

    conversation_id: str
    user_id: str
    name: str | None
    is_typing: bool
    is_private: bool


@routes.get(
    "/api/v1/conversations/events",
    query=sse.CursorQuery,
    returns=StreamEvent,
    media=sse.MEDIA,
    needs_realtime=True,
)
async def follow(request: Request[None, sse.CursorQuery]) -> StreamingResponse:
    """Follow conversations, messages and customers by server-sent events."""
    return sse.stream_to_actor(request, HelpdeskEventEncoder(), auth.authenticate_uncounted)


class HelpdeskEventEncoder(Struct, frozen=True, cache_hash=True):
    """All readers receive the same bytes, private notes included: the stream needs the permission
    to read all conversations, so there is one view."""

    name: ClassVar[str] = "helpdesk"

    def view(self, context: EventContext, actor: Actor) -> Literal[True]:
        """The same for every reader."""
        return True

    def encode(self, context: EventContext, view: Literal[True]) -> bytes | None:
        """The event; None for one that this dialect has no name for."""
        name, data = events.event_name(context), events.event_data(context)
        if name is None or data is None:
            return None
        event = context.event
        stream_event = StreamEvent(
            name, event.id, iso_ms(event.created_at), msgspec.Raw(_encode(data))
        )
        return sse.frame(name, _encode(stream_event))

    def ephemeral_view(self, ephemeral: EphemeralEvent) -> str | None:
        """The conversation of a typing event."""
        return ephemeral.conversation_id

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: str
    ) -> bytes:
        """A typing event."""
        typing = Typing(
            view, ephemeral.identity_id, ephemeral.name, ephemeral.active, ephemeral.private
        )
        return sse.frame("typing", _encode(typing))
