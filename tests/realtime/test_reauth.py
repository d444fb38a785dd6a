"""A right that ends while its holder listens: the seat is asked, and closed."""

import asyncio

import pytest

from koine.engine import tenants
from koine.engine.auth import api_keys, credentials
from koine.engine.core import context as engines
from koine.engine.core.context import Engine
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.tenants import TenantChanges
from koine.model.actor import Actor
from koine.model.errors import Unavailable
from koine.realtime.subscriber import Closed, Subscriber
from tests.cast import Cast
from tests.realtime.bus.recorder import eventually
from tests.realtime.plain_encoder import PlainReader, opened, realtime_of, received, say


async def reason_of(seat: Subscriber) -> str:
    with pytest.raises(Closed) as closed:
        for _ in range(3):
            await seat.read(2)
    return closed.value.reason


async def test_who_loses_a_role_is_asked_and_nobody_else_is(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        alice, dan = (PlainReader(cast.acme.actor(name)) for name in ("alice", "dan"))
        seats = [await relay.connect(voice, None) for voice in (alice, dan)]
        alice.asked = dan.asked = 0
        alice.revoked = True
        boss = cast.acme.actor("ada")
        less = PersonChanges(role="driver")
        await directory.change(cast.engine, boss, cast.acme.id("alice"), "user", less)
        assert await reason_of(seats[0]) == "revoked"
        assert alice.asked == 1 and dan.asked == 0


async def test_a_key_that_is_revoked_closes_its_seats_on_every_node(cast: Cast) -> None:
    boss = cast.acme.actor("ada")
    (key, *_) = await api_keys.list_all(cast.engine, boss)
    holder = Actor(cast.acme.tenant.id, "key", key.user_id, key_id=key.id)
    async with realtime_of(cast.engine) as here, realtime_of(cast.engine) as there:
        voices = [PlainReader(holder), PlainReader(holder)]
        seats = [await r.connect(v, None) for r, v in zip((here, there), voices, strict=True)]
        for voice in voices:
            voice.revoked = True
        await api_keys.revoke(cast.engine, boss, key.id)
        assert [await reason_of(seat) for seat in seats] == ["revoked", "revoked"]


async def test_a_credential_whose_time_is_over_closes_its_seat(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        dan = cast.acme.actor("dan")
        soon = Actor(dan.tenant_id, "user", dan.identity_id, expires_at=cast.clock.now() + 1)
        voice = PlainReader(soon)
        seat = await relay.connect(voice, None)
        cast.clock.advance(seconds=1)
        voice.revoked = True
        assert await reason_of(seat) == "revoked"


async def test_while_nobody_can_tell_a_seat_hears_nothing_and_then_all_of_it(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        voice = _Forgetful(cast.acme.actor("dan"))
        seat = await relay.connect(voice, None)
        await seat.read(0.05)
        voice.away = True
        await relay.reauth.sweep(everyone=True)
        await say(cast, talk, "hello")
        assert await received(seat, 1, 0.5) == []
        voice.away = False
        await relay.reauth.sweep(everyone=False)
        assert await received(seat, 1) == ["message.created 1"]


async def test_who_is_slow_to_be_known_again_keeps_nobody_waiting(cast: Cast) -> None:
    talk, boss = await opened(cast, "dan"), cast.rival.actor("ada")
    async with realtime_of(cast.engine) as relay:
        slow = _Slow(boss)
        theirs = await relay.connect(slow, None)
        ours = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        slow.known.clear()
        less = PersonChanges(role="driver")
        await directory.change(cast.engine, boss, cast.rival.id("alice"), "user", less)
        await tenants.change(cast.engine, boss, TenantChanges(name="Slow"))
        await say(cast, talk, "hello")
        assert await received(ours, 1, 2) == ["message.created 1"]
        assert await received(theirs, 9, 0.1) == []
        slow.known.set()
        await asyncio.sleep(0.05)
        assert await received(theirs, 2) == ["identity.updated", "tenant.updated"]


async def test_who_catches_up_reads_nothing_while_it_is_asked_for(cast: Cast) -> None:
    boss = cast.rival.actor("ada")
    async with realtime_of(cast.engine) as relay:
        slow = _Slow(boss)
        theirs = await relay.connect(slow, None)
        slow.known.clear()
        slow.begun.clear()
        await tenants.change(cast.engine, boss, TenantChanges(name="Slow"))
        await asyncio.wait_for(slow.begun.wait(), 5)
        assert await received(theirs, 9, 0.05) == []
        slow.known.set()
        assert await received(theirs, 1, 5) == ["tenant.updated"]


class _Slow(PlainReader):
    """Its credential's issuer takes its time."""

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor)
        self.begun = asyncio.Event()
        self.known = asyncio.Event()
        self.known.set()

    async def authenticate(self) -> Actor:
        self.begun.set()
        await self.known.wait()
        return self.actor


async def test_a_key_that_was_revoked_where_nobody_listened_opens_no_seat(cast: Cast) -> None:
    node = await engines.open_engine(
        cast.engine.db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    async with realtime_of(node) as there:
        voice = _Holder(await credentials.by_key(node, cast.acme.key), node, cast.acme.key)
        await api_keys.revoke(cast.engine, cast.acme.actor("ada"), voice.actor.key_id or "")
        await asyncio.sleep(0.7)
        assert await reason_of(await there.connect(voice, None)) == "revoked"


async def test_who_was_asked_a_moment_ago_is_asked_again_only_if_rights_changed(
    cast: Cast,
) -> None:
    async with realtime_of(cast.engine) as relay:
        await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        known_at, alice = relay.hub.rights_version, PlainReader(cast.acme.actor("alice"))
        await say(cast, await opened(cast, "dan"), "this changes nobody's rights")
        await relay.connect(alice, None, known_at)
        assert alice.asked == 0
        boss, less = cast.acme.actor("ada"), PersonChanges(role="driver")
        alice.revoked = True
        await directory.change(cast.engine, boss, cast.acme.id("olaf"), "user", less)
        await eventually(lambda: relay.hub.rights_version != known_at)
        assert await reason_of(await relay.connect(alice, None, known_at)) == "revoked"


async def test_who_was_asked_before_anybody_listened_is_asked_again(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        await relay.cursor()
        known_at, alice = relay.hub.rights_version, PlainReader(cast.acme.actor("alice"))
        await relay.connect(alice, None, known_at)
        assert alice.asked == 1
        relay.hub.subscribers()[0].leave()
        boss, less = cast.acme.actor("ada"), PersonChanges(role="driver")
        await directory.change(cast.engine, boss, cast.acme.id("alice"), "user", less)
        await eventually(lambda: relay.hub.rights_version != known_at)
        await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        await relay.connect(alice, None, known_at)
        assert alice.asked == 2


class _Holder(PlainReader):
    """Of a key, at one node."""

    def __init__(self, actor: Actor, node: Engine, key: str) -> None:
        super().__init__(actor)
        self.node, self.key = node, key

    async def authenticate(self) -> Actor:
        return await credentials.by_key(self.node, self.key)


async def test_who_comes_when_all_are_leaving_is_told_so(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        relay.draining.start()
        await asyncio.sleep(0.05)
        assert await reason_of(await relay.connect(PlainReader(cast.acme.actor("dan")), None)) == (
            "draining"
        )


class _Forgetful(PlainReader):
    away = False

    async def authenticate(self) -> Actor:
        if self.away:
            raise Unavailable()
        return self.actor
