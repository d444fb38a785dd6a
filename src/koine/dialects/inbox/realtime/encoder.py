"""What a contact receives over `/cable`: the reader of one subscription, and its encoder (inbox.md,
F)."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.inbox.contacts.render import View
from koine.dialects.inbox.realtime import schemas
from koine.dialects.inbox.realtime.render import (
    render_conversation_event,
    render_message_event,
    render_typing,
)
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.rights import may_see_conversation
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.event_context import EventContext
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.tenant import Tenant
from koine.realtime.reader import EphemeralEvent

PRESENCE_CHANGED = b"presence"
"""Stands in the queue for an event of presence: each tenant's list of online agents is made once
for all of its subscriptions (`AgentPresence`), when they send it."""
_MESSAGE_EVENTS = ("message.created", "message.updated")
_encode = msgspec.json.encode


class EventView(Struct, frozen=True):
    """For whom events are encoded: a contact inbox, and its contact as it may be shown there."""

    tenant: Tenant
    inbox: Inbox
    contact: Identity
    source_id: str


class InboxEventEncoder(Struct, frozen=True, cache_hash=True):
    """Encodes events as the original's clients know them; files are fetched from below
    `base_url`."""

    base_url: str

    def encode(self, context: EventContext, view: EventView) -> bytes | None:
        """The event; None for one that this API does not have."""
        name, contact_view = _event_name(context), self._contact_view(view)
        if name is None:
            return None
        if name in _MESSAGE_EVENTS:
            message = render_message_event(contact_view, context, view.source_id)
            return None if message is None else event_json(name, message)
        conversation = render_conversation_event(contact_view, context)
        if name == "conversation.deleted" and conversation is not None:
            c = conversation
            return event_json(name, schemas.DeletedConversation(c.id, c.uuid, c.account_id))
        return event_json(name, conversation)

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: EventView
    ) -> bytes | None:
        """Typing as an event; PRESENCE_CHANGED for presence."""
        if ephemeral.kind == "presence":
            return PRESENCE_CHANGED
        if context is None:
            return None
        name = "conversation.typing_on" if ephemeral.active else "conversation.typing_off"
        return event_json(name, render_typing(self._contact_view(view), ephemeral, context))

    def _contact_view(self, view: EventView) -> View:
        return View(view.tenant, view.inbox, view.contact, self.base_url)


class InboxReader:
    """One contact inbox. `is_merged_away` is set when it belongs to another contact after a
    merge."""

    name = "inbox"

    def __init__(
        self,
        caller: ContactCaller,
        resolve: Callable[[], Awaitable[ContactCaller]],
        encoder: InboxEventEncoder,
    ) -> None:
        self.actor = actor_of(caller)
        self.caller = caller
        self.encoder = encoder
        self.is_merged_away = False
        self._resolve = resolve

    async def authenticate(self) -> Actor:
        """The contact of the same token, read again. After a merge it is another contact: then the
        client must reconnect."""
        caller = await self._resolve()
        if caller.contact_at_inbox[1].id != self.actor.identity_id:
            self.is_merged_away = True
            raise Unauthenticated("revoked")
        self.caller = caller
        return actor_of(caller)

    def view(self, context: EventContext) -> EventView | None:
        """For whom the event is encoded; None for a conversation that this contact inbox does not
        show."""
        c = context.conversation
        if c is None or not may_see_conversation(*self.caller.contact_at_inbox, c):
            return None
        return self._view()

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> EventView | None:
        """As `view`. Contacts receive the presence and typing of agents alone."""
        if ephemeral.identity_kind == "contact":
            return None
        return self._view() if context is None else self.view(context)

    def _view(self) -> EventView:
        caller = self.caller
        contact_inbox = caller.contact_at_inbox[0]
        return EventView(
            caller.tenant, caller.inbox, caller.public_contact, contact_inbox.source_id
        )


def event_json(name: str, data: Struct | None) -> bytes:
    """An event under its name in this API, as the JSON of a frame's `message`."""
    return b'{"event":"' + name.encode() + b'","data":' + _encode(data) + b"}"


def actor_of(caller: ContactCaller) -> Actor:
    """The contact as an actor."""
    contact = caller.contact_at_inbox[1]
    return Actor(tenant_id=caller.tenant.id, kind="contact", identity_id=contact.id)


def _event_name(context: EventContext) -> str | None:
    """What this API calls the event; None for one that it does not have."""
    event, c = context.event, context.conversation
    if c is None:
        return None
    changed = context.change.changed
    if c.removed_at is not None:
        return "conversation.deleted" if "removed_at" in changed else None
    match event.kind:
        case "message.created" | "message.updated" | "conversation.created":
            return event.kind
        case "conversation.updated":
            return "conversation.status_changed" if "status" in changed else event.kind
        case "conversation.read":
            # An agent who writes a private note moves neither of the two times that contacts are
            # shown, and contacts must not learn of the note.
            seen = max(c.contact_seen_at or 0, c.agent_seen_at or 0)
            return "conversation.updated" if seen >= event.created_at else None
        case _:
            return None
