"""The event stream of this dialect (Koine's own design: OnDi documents no stream). Its objects are
those of the GET requests, and a client receives no event of what it could not get by one."""

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
    """One event. `conversation` is what GET returns to the caller; null after it was deleted or the
    caller has left it."""

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
    """The part of a reader's rights that the bytes of an event depend on. `name` is the event's
    name. `listed`: the conversation is in the reader's lists. `message`: the event contains the
    message. `latest`: the conversation contains its newest message. `unread`: its count."""

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
async def follow(request: Request[None, StreamQuery]) -> StreamingResponse:
    """Follow conversations and messages by server-sent events (D)."""
    return sse.stream_to_actor(
        request, DeliveryEventEncoder(request.base_url), auth.authenticate_uncounted
    )


class DeliveryEventEncoder(Struct, frozen=True, cache_hash=True):
    """Participants receive the messages. A reader who sees the conversation without taking part
    receives `conversation.updated` instead."""

    base_url: str
    name: ClassVar[str] = "delivery"

    def view(self, context: EventContext, actor: Actor) -> EventView | None:
        """The actor's view; None for private notes, which this dialect lacks, and for events of no
        conversation."""
        event, conversation = context.event, context.conversation
        if event.conversation_id is None and event.kind != "conversation.deleted":
            return None
        of_message = event.kind in _MESSAGE_EVENTS
        if of_message and (context.message is None or context.message.private):
            return None
        if conversation is None or not visibility.sees_conversation(actor, context):
            return EventView("conversation.removed")
        message = of_message and visibility.reads_as_participant(actor, context)
        participant = context.participant(actor.identity_id)
        return EventView(
            _event_name(event, message),
            listed=True,
            message=message,
            latest=visibility.reads_messages(actor, context),
            unread=unread(conversation, participant, sees_private=False),
        )

    def encode(self, context: EventContext, view: EventView) -> bytes:
        """The event, with as much as the view allows."""
        event, message = context.event, context.message if view.message else None
        stream_event = StreamEvent(
            view.name,
            event.id,
            iso_ms(event.created_at),
            event.conversation_id or event.subject_id,
            self._conversation(context, view) if view.listed else None,
            None if message is None else render_message(message, self.base_url),
        )
        return sse.frame(view.name, _encode(stream_event))

    def ephemeral_view(self, ephemeral: EphemeralEvent) -> str | None:
        """The conversation of a typing event; None while the user types a private note."""
        return None if ephemeral.private else ephemeral.conversation_id

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: str
    ) -> bytes:
        """A typing event."""
        typing = Typing(view, ephemeral.identity_id, ephemeral.name, ephemeral.active)
        return sse.frame("typing", _encode(typing))

    def _conversation(self, context: EventContext, view: EventView) -> Conversation | None:
        conversation = context.conversation
        if conversation is None:
            return None
        latest = context.related.latest.get(conversation.id) if view.latest else None
        people, tenant_id = list(context.participants), context.event.tenant_id
        return render_conversation(
            conversation, tenant_id, people, latest, view.unread, self.base_url
        )


def _event_name(event: LoggedEvent, shows_message: bool) -> str:
    if event.kind in _MESSAGE_EVENTS and not shows_message:
        return "conversation.updated"
    if event.kind.startswith("participant."):
        return "participants.updated"
    return _NAMES.get(event.kind, event.kind)
