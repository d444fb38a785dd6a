"""How a native reader is spoken to, over server-sent events or a WebSocket."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from msgspec import Struct

from koine.dialects.native import auth
from koine.dialects.native.realtime import render
from koine.dialects.native.realtime import schemas as wire
from koine.dialects.native.realtime.filter import EventFilter
from koine.http import sse
from koine.http.request import AnyRequest
from koine.model.actor import Actor
from koine.model.display_name import display_name
from koine.model.event_context import EventContext
from koine.model.identity import Identity
from koine.realtime.reader import EphemeralEvent

Framing = Callable[[str, bytes], bytes]
"""From an event's type and its JSON to what goes over the wire."""
_encode = msgspec.json.encode


class NativeEventEncoder(Struct, frozen=True, cache_hash=True):
    """Events as GET would show their things; `frame` is how they go over the wire."""

    base_url: str
    frame: Framing

    def encode(self, context: EventContext, view: render.EventView) -> bytes | None:
        """The event; None when there is nothing left to show."""
        shown = render.render_event(context, view, self.base_url)
        return None if shown is None else self.frame(shown.type, _encode(shown))

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: Literal[True]
    ) -> bytes:
        """Who is writing, who is there."""
        return self.frame(ephemeral.kind, _encode(render_ephemeral(ephemeral)))


class NativeReader:
    """One reader, and what it asked for. `ask` says who they are now, without counting the
    question."""

    name = "native"

    def __init__(
        self,
        actor: Actor,
        ask: Callable[[], Awaitable[Actor]],
        asked_for: EventFilter,
        encoder: NativeEventEncoder,
    ) -> None:
        self.actor = actor
        self.reauthenticate = ask
        self.filter = asked_for
        self.encoder = encoder

    async def authenticate(self) -> Actor:
        """Who reads, asked again."""
        return await self.reauthenticate()

    def view(self, context: EventContext) -> render.EventView | None:
        """What the reader is shown of an event that it asked for."""
        event, kind = context.event, render.event_kind(context, self.actor)
        if not self.filter.matches(kind, event.conversation_id or event.subject_id):
            return None
        return render.event_view(context, kind, self.actor)

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Literal[True] | None:
        """The same for every reader who asked for it."""
        return True if self.filter.matches(ephemeral.kind, ephemeral.conversation_id) else None


def sse_reader(call: AnyRequest, asked_for: EventFilter) -> NativeReader:
    """The voice of a call that follows by server-sent events."""

    async def ask() -> Actor:
        return auth.require_read(await auth.authenticate_uncounted(call))

    encoder = NativeEventEncoder(call.base_url, sse.frame)
    return NativeReader(auth.require_reader(call), ask, asked_for, encoder)


def typing_event(
    actor: Actor, who: Identity, conversation_id: str, said: wire.SayTyping
) -> EphemeralEvent:
    """That somebody writes, or stopped."""
    return EphemeralEvent(
        tenant_id=actor.tenant_id,
        kind="typing",
        identity_id=who.id,
        identity_kind=who.kind,
        name=display_name(who),
        conversation_id=conversation_id,
        active=said.on,
        private=said.private,
        number=who.number,
    )


def render_ephemeral(ephemeral: EphemeralEvent) -> wire.Typing | wire.Present:
    """A ephemeral as the wire shows it."""
    who = wire.Who(ephemeral.identity_id, ephemeral.identity_kind, ephemeral.name)
    if ephemeral.kind == "presence":
        return wire.Present(who.id, who.kind, ephemeral.availability)
    return wire.Typing(ephemeral.conversation_id or "", who, ephemeral.active, ephemeral.private)
