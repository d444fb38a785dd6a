"""A voice that says what it hears in a few words, and a relay to hear it from."""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from koine.engine.conversations import conversations, messages
from koine.engine.core.context import Engine
from koine.kit.shutdown_signal import ShutdownSignal
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation
from koine.model.errors import Unauthenticated
from koine.model.event_context import EventContext
from koine.model.message import Draft, Message
from koine.realtime.bus.protocol import Bus, LocalBus
from koine.realtime.reader import EphemeralEvent, EventEncoder
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Subscriber
from tests.cast import Cast


class PlainReader:
    """Says "kind seq"; `revoked` makes the next question who it is a refusal."""

    name = "plain"

    def __init__(self, actor: Actor, encoder: EventEncoder | None = None) -> None:
        self.actor = actor
        self.encoder = encoder or PlainEventEncoder()
        self.revoked = False
        self.asked = 0

    async def authenticate(self) -> Actor:
        self.asked += 1
        if self.revoked:
            raise Unauthenticated("revoked")
        return self.actor

    def view(self, happening: EventContext) -> Hashable | None:
        return True

    def ephemeral_view(
        self, whisper: EphemeralEvent, happening: EventContext | None
    ) -> Hashable | None:
        return True


class PlainEventEncoder(Struct, frozen=True):
    def encode(self, happening: EventContext, view: Any) -> bytes | None:
        return f"{happening.event.kind} {happening.event.seq or ''}".strip().encode()

    def encode_ephemeral(
        self, whisper: EphemeralEvent, happening: EventContext | None, view: Any
    ) -> bytes | None:
        word = "on" if whisper.active else "off"
        told = word if whisper.kind == "typing" else whisper.availability
        return f"{whisper.kind} {told}".encode()


@asynccontextmanager
async def realtime_of(engine: Engine, bus: Bus | None = None) -> AsyncIterator[Realtime]:
    """A relay that runs while the context is open."""
    relay = Realtime(engine, bus or LocalBus(), ShutdownSignal())
    await relay.start()
    try:
        yield relay
    finally:
        await relay.close()


async def received(seat: Subscriber, count: int, seconds: float = 5.0) -> list[str]:
    """The next `count` frames; fewer when for `seconds` there is none."""
    frames: list[str] = []
    while len(frames) < count:
        told = await seat.read(seconds)
        if not told.frames and not told.reset:
            break
        frames += [frame.decode() for _, frame in told.frames]
    return frames


async def opened(cast: Cast, *names: str) -> Conversation:
    """A conversation without delivery or inbox, of Ada and these people."""
    joining = tuple((cast.acme.id(name), "member") for name in names)
    new = NewConversation(title="Talk", participants=joining)  # type: ignore[arg-type]  # roles
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def say(cast: Cast, where: Conversation, text: str, **more: object) -> Message:
    """Ada says something there."""
    draft = Draft(content=text, sender_id=cast.acme.id("ada"), **more)  # type: ignore[arg-type]
    return await messages.send(cast.engine, cast.acme.actor("ada"), where.id, draft)
