"""Who is there: with a seat here or on another node, and for a moment after."""

import asyncio

import pytest

from koine.model.actor import Actor
from koine.realtime import presence
from koine.realtime.reader import EphemeralEvent
from koine.store.core.db import Database
from tests.cast import Cast
from tests.realtime.plain_encoder import PlainReader, realtime_of, received
from tests.realtime.test_ephemeral import Wire


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """Presence asks no database anything."""
    return sqlite_db


async def test_one_with_a_seat_is_there_on_every_node(cast: Cast) -> None:
    wire, dan = Wire(), cast.acme.actor("dan")
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        await here.connect(PlainReader(dan), None)
        online = {cast.acme.id("dan"): "online"}
        assert here.presence.online(dan.tenant_id) == online == there.presence.online(dan.tenant_id)
        assert here.presence.online(cast.rival.tenant.id) == {}
        here.presence.set(dan, "away")
        assert there.presence.online(dan.tenant_id) == {cast.acme.id("dan"): "away"}


async def test_one_may_say_so_on_another_node_than_the_one_they_sit_on(cast: Cast) -> None:
    wire, dan = Wire(), cast.acme.actor("dan")
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        await here.connect(PlainReader(dan), None)
        for availability in ("away", "online"):
            there.presence.set(dan, availability)
            assert here.presence.online(dan.tenant_id) == {dan.identity_id: availability}
            assert there.presence.online(dan.tenant_id) == {dan.identity_id: availability}


async def test_one_who_comes_right_back_was_never_gone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "OFFLINE_DELAY", 0.05)
    async with realtime_of(cast.engine) as relay:
        dan = cast.acme.actor("dan")
        first, other = [await relay.connect(PlainReader(dan), None) for _ in range(2)]
        relay.disconnect(first)
        await asyncio.sleep(0.1)
        assert relay.presence.online(dan.tenant_id)
        relay.disconnect(other)
        assert not relay.presence.online(dan.tenant_id)


async def test_who_is_named_no_more_is_gone(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        dan = cast.acme.actor("dan")
        named = EphemeralEvent(
            tenant_id=dan.tenant_id, kind="presence", identity_id=cast.acme.id("dan")
        )
        relay.presence.apply_remote(named)
        assert relay.presence.online(dan.tenant_id)
        cast.clock.advance(seconds=60)
        assert not relay.presence.online(dan.tenant_id)


async def test_a_key_is_nobody(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        key = Actor(cast.acme.tenant.id, "key", cast.acme.id("alice"))
        await relay.connect(PlainReader(key), None)
        assert relay.presence.online(cast.acme.tenant.id) == {}


async def test_that_one_is_still_there_is_no_news_to_readers(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.02)
    wire = Wire()
    async with realtime_of(cast.engine, wire) as here, realtime_of(cast.engine, wire) as there:
        seat = await there.connect(PlainReader(cast.acme.actor("ada")), None)
        await seat.read(0.02)
        await here.connect(PlainReader(cast.acme.actor("dan")), None)
        assert await received(seat, 9, 0.2) == ["presence online"]
        assert await received(seat, 1, 0.2) == []
        there.presence.set(cast.acme.actor("dan"), "away")
        assert (await received(seat, 1))[0] == "presence away"


async def test_contacts_are_told_of_no_other_contact(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        people = ("ada", "carol", "dave")
        seats = [await relay.connect(PlainReader(cast.acme.actor(name)), None) for name in people]
        ada, carol, _ = seats
        for seat in seats:
            await seat.read(0.02)
        relay.presence.set(cast.acme.actor("dave"), "away")
        assert "presence away" in await received(ada, 9, 0.1)
        assert "presence away" not in await received(carol, 9, 0.1)
        there = relay.presence.online(cast.acme.tenant.id, "contact")
        assert there.keys() == {cast.acme.id("carol"), cast.acme.id("dave")}


async def test_who_shows_another_credential_is_gone_when_gone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "OFFLINE_DELAY", 0.01)
    async with realtime_of(cast.engine) as relay:
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        seat.reader.actor = Actor(cast.acme.tenant.id, "key", cast.acme.id("dan"))
        relay.disconnect(seat)
        await asyncio.sleep(0.05)
        assert relay.presence.online(cast.acme.tenant.id) == {}
