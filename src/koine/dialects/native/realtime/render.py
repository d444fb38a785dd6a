"""The data of events: their subjects as `GET` returns them now. Pure.

Two steps, so that an event is encoded once and not for each of a thousand readers, and so that
encoding cannot show a reader what it may not see: `event_view` decides what one actor may see,
`render_event` depends on that view and not on the actor.
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
from koine.dialects.native.realtime import schemas
from koine.dialects.native.responders.render import render_responder, render_version
from koine.dialects.native.tenant.render import render_tenant
from koine.dialects.native.tickets.render import render_ticket
from koine.dialects.native.users.render import render_user
from koine.engine.auth import access, visibility
from koine.engine.core.encryption import SealingKeys
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
    """What an actor may see of an event. `kind`: the event's type; `conversation`: its view of the
    conversation, if there is one; `person`: the whole person, not the summary alone; `settings`:
    the settings of the tenant, and the identifier and secret of an inbox."""

    kind: str
    conversation: ConversationView | None = None
    person: bool = False
    settings: bool = False


def event_view(context: EventContext, kind: str, actor: Actor) -> EventView:
    """What the actor may see of an event; `kind` is `event_kind` for the same actor."""
    found, subject = context.conversation, context.subject
    conversation = None if found is None else _conversation_view(context, found, actor)
    if subject is None:
        return EventView(kind, conversation)
    if isinstance(subject, Identity):
        return EventView(kind, conversation, person=visibility.sees_person(actor, subject.id))
    if isinstance(subject, Inbox | Tenant):
        return EventView(kind, conversation, settings=access.sees_settings(actor))
    return EventView(kind, conversation)


def render_event(
    context: EventContext, view: EventView, base_url: str, keys: SealingKeys
) -> schemas.Event | None:
    """The event for readers with this view; None when its subject does not exist any more. `keys`
    open the HMAC token of an inbox, for a view with `settings`."""
    data = render_data(context, view, base_url, keys)
    if data is None:
        return None
    event = context.event
    return schemas.Event(
        id=event.id,
        type=view.kind,
        created_at=iso_ms(event.created_at),
        conversation_id=event.conversation_id or _deleted_id(context),
        seq=event.seq,
        data=data,
    )


def event_kind(context: EventContext, actor: Actor) -> str:
    """The event's type: that of the log, or `….removed` for what the actor sees no more."""
    kind = context.event.kind
    if kind.partition(".")[0] in _CONVERSATION_ENTITIES and context.conversation is not None:
        return kind if visibility.sees_conversation(actor, context) else CONVERSATION_REMOVED
    subject = context.subject
    if isinstance(subject, Inbox) and subject.removed_at is not None:
        return "inbox.removed"
    if isinstance(subject, Delivery) and not visibility.sees_delivery(actor, subject):
        return DELIVERY_REMOVED
    return kind


def render_data(
    context: EventContext, view: EventView, base_url: str, keys: SealingKeys | None
) -> schemas.EventData | None:
    """The data of the event for readers with this view; None as in `render_event`."""
    event = context.event
    match event.kind.partition(".")[0]:
        case "conversation" | "participant" | "message":
            return _conversation_data(context, view, base_url)
        case "credential":
            return schemas.EventData(subject_id=event.subject_id)
    match context.subject:
        case Identity() as person if event.kind == "responder.versioned":
            version = context.version
            return schemas.EventData(
                responder=render_responder(person),
                version=render_version(version) if version else UNSET,
            )
        case Identity() as person:
            return _person_data(context, person, view.person)
        case Inbox() as inbox if inbox.removed_at is not None:
            return schemas.EventData(inbox_id=inbox.id)
        case Inbox() as inbox:
            return schemas.EventData(inbox=render_inbox(inbox, keys if view.settings else None))
        case Delivery() as delivery if view.kind == DELIVERY_REMOVED:
            return schemas.EventData(delivery_id=delivery.id)
        case Delivery() as delivery:
            return schemas.EventData(delivery=render_delivery(delivery))
        case Tenant() as tenant:
            return schemas.EventData(tenant=render_tenant(tenant, view.settings))
        case Ticket() as ticket:
            found = context.conversation
            there = found is not None and found.removed_at is None
            return schemas.EventData(
                ticket=render_ticket(ticket),
                conversation=_render_conversation(context, found, view)
                if found and there
                else UNSET,
            )
        case None:
            return None


def _conversation_data(
    context: EventContext, view: EventView, base_url: str
) -> schemas.EventData | None:
    found, event = context.conversation, context.event
    if found is None:
        return (
            schemas.EventData(conversation_id=event.subject_id)
            if event.kind == "conversation.deleted"
            else None
        )
    if view.kind == CONVERSATION_REMOVED:
        return schemas.EventData(conversation_id=found.id)
    shown = _render_conversation(context, found, view)
    if event.kind.startswith("message."):
        message = context.message
        if message is None:
            return None
        sender = context.participant(message.sender_id) if message.sender_id else None
        return schemas.EventData(
            message=render_message(message, base_url),
            conversation=shown,
            participant=render_participant(sender) if sender else UNSET,
        )
    everyone = [render_participant(each) for each in context.participants]
    return schemas.EventData(conversation=shown, participants=everyone)


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


def _person_data(context: EventContext, person: Identity, full: bool) -> schemas.EventData:
    is_user, is_responder = person.kind == "user", person.kind in RESPONDER_KINDS
    return schemas.EventData(
        person=schemas.PersonSummary(
            person.id, person.kind, display_name(person), person.email, person.avatar_url
        ),
        user=render_user(person) if full and is_user else UNSET,
        responder=render_responder(person) if full and is_responder else UNSET,
        contact=render_contact(person) if full and person.kind == "contact" else UNSET,
        merged_id=context.merged_id or UNSET,
    )


def _deleted_id(context: EventContext) -> str | None:
    event = context.event
    return event.subject_id if event.kind == "conversation.deleted" else None
