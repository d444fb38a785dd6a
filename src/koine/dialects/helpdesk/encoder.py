"""What happens, as a client of this dialect follows it live (Koine's choice: G-Tateth documents no
stream). Events are those of the webhooks, objects those of the GETs."""

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
    """One event: `id` is the same however often it is told. `data` is a conversation, a customer,
    a message with its conversation, or the `_id` of what was deleted."""

    event: str
    id: str
    timestamp: str
    data: dict[str, object] | msgspec.Raw


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody writes, or stopped."""

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
async def follow(call: Request[None, sse.CursorQuery]) -> StreamingResponse:
    """Follow conversations, messages and customers by server-sent events."""
    return sse.stream_to_actor(call, HelpdeskEventEncoder(), auth.authenticate_uncounted)


class HelpdeskEventEncoder(Struct, frozen=True, cache_hash=True):
    """Who may read conversations is shown the same, private notes included: there is one view."""

    name: ClassVar[str] = "helpdesk"

    def view(self, happening: EventContext, actor: Actor) -> Literal[True]:
        """The same for every reader."""
        return True

    def encode(self, happening: EventContext, view: Literal[True]) -> bytes | None:
        """The event in this dialect's words; None for what it has no words for."""
        name, data = events.event_name(happening), events.event_data(happening)
        if name is None or data is None:
            return None
        event, shown = happening.event, msgspec.Raw(_encode(data))
        return sse.frame(
            name, _encode(StreamEvent(name, event.id, iso_ms(event.created_at), shown))
        )

    def ephemeral_view(self, whisper: EphemeralEvent) -> str | None:
        """The conversation in which somebody writes."""
        return whisper.conversation_id

    def encode_ephemeral(
        self, whisper: EphemeralEvent, happening: EventContext | None, view: str
    ) -> bytes:
        """Who is writing."""
        told = Typing(view, whisper.identity_id, whisper.name, whisper.active, whisper.private)
        return sse.frame("typing", _encode(told))
