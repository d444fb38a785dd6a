"""What happens, as a client of this dialect follows it live (Koine's choice: OnDi documents no
stream). Objects are those of the GETs; the caller hears of what it could get."""

from typing import ClassVar

import msgspec
from msgspec import Struct

from koine.dialects.delivery import auth, schemas
from koine.dialects.delivery.conversations.render import render_conversation
from koine.dialects.delivery.conversations.schemas import Conversation
from koine.dialects.delivery.messages.render import render_message
from koine.dialects.delivery.messages.schemas import MessageItem
from koine.engine.auth import visibility
from koine.http import sse
from koine.http.request import Request, StreamingResponse
from koine.http.route import Routes
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import unread
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.realtime.reader import EphemeralEvent

_MESSAGE_EVENTS = ("message.created", "message.updated")
_NAMES = {"conversation.read": "read_status.updated"}
_encode = msgspec.json.encode

routes = Routes()


class StreamEvent(Struct, frozen=True, omit_defaults=True):
    """One event. `conversation` is as GET shows it to the caller, null once it is gone or the
    caller is out of it."""

    event: str
    id: str
    timestamp: str
    conversation_id: str
    conversation: Conversation | None
    message: MessageItem | None = None


class Typing(Struct, frozen=True):
    """Somebody writes, or stopped."""

    conversation_id: str
    user_id: str
    name: str | None
    typing: bool


class EventView(Struct, frozen=True):
    """What a reader is shown of an event. `kind` is the event's name; `listed`: its conversation
    is in the reader's lists; `message`: what was said; `latest`: the newest message;
    `unread`: how many messages the reader has not read."""

    name: str
    listed: bool = False
    message: bool = False
    latest: bool = False
    unread: int = 0


class StreamQuery(schemas.Common, frozen=True):
    """Where to begin: behind the cursor, as `Last-Event-ID` does."""

    cursor: str | None = None


@routes.get(
    "/messaging/events",
    query=StreamQuery,
    returns=StreamEvent,
    media=sse.MEDIA,
    needs_realtime=True,
    tags=("Events",),
)
async def follow(call: Request[None, StreamQuery]) -> StreamingResponse:
    """Follow conversations and messages by server-sent events (D)."""
    return sse.stream_to_actor(
        call, DeliveryEventEncoder(call.base_url), auth.authenticate_uncounted
    )


class DeliveryEventEncoder(Struct, frozen=True, cache_hash=True):
    """Who takes part is shown what is said; who sees the conversation, that it moved."""

    base_url: str
    name: ClassVar[str] = "delivery"

    def view(self, happening: EventContext, actor: Actor) -> EventView | None:
        """What the actor is shown; private notes are unknown to this dialect."""
        event, found = happening.event, happening.conversation
        if event.conversation_id is None and event.kind != "conversation.deleted":
            return None
        said = event.kind in _MESSAGE_EVENTS
        if said and (happening.message is None or happening.message.private):
            return None
        if found is None or not visibility.sees_conversation(actor, happening):
            return EventView("conversation.removed")
        message = said and visibility.reads_as_participant(actor, happening)
        me = happening.participant(actor.identity_id)
        return EventView(
            _event_name(event, message),
            listed=True,
            message=message,
            latest=visibility.reads_messages(actor, happening),
            unread=unread(found, me, sees_private=False),
        )

    def encode(self, happening: EventContext, view: EventView) -> bytes:
        """The event."""
        event, said = happening.event, happening.message if view.message else None
        told = StreamEvent(
            view.name,
            event.id,
            iso_ms(event.created_at),
            event.conversation_id or event.subject_id,
            self._conversation(happening, view) if view.listed else None,
            None if said is None else render_message(said, self.base_url),
        )
        return sse.frame(view.name, _encode(told))

    def ephemeral_view(self, whisper: EphemeralEvent) -> str | None:
        """The conversation in which somebody writes, a private note excepted."""
        return None if whisper.private else whisper.conversation_id

    def encode_ephemeral(
        self, whisper: EphemeralEvent, happening: EventContext | None, view: str
    ) -> bytes:
        """Who is writing."""
        told = Typing(view, whisper.identity_id, whisper.name, whisper.active)
        return sse.frame("typing", _encode(told))

    def _conversation(self, happening: EventContext, view: EventView) -> Conversation | None:
        found = happening.conversation
        if found is None:
            return None
        latest = happening.related.latest.get(found.id) if view.latest else None
        people, tenant_id = list(happening.participants), happening.event.tenant_id
        return render_conversation(found, tenant_id, people, latest, view.unread, self.base_url)


def _event_name(event: LoggedEvent, shows_message: bool) -> str:
    if event.kind in _MESSAGE_EVENTS and not shows_message:
        return "conversation.updated"
    if event.kind.startswith("participant."):
        return "participants.updated"
    return _NAMES.get(event.kind, event.kind)
