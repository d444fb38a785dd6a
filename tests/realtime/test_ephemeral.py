"""Typing is sent to the streams that see the conversation, on every node, and not stored."""

import msgspec

from koine.realtime.bus.protocol import MessageHandler, Subject
from koine.realtime.reader import EphemeralEvent
from tests.cast import Cast
from tests.realtime.plain_encoder import PlainReader, create_conversation, realtime_of, received


def typing(cast: Cast, conversation_id: str, name: str) -> EphemeralEvent:
    return EphemeralEvent(
        tenant_id=cast.acme.tenant.id,
        kind="typing",
        identity_id=cast.acme.id(name),
        conversation_id=conversation_id,
    )


async def test_typing_is_sent_to_those_who_see_the_conversation_but_not_to_the_writer(
    cast: Cast,
) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        subscribers = {}
        for name in ("ada", "dan", "olaf"):
            subscribers[name] = await realtime.connect(PlainReader(cast.acme.actor(name)), None)
            await subscribers[name].read(0.02)
        realtime.publish_ephemeral(typing(cast, conversation.id, "ada"))
        assert await received(subscribers["dan"], 1) == ["typing on"]
        assert "typing on" not in await received(subscribers["ada"], 9, 0.1)
        assert "typing on" not in await received(subscribers["olaf"], 9, 0.1)


async def test_typing_is_sent_on_the_other_node_too(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    bus = InProcessBus()
    async with realtime_of(cast.engine, bus) as here, realtime_of(cast.engine, bus) as there:
        subscriber = await there.connect(PlainReader(cast.acme.actor("dan")), None)
        await subscriber.read(0.02)
        here.publish_ephemeral(typing(cast, conversation.id, "ada"))
        assert await received(subscriber, 1) == ["typing on"]


async def test_garbage_from_the_bus_is_ignored(cast: Cast) -> None:
    conversation, bus = await create_conversation(cast, "dan"), InProcessBus()
    async with realtime_of(cast.engine, bus) as realtime:
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        await subscriber.read(0.02)
        bus.publish("ephemeral", b"\xff garbage")
        bus.publish("ephemeral", msgspec.msgpack.encode({"tenant_id": 3}))
        realtime.publish_ephemeral(typing(cast, conversation.id, "ada"))
        assert "typing on" in await received(subscriber, 1)


class InProcessBus:
    """A bus within the test: every listener receives every message."""

    def __init__(self) -> None:
        self._handlers: list[MessageHandler] = []

    async def start(self, on_message: MessageHandler) -> None:
        self._handlers.append(on_message)

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        for each in self._handlers:
            each(subject, payload)

    async def close(self) -> None:
        self._handlers.clear()
