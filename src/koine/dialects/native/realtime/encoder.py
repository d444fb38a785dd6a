"""The reader and encoder of the native API, for server-sent events and the WebSocket alike."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from msgspec import Struct

from koine.dialects.native import auth
from koine.dialects.native.realtime import render, schemas
from koine.dialects.native.realtime.filter import EventFilter
from koine.engine.core.encryption import SealingKeys
from koine.http import sse
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.display_name import display_name
from koine.model.event_context import EventContext
from koine.model.identity import Identity
from koine.realtime.reader import EphemeralEvent

Framing = Callable[[str, bytes], bytes]
"""Puts the JSON of an event, and its type, into the frame of the transport."""
_encode = msgspec.json.encode


class NativeEventEncoder(Struct, frozen=True, cache_hash=True):
    """Events with the data that `GET` returns for their subjects. `keys` open the HMAC tokens of
    inboxes, for readers whose view has them."""

    base_url: str
    frame: Framing
    keys: SealingKeys

    def encode(self, context: EventContext, view: render.EventView) -> bytes | None:
        """The frame of an event; None when its subject does not exist any more."""
        rendered = render.render_event(context, view, self.base_url, self.keys)
        return None if rendered is None else self.frame(rendered.type, _encode(rendered))

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: Literal[True]
    ) -> bytes:
        """The frame of typing or presence."""
        return self.frame(ephemeral.kind, _encode(render_ephemeral(ephemeral)))


class NativeReader:
    """One client: its actor and its filter. `reauthenticate` checks the credential again, without
    counting against a rate limit."""

    name = "native"

    def __init__(
        self,
        actor: Actor,
        reauthenticate: Callable[[], Awaitable[Actor]],
        event_filter: EventFilter,
        encoder: NativeEventEncoder,
    ) -> None:
        self.actor = actor
        self.reauthenticate = reauthenticate
        self.filter = event_filter
        self.encoder = encoder

    async def authenticate(self) -> Actor:
        """The actor of the same credential, checked again."""
        return await self.reauthenticate()

    def view(self, context: EventContext) -> render.EventView | None:
        """The reader's view of an event; None for one that the filter leaves out."""
        event, kind = context.event, render.event_kind(context, self.actor)
        if not self.filter.matches(kind, event.conversation_id or event.subject_id):
            return None
        return render.event_view(context, kind, self.actor)

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Literal[True] | None:
        """The same view for every reader whose filter takes the event in."""
        return True if self.filter.matches(ephemeral.kind, ephemeral.conversation_id) else None


def sse_reader(request: AnyRequest, event_filter: EventFilter) -> NativeReader:
    """The reader of a request for server-sent events."""

    async def reauthenticate() -> Actor:
        return auth.require_read(await auth.authenticate_uncounted(request))

    encoder = NativeEventEncoder(request.base_url, sse.frame, request.engine.encryption)
    return NativeReader(auth.require_reader(request), reauthenticate, event_filter, encoder)


def typing_event(
    actor: Actor, who: Identity, conversation_id: str, typing: schemas.SetTyping
) -> EphemeralEvent:
    """The event of an identity that types in a conversation, or stopped."""
    return EphemeralEvent(
        tenant_id=actor.tenant_id,
        kind="typing",
        identity_id=who.id,
        identity_kind=who.kind,
        name=display_name(who),
        conversation_id=conversation_id,
        active=typing.on,
        private=typing.private,
        number=who.number,
    )


def render_ephemeral(event: EphemeralEvent) -> schemas.Typing | schemas.PresenceChange:
    """An ephemeral event, as the API has it."""
    who = schemas.TypingPerson(event.identity_id, event.identity_kind, event.name)
    if event.kind == "presence":
        return schemas.PresenceChange(who.id, who.kind, event.availability)
    return schemas.Typing(event.conversation_id or "", who, event.active, event.private)
