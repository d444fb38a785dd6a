"""What an event holds for those who follow: what it is about, as GET shows it now. Pure.

`view` is of one reader; `data` is made of a view, and the same for all readers who have it.
"""

from msgspec import UNSET, Struct

from koine.dialects.native.contacts.render import render_contact
from koine.dialects.native.conversations import schemas as conversation_schemas
from koine.dialects.native.conversations.render import (
    ConversationView,
    render_conversation_for_view,
)
from koine.dialects.native.deliveries.render import render_delivery
from koine.dialects.native.inboxes.render import render_inbox
from koine.dialects.native.messages.render import render_message
from koine.dialects.native.participants.render import render_participant
from koine.dialects.native.realtime import schemas as wire
from koine.dialects.native.responders.render import render_responder, render_version
from koine.dialects.native.tenant.render import render_tenant
from koine.dialects.native.tickets.render import render_ticket
from koine.dialects.native.users.render import render_user
from koine.engine.auth import access, visibility
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import Conversation, unread
from koine.model.delivery import Delivery
from koine.model.display_name import display_name
from koine.model.event_context import EventContext
from koine.model.identity import RESPONDER_KINDS, Identity
from koine.model.inbox import Inbox
from koine.model.tenant import Tenant
from koine.model.ticket import Ticket

_CONVERSATION_ENTITIES = frozenset({"conversation", "participant", "message"})
CONVERSATION_REMOVED = "conversation.removed"
DELIVERY_REMOVED = "delivery.removed"


class EventView(Struct, frozen=True):
    """What a reader is shown of an event. `kind` is the event's type; `conversation`: what of the
    conversation, None where there is none; `person`: all of the person, not the card alone;
    `settings`: how the tenant is set up, and what opens its inboxes."""

    kind: str
    conversation: ConversationView | None = None
    person: bool = False
    settings: bool = False


def event_view(context: EventContext, kind: str, actor: Actor) -> EventView:
    """What the actor is shown of an event, whose `kind` is of this actor, too."""
    found, noun = context.conversation, context.subject
    conversation = None if found is None else _conversation_view(context, found, actor)
    if noun is None:
        return EventView(kind, conversation)
    if isinstance(noun, Identity):
        return EventView(kind, conversation, person=visibility.sees_person(actor, noun.id))
    if isinstance(noun, Inbox | Tenant):
        return EventView(kind, conversation, settings=access.sees_settings(actor))
    return EventView(kind, conversation)


def render_event(context: EventContext, view: EventView, base_url: str) -> wire.Event | None:
    """The event as readers with this view are shown it; None when nothing is left to show."""
    held = render_data(context, view, base_url)
    if held is None:
        return None
    told = context.event
    return wire.Event(
        id=told.id,
        type=view.kind,
        created_at=iso_ms(told.created_at),
        conversation_id=told.conversation_id or _deleted_id(context),
        seq=told.seq,
        data=held,
    )


def event_kind(context: EventContext, actor: Actor) -> str:
    """The event's type: that of the log, but what is out of the actor's lists is `removed`."""
    told = context.event.kind
    if told.partition(".")[0] in _CONVERSATION_ENTITIES and context.conversation is not None:
        return told if visibility.sees_conversation(actor, context) else CONVERSATION_REMOVED
    noun = context.subject
    if isinstance(noun, Inbox) and noun.removed_at is not None:
        return "inbox.removed"
    if isinstance(noun, Delivery) and not visibility.sees_delivery(actor, noun):
        return DELIVERY_REMOVED
    return told


def render_data(context: EventContext, view: EventView, base_url: str) -> wire.EventData | None:
    """What the event holds, for readers with this view; None when it is there no more."""
    told = context.event
    match told.kind.partition(".")[0]:
        case "conversation" | "participant" | "message":
            return _conversation_data(context, view, base_url)
        case "credential":
            return wire.EventData(subject_id=told.subject_id)
    match context.subject:
        case Identity() as person if told.kind == "responder.versioned":
            version = context.version
            return wire.EventData(
                responder=render_responder(person),
                version=render_version(version) if version else UNSET,
            )
        case Identity() as person:
            return _person_data(context, person, view.person)
        case Inbox() as inbox if inbox.removed_at is not None:
            return wire.EventData(inbox_id=inbox.id)
        case Inbox() as inbox:
            return wire.EventData(inbox=render_inbox(inbox, view.settings))
        case Delivery() as delivery if view.kind == DELIVERY_REMOVED:
            return wire.EventData(delivery_id=delivery.id)
        case Delivery() as delivery:
            return wire.EventData(delivery=render_delivery(delivery))
        case Tenant() as tenant:
            return wire.EventData(tenant=render_tenant(tenant, view.settings))
        case Ticket() as ticket:
            found = context.conversation
            there = found is not None and found.removed_at is None
            return wire.EventData(
                ticket=render_ticket(ticket),
                conversation=_render_conversation(context, found, view)
                if found and there
                else UNSET,
            )
        case None:
            return None


def _conversation_data(
    context: EventContext, view: EventView, base_url: str
) -> wire.EventData | None:
    found, told = context.conversation, context.event
    if found is None:
        return (
            wire.EventData(conversation_id=told.subject_id)
            if told.kind == "conversation.deleted"
            else None
        )
    if view.kind == CONVERSATION_REMOVED:
        return wire.EventData(conversation_id=found.id)
    shown = _render_conversation(context, found, view)
    if told.kind.startswith("message."):
        message = context.message
        if message is None:
            return None
        sender = context.participant(message.sender_id) if message.sender_id else None
        return wire.EventData(
            message=render_message(message, base_url),
            conversation=shown,
            participant=render_participant(sender) if sender else UNSET,
        )
    everyone = [render_participant(each) for each in context.participants]
    return wire.EventData(conversation=shown, participants=everyone)


def _conversation_view(
    context: EventContext, found: Conversation, actor: Actor
) -> ConversationView:
    me, private = context.participant(actor.identity_id), access.sees_private(actor)
    messages = visibility.reads_messages(actor, context)
    return ConversationView(private, messages, unread(found, me, private))


def _render_conversation(
    context: EventContext, found: Conversation, view: EventView
) -> conversation_schemas.Conversation:
    assert view.conversation is not None
    return render_conversation_for_view(found, context.related, view.conversation)


def _person_data(context: EventContext, person: Identity, full: bool) -> wire.EventData:
    is_user, is_responder = person.kind == "user", person.kind in RESPONDER_KINDS
    return wire.EventData(
        person=wire.Card(
            person.id, person.kind, display_name(person), person.email, person.avatar_url
        ),
        user=render_user(person) if full and is_user else UNSET,
        responder=render_responder(person) if full and is_responder else UNSET,
        contact=render_contact(person) if full and person.kind == "contact" else UNSET,
        merged_id=context.merged_id or UNSET,
    )


def _deleted_id(context: EventContext) -> str | None:
    told = context.event
    return told.subject_id if told.kind == "conversation.deleted" else None
