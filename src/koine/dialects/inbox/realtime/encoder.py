"""What a contact is sent over `/cable`: a reader of one subscription, and its encoder (inbox.md,
F)."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.inbox import wire
from koine.dialects.inbox.realtime import schemas as live
from koine.engine.contacts.rights import may_see_conversation
from koine.engine.contacts.session import ContactSession
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.event_context import EventContext
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.tenant import Tenant
from koine.realtime.reader import EphemeralEvent

PRESENCE_CHANGED = b"presence"
"""In place of an event: who is there may have changed. The subscription finds out who is, once
for many readers, and sends that."""
_MESSAGE_EVENTS = ("message.created", "message.updated")
_encode = msgspec.json.encode


class EventView(Struct, frozen=True):
    """For whom events are encoded: the place, and its contact as the place may be shown it."""

    tenant: Tenant
    inbox: Inbox
    contact: Identity
    source_id: str


class InboxEventEncoder(Struct, frozen=True, cache_hash=True):
    """Events as the original's clients know them; files are fetched from below `base_url`."""

    base_url: str

    def encode(self, happening: EventContext, view: EventView) -> bytes | None:
        """The event; None for what this API does not tell."""
        kind, shown_to = _kind(happening), self._wire_view(view)
        if kind is None:
            return None
        if kind in _MESSAGE_EVENTS:
            said = live.message(shown_to, happening, view.source_id)
            return None if said is None else event_json(kind, said)
        shown = live.conversation(shown_to, happening)
        if kind == "conversation.deleted" and shown is not None:
            return event_json(kind, live.Gone(shown.id, shown.uuid, shown.account_id))
        return event_json(kind, shown)

    def encode_ephemeral(
        self, whisper: EphemeralEvent, happening: EventContext | None, view: EventView
    ) -> bytes | None:
        """Who writes; PRESENCE for who is there."""
        if whisper.kind == "presence":
            return PRESENCE_CHANGED
        if happening is None:
            return None
        told = live.typing(self._wire_view(view), whisper, happening)
        return event_json(
            "conversation.typing_on" if whisper.active else "conversation.typing_off", told
        )

    def _wire_view(self, view: EventView) -> wire.View:
        return wire.View(view.tenant, view.inbox, view.contact, self.base_url)


class InboxReader:
    """One contact at one place. `moved` is set when the place became another contact's."""

    name = "inbox"

    def __init__(
        self,
        entry: ContactSession,
        ask: Callable[[], Awaitable[ContactSession]],
        encoder: InboxEventEncoder,
    ) -> None:
        self.actor = actor_of(entry)
        self.entry = entry
        self.encoder = encoder
        self.is_merged_away = False
        self._ask = ask

    async def authenticate(self) -> Actor:
        """Who reads, asked again. A merged contact is another one: its client comes back as it."""
        entry = await self._ask()
        if entry.contact_at_inbox[1].id != self.actor.identity_id:
            self.is_merged_away = True
            raise Unauthenticated("revoked")
        self.entry = entry
        return actor_of(entry)

    def view(self, happening: EventContext) -> EventView | None:
        """For whom the event is encoded; None for what this place does not show."""
        found = happening.conversation
        if found is None or not may_see_conversation(*self.entry.contact_at_inbox, found):
            return None
        return self._view()

    def ephemeral_view(
        self, whisper: EphemeralEvent, happening: EventContext | None
    ) -> EventView | None:
        """As `view`. Of agents alone: whether they are there, and where they write."""
        if whisper.identity_kind == "contact":
            return None
        return self._view() if happening is None else self.view(happening)

    def _view(self) -> EventView:
        entry = self.entry
        return EventView(
            entry.tenant, entry.inbox, entry.public_contact, entry.contact_at_inbox[0].source_id
        )


def event_json(name: str, data: Struct | None) -> bytes:
    """An event by the name clients know it by, as the JSON of a frame's `message`."""
    return b'{"event":"' + name.encode() + b'","data":' + _encode(data) + b"}"


def actor_of(entry: ContactSession) -> Actor:
    """The contact that was let in."""
    return Actor(
        tenant_id=entry.tenant.id, kind="contact", identity_id=entry.contact_at_inbox[1].id
    )


def _kind(happening: EventContext) -> str | None:
    told, found = happening.event, happening.conversation
    if found is None:
        return None
    changed = happening.change.changed
    if found.removed_at is not None:
        return "conversation.deleted" if "removed_at" in changed else None
    match told.kind:
        case "message.created" | "message.updated" | "conversation.created":
            return told.kind
        case "conversation.updated":
            return "conversation.status_changed" if "status" in changed else told.kind
        case "conversation.read":
            # Only what moves one of the two times that are shown; a note of the agents does not.
            seen = max(found.contact_seen_at or 0, found.agent_seen_at or 0)
            return "conversation.updated" if seen >= told.created_at else None
        case _:
            return None
