"""How a contact is spoken to over `/cable`: the voice of one subscription (inbox.md, F)."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from koine.dialects.inbox import wire_live as wire
from koine.dialects.inbox.wire import View
from koine.engine.contact_entry import Entry
from koine.engine.contact_rights import shows
from koine.model.actor import Actor
from koine.model.errors import Unauthenticated
from koine.model.happening import Happening
from koine.relay.voice import Whisper

PRESENCE = b"presence"
"""In a frame's place: tell who is there. Whoever sends it finds out, once for many readers."""
_SAID = ("message.created", "message.updated")
_encode = msgspec.json.encode


class InboxVoice:
    """One contact at one place. `moved` is set when the place became another contact's."""

    name = "inbox"

    def __init__(
        self,
        entry: Entry,
        ask: Callable[[], Awaitable[Entry]],
        base_url: str,
        came_or_went: Callable[[str], None],
    ) -> None:
        self.actor = actor_of(entry)
        self.entry = entry
        self.moved = False
        self._ask = ask
        self._base_url = base_url
        self._came_or_went = came_or_went

    async def authenticate(self) -> Actor:
        """Who reads, asked again. A merged contact is another one: its client comes back as it."""
        entry = await self._ask()
        if entry.guest[1].id != self.actor.identity_id:
            self.moved = True
            raise Unauthenticated("revoked")
        self.entry = entry
        return actor_of(entry)

    def frame(self, happening: Happening) -> bytes | None:
        """The event; None for what this place does not show, and what this API does not tell."""
        (place, contact), found = self.entry.guest, happening.conversation
        if found is None or not shows(place, contact, found):
            return None
        key = ("inbox", place.inbox_id, place.source_id, self._base_url)
        return happening.once(key, lambda: self._made(happening))

    def whisper(self, whisper: Whisper, happening: Happening | None) -> bytes | None:
        """Who of the agents is there, or writes; never that somebody writes a private note."""
        if whisper.identity_kind == "contact" or whisper.hidden:
            return None
        if whisper.kind == "presence":
            self._came_or_went(whisper.tenant_id)
            return PRESENCE
        found = happening.conversation if happening else None
        if happening is None or found is None or not shows(*self.entry.guest, found):
            return None
        told = wire.typing(self._view, whisper, happening)
        return event("conversation.typing_on" if whisper.on else "conversation.typing_off", told)

    @property
    def _view(self) -> View:
        entry = self.entry
        return View(entry.tenant, entry.inbox, entry.shown, self._base_url)

    def _made(self, happening: Happening) -> bytes | None:
        kind, view = _kind(happening), self._view
        if kind is None:
            return None
        if kind in _SAID:
            said = wire.message(view, happening, self.entry.guest[0].source_id)
            return None if said is None else event(kind, said)
        shown = wire.conversation(view, happening)
        if kind == "conversation.deleted" and shown is not None:
            return event(kind, wire.Gone(shown.id, shown.uuid, shown.account_id))
        return event(kind, shown)


def event(name: str, data: Struct | None) -> bytes:
    """An event by the name clients know it by, as the JSON of a frame's `message`."""
    return b'{"event":"' + name.encode() + b'","data":' + _encode(data) + b"}"


def actor_of(entry: Entry) -> Actor:
    """The contact that was let in."""
    return Actor(tenant_id=entry.tenant.id, kind="contact", identity_id=entry.guest[1].id)


def _kind(happening: Happening) -> str | None:
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
