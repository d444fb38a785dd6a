"""The event stream of this dialect (Koine's own design: Zaia documents no stream). The chats and
messages in `data` are those of the GET requests."""

from typing import ClassVar

import msgspec
from msgspec import Struct

from koine.dialects.chats import auth
from koine.dialects.chats.chats.render import owner_id, render_chat
from koine.dialects.chats.chats.schemas import Chat
from koine.dialects.chats.messages.render import render_message
from koine.dialects.chats.messages.schemas import ChatMessage
from koine.http import sse
from koine.http.request import Request, StreamingResponse
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.event_context import EventContext
from koine.realtime.reader import EphemeralEvent

_MESSAGE_EVENTS = {
    "message.created": "chat-message.created",
    "message.updated": "chat-message.updated",
}
_encode = msgspec.json.encode

routes = Routes()


class StreamEvent(Struct, frozen=True, rename="camel"):
    """One event. `chat` is null after it was deleted; `chatMessage` is the message of an
    event about one."""

    event: str
    id: str
    created_at: str
    chat_id: str
    chat: Chat | None
    chat_message: ChatMessage | None


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody is typing, or stopped typing."""

    chat_id: str
    sender_id: str
    is_typing: bool


@routes.get(
    "/api/v1/chats/events",
    query=sse.CursorQuery,
    returns=StreamEvent,
    media=sse.MEDIA,
    needs_realtime=True,
    summary="Follow chats and their messages by server-sent events",
)
async def follow(request: Request[None, sse.CursorQuery]) -> StreamingResponse:
    """Events from now on, or those after the cursor in `Last-Event-ID` or `cursor`."""
    return sse.stream_to_actor(
        request, ChatsEventEncoder(request.base_url), auth.authenticate_uncounted
    )


class ChatsEventEncoder(Struct, frozen=True, cache_hash=True):
    """All keys of a workspace receive the same bytes: the view is only the event's name."""

    base_url: str
    name: ClassVar[str] = "chats"

    def view(self, context: EventContext, actor: Actor) -> str | None:
        """The event's name; None for private notes and read marks, which this dialect lacks."""
        kind, conversation, message = context.event.kind, context.conversation, context.message
        if kind in _MESSAGE_EVENTS and (message is None or message.private):
            return None
        if kind == "conversation.deleted":
            return "chat.deleted"
        if conversation is None or kind == "conversation.read":
            return None
        if kind == "conversation.created":
            return "chat.created"
        return _MESSAGE_EVENTS.get(kind, "chat.updated")

    def encode(self, context: EventContext, view: str) -> bytes:
        """The event, named by its view."""
        event, conversation, message = context.event, context.conversation, context.message
        chat_message = None
        if conversation is not None and message is not None:
            chat_message = render_message(message, owner_id(conversation), self.base_url)
        stream_event = StreamEvent(
            view,
            event.id,
            iso_ms(event.created_at),
            event.conversation_id or event.subject_id,
            None if conversation is None else render_chat(conversation, event.tenant_id),
            chat_message,
        )
        return sse.frame(view, _encode(stream_event))

    def ephemeral_view(self, ephemeral: EphemeralEvent) -> str | None:
        """The conversation of a typing event; None while the user types a private note."""
        return None if ephemeral.private else ephemeral.conversation_id

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: str
    ) -> bytes:
        """A typing event."""
        return sse.frame("typing", _encode(Typing(view, ephemeral.identity_id, ephemeral.active)))
