"""A reader and an encoder of short texts, and a running `Realtime`."""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from msgspec import Struct

from koine.engine.conversations import conversations, messages
from koine.engine.core.engine import Engine
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
from koine.store.events import events
from tests.cast import Cast
from tests.realtime.bus.recorder import eventually


class PlainReader:
    """Encodes events as "kind seq"; with `revoked` the next check of its credential fails."""

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

    def view(self, context: EventContext) -> Hashable | None:
        return True

    def ephemeral_view(
        self, ephemeral: EphemeralEvent, context: EventContext | None
    ) -> Hashable | None:
        return True


class PlainEventEncoder(Struct, frozen=True):
    def encode(self, context: EventContext, view: Any) -> bytes | None:
        return f"{context.event.kind} {context.event.seq or ''}".strip().encode()

    def encode_ephemeral(
        self, ephemeral: EphemeralEvent, context: EventContext | None, view: Any
    ) -> bytes | None:
        word = "on" if ephemeral.active else "off"
        state = word if ephemeral.kind == "typing" else ephemeral.availability
        return f"{ephemeral.kind} {state}".encode()


@asynccontextmanager
async def realtime_of(engine: Engine, bus: Bus | None = None) -> AsyncIterator[Realtime]:
    """A `Realtime` that runs while the context is open. Its watermark is past all events before:
    transactions of other tests on the same PostgreSQL server may delay it."""
    realtime = Realtime(engine, bus or LocalBus(), ShutdownSignal())
    last = (await engine.db.read("", events.log_snapshot)).last
    await realtime.start()
    try:
        await eventually(lambda: realtime.log_reader.stable >= last)
        yield realtime
    finally:
        await realtime.close()


async def received(subscriber: Subscriber, count: int, seconds: float = 30.0) -> list[str]:
    """The next `count` events; fewer when there is none for `seconds`: many, since the transaction
    of another test on the same PostgreSQL holds the log back until it ends. A stream that is
    resumed reads an empty batch at once."""
    frames: list[str] = []
    until = monotonic() + seconds
    while len(frames) < count and (left := until - monotonic()) > 0:
        batch = await subscriber.read(left)
        if batch.frames or batch.reset:
            frames += [frame.decode() for _, frame in batch.frames]
            until = monotonic() + seconds
    return frames


async def create_conversation(cast: Cast, *names: str) -> Conversation:
    """A conversation of Ada and these people, without delivery or inbox."""
    joining = tuple((cast.acme.id(name), "member") for name in names)
    new = NewConversation(title="Order 7", participants=joining)  # type: ignore[arg-type]  # roles
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def send_message(cast: Cast, where: Conversation, text: str, **more: object) -> Message:
    """A message of Ada's."""
    draft = Draft(content=text, sender_id=cast.acme.id("ada"), **more)  # type: ignore[arg-type]
    return await messages.send(cast.engine, cast.acme.actor("ada"), where.id, draft)
