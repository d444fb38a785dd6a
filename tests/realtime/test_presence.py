"""Presence: online with a stream here or on another node, and for a moment after the last one."""

import asyncio

import pytest

from koine.model.actor import Actor
from koine.realtime import presence
from koine.realtime.reader import EphemeralEvent
from koine.store.core.db import Database
from tests.cast import Cast
from tests.realtime.bus.recorder import eventually
from tests.realtime.plain_encoder import PlainReader, realtime_of, received
from tests.realtime.test_ephemeral import InProcessBus


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """Presence asks no database anything."""
    return sqlite_db


async def test_a_person_with_a_stream_is_online_on_every_node(cast: Cast) -> None:
    wire, dan = InProcessBus(), cast.acme.actor("dan")
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        await here.connect(PlainReader(dan), None)
        online = {cast.acme.id("dan"): "online"}
        assert here.presence.online(dan.tenant_id) == online == there.presence.online(dan.tenant_id)
        assert here.presence.online(cast.rival.tenant.id) == {}
        here.presence.set(dan, "away")
        assert there.presence.online(dan.tenant_id) == {cast.acme.id("dan"): "away"}


async def test_availability_may_be_set_on_another_node_than_the_stream(cast: Cast) -> None:
    wire, dan = InProcessBus(), cast.acme.actor("dan")
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        await here.connect(PlainReader(dan), None)
        for availability in ("away", "online"):
            there.presence.set(dan, availability)
            assert here.presence.online(dan.tenant_id) == {dan.identity_id: availability}
            assert there.presence.online(dan.tenant_id) == {dan.identity_id: availability}


async def test_a_client_that_reconnects_at_once_was_never_offline(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "OFFLINE_DELAY", 0.05)
    async with realtime_of(cast.engine) as realtime:
        dan = cast.acme.actor("dan")
        first, other = [await realtime.connect(PlainReader(dan), None) for _ in range(2)]
        realtime.disconnect(first)
        await asyncio.sleep(0.1)  # twice the delay after which it would be offline
        assert realtime.presence.online(dan.tenant_id)
        realtime.disconnect(other)
        assert not realtime.presence.online(dan.tenant_id)


async def test_a_person_without_heartbeats_is_offline(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        dan = cast.acme.actor("dan")
        named = EphemeralEvent(
            tenant_id=dan.tenant_id, kind="presence", identity_id=cast.acme.id("dan")
        )
        realtime.presence.apply_remote(named)
        assert realtime.presence.online(dan.tenant_id)
        cast.clock.advance(seconds=60)
        assert not realtime.presence.online(dan.tenant_id)


async def test_a_key_has_no_presence(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        key = Actor(cast.acme.tenant.id, "key", cast.acme.id("alice"))
        await realtime.connect(PlainReader(key), None)
        assert realtime.presence.online(cast.acme.tenant.id) == {}


async def test_heartbeats_are_not_sent_to_streams(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.02)
    wire = InProcessBus()
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        subscriber = await there.connect(PlainReader(cast.acme.actor("ada")), None)
        await subscriber.read(0.02)
        await here.connect(PlainReader(cast.acme.actor("dan")), None)
        assert await received(subscriber, 9, 0.2) == ["presence online"]
        assert await received(subscriber, 1, 0.2) == []
        there.presence.set(cast.acme.actor("dan"), "away")
        assert (await received(subscriber, 1))[0] == "presence away"


async def test_contacts_do_not_receive_the_presence_of_other_contacts(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        people = ("ada", "carol", "dave")
        subscribers = [
            await realtime.connect(PlainReader(cast.acme.actor(name)), None) for name in people
        ]
        ada, carol, _ = subscribers
        for subscriber in subscribers:
            await subscriber.read(0.02)
        realtime.presence.set(cast.acme.actor("dave"), "away")
        assert "presence away" in await received(ada, 9, 0.1)
        assert "presence away" not in await received(carol, 9, 0.1)
        there = realtime.presence.online(cast.acme.tenant.id, "contact")
        assert there.keys() == {cast.acme.id("carol"), cast.acme.id("dave")}


async def test_a_stream_with_a_changed_credential_goes_offline_when_closed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "OFFLINE_DELAY", 0.01)
    async with realtime_of(cast.engine) as realtime:
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        subscriber.reader.actor = Actor(cast.acme.tenant.id, "key", cast.acme.id("dan"))
        realtime.disconnect(subscriber)
        await eventually(lambda: realtime.presence.online(cast.acme.tenant.id) == {})
