"""What happens, as a client of this dialect follows it live (Koine's choice: Zaia documents no
stream). `data` is what the GETs of this dialect show."""

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
    """One event. `chat` is null once it is deleted; `chatMessage` is what was said."""

    event: str
    id: str
    created_at: str
    chat_id: str
    chat: Chat | None
    chat_message: ChatMessage | None


class Typing(Struct, frozen=True, rename="camel"):
    """Somebody writes, or stopped."""

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
async def follow(call: Request[None, sse.CursorQuery]) -> StreamingResponse:
    """From now on, or from behind the cursor that `Last-Event-ID` or `cursor` shows."""
    return sse.stream_to_actor(call, ChatsEventEncoder(call.base_url), auth.authenticate_uncounted)


class ChatsEventEncoder(Struct, frozen=True, cache_hash=True):
    """Every key of a workspace is shown the same: the view is the event's name here."""

    base_url: str
    name: ClassVar[str] = "chats"

    def view(self, happening: EventContext, actor: Actor) -> str | None:
        """The event's name; private notes are unknown to this dialect."""
        kind, found, message = happening.event.kind, happening.conversation, happening.message
        if kind in _MESSAGE_EVENTS and (message is None or message.private):
            return None
        if kind == "conversation.deleted":
            return "chat.deleted"
        if found is None or kind == "conversation.read":
            return None
        if kind == "conversation.created":
            return "chat.created"
        return _MESSAGE_EVENTS.get(kind, "chat.updated")

    def encode(self, happening: EventContext, view: str) -> bytes:
        """The event under this name."""
        event, found = happening.event, happening.conversation
        said, shown = happening.message, None
        if found is not None and said is not None:
            shown = render_message(said, owner_id(found), self.base_url)
        told = StreamEvent(
            view,
            event.id,
            iso_ms(event.created_at),
            event.conversation_id or event.subject_id,
            None if found is None else render_chat(found, event.tenant_id),
            shown,
        )
        return sse.frame(view, _encode(told))

    def ephemeral_view(self, whisper: EphemeralEvent) -> str | None:
        """The conversation in which somebody writes, a private note excepted."""
        return None if whisper.private else whisper.conversation_id

    def encode_ephemeral(
        self, whisper: EphemeralEvent, happening: EventContext | None, view: str
    ) -> bytes:
        """Who is writing."""
        return sse.frame("typing", _encode(Typing(view, whisper.identity_id, whisper.active)))
