"""Typing is told to who sees the conversation, now or never, on every node."""

import msgspec

from koine.realtime.bus.protocol import MessageHandler, Subject
from koine.realtime.reader import EphemeralEvent
from tests.cast import Cast
from tests.realtime.plain_encoder import PlainReader, opened, realtime_of, received


def typing(cast: Cast, conversation_id: str, name: str) -> EphemeralEvent:
    return EphemeralEvent(
        tenant_id=cast.acme.tenant.id,
        kind="typing",
        identity_id=cast.acme.id(name),
        conversation_id=conversation_id,
    )


async def test_who_sees_the_conversation_sees_who_writes_but_not_the_writer(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        seats = {}
        for name in ("ada", "dan", "olaf"):
            seats[name] = await relay.connect(PlainReader(cast.acme.actor(name)), None)
            await seats[name].read(0.02)
        relay.publish_ephemeral(typing(cast, talk.id, "ada"))
        assert await received(seats["dan"], 1) == ["typing on"]
        assert "typing on" not in await received(seats["ada"], 9, 0.1)
        assert "typing on" not in await received(seats["olaf"], 9, 0.1)


async def test_the_other_node_hears_it_too(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    wire = Wire()
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        seat = await there.connect(PlainReader(cast.acme.actor("dan")), None)
        await seat.read(0.02)
        here.publish_ephemeral(typing(cast, talk.id, "ada"))
        assert await received(seat, 1) == ["typing on"]


async def test_garbage_from_the_bus_is_nothing(cast: Cast) -> None:
    talk, wire = await opened(cast, "dan"), Wire()
    async with realtime_of(cast.engine, wire) as relay:
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        await seat.read(0.02)
        wire.publish("ephemeral", b"\xff garbage")
        wire.publish("ephemeral", msgspec.msgpack.encode({"tenant_id": 3}))
        relay.publish_ephemeral(typing(cast, talk.id, "ada"))
        assert "typing on" in await received(seat, 1)


class Wire:
    """A bus within the test: whoever listens hears everything."""

    def __init__(self) -> None:
        self._heard: list[MessageHandler] = []

    async def start(self, heard: MessageHandler) -> None:
        self._heard.append(heard)

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        for each in self._heard:
            each(subject, payload)

    async def close(self) -> None:
        self._heard.clear()
