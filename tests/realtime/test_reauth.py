"""A right that ends while a stream is open: the credential is checked, and the stream closed."""

import asyncio

import pytest

from koine.engine import tenants
from koine.engine.auth import api_keys, credentials
from koine.engine.core.engine import Engine, open_engine
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.tenants import TenantChanges
from koine.event_log import log_reader
from koine.model.actor import Actor
from koine.model.errors import Unavailable
from koine.realtime import realtime as realtime_module
from koine.realtime.subscriber import Closed, Subscriber
from koine.store.events import events
from tests.cast import Cast
from tests.realtime.bus.recorder import eventually
from tests.realtime.plain_encoder import (
    PlainReader,
    create_conversation,
    realtime_of,
    received,
    send_message,
)


@pytest.fixture(autouse=True)
def intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short ones, but no check of everyone because the log is stalled: a transaction of another
    test on the same PostgreSQL stalls it, and some tests count the checks."""
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(realtime_module, "_SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(realtime_module, "_STALLED_SECONDS", 3600.0)


async def reason_of(subscriber: Subscriber) -> str:
    """Why the stream is closed; it may get events before that."""
    with pytest.raises(Closed) as closed:
        async with asyncio.timeout(20):
            while True:
                await subscriber.read(2)
    return closed.value.reason


async def test_only_the_user_who_lost_a_role_is_checked(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        alice, dan = (PlainReader(cast.acme.actor(name)) for name in ("alice", "dan"))
        subscribers = [await realtime.connect(reader, None) for reader in (alice, dan)]
        alice.asked = dan.asked = 0
        alice.revoked = True
        admin = cast.acme.actor("ada")
        less = PersonChanges(role="driver")
        await directory.change(cast.engine, admin, cast.acme.id("alice"), "user", less)
        assert await reason_of(subscribers[0]) == "revoked"
        assert alice.asked == 1 and dan.asked == 0


async def test_a_revoked_key_closes_its_streams_on_every_node(cast: Cast) -> None:
    admin = cast.acme.actor("ada")
    (key, *_) = await api_keys.list_all(cast.engine, admin)
    holder = Actor(cast.acme.tenant.id, "key", key.user_id, key_id=key.id)
    async with realtime_of(cast.engine) as here, realtime_of(cast.engine) as there:
        readers = [PlainReader(holder), PlainReader(holder)]
        subscribers = [
            await r.connect(v, None) for r, v in zip((here, there), readers, strict=True)
        ]
        for reader in readers:
            reader.revoked = True
        await api_keys.revoke(cast.engine, admin, key.id)
        assert [await reason_of(subscriber) for subscriber in subscribers] == ["revoked", "revoked"]


async def test_an_expired_credential_closes_its_stream(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        dan = cast.acme.actor("dan")
        soon = Actor(dan.tenant_id, "user", dan.identity_id, expires_at=cast.clock.now() + 1)
        reader = PlainReader(soon)
        subscriber = await realtime.connect(reader, None)
        cast.clock.advance(seconds=1)
        reader.revoked = True
        assert await reason_of(subscriber) == "revoked"


async def test_a_suspended_stream_receives_nothing_and_later_everything(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        reader = _Forgetful(cast.acme.actor("dan"))
        subscriber = await realtime.connect(reader, None)
        await subscriber.read(0.05)
        reader.away = True
        await realtime.reauth.sweep(everyone=True)
        await send_message(cast, conversation, "hello")
        assert await received(subscriber, 1, 0.5) == []
        reader.away = False
        await realtime.reauth.sweep(everyone=False)
        assert await received(subscriber, 1) == ["message.created 1"]


async def test_a_slow_check_delays_no_other_stream(cast: Cast) -> None:
    conversation, admin = await create_conversation(cast, "dan"), cast.rival.actor("ada")
    async with realtime_of(cast.engine) as realtime:
        slow = _Slow(admin)
        theirs = await realtime.connect(slow, None)
        ours = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        slow.known.clear()
        less = PersonChanges(role="driver")
        await directory.change(cast.engine, admin, cast.rival.id("alice"), "user", less)
        await tenants.change(cast.engine, admin, TenantChanges(name="Slow"))
        await send_message(cast, conversation, "hello")
        assert await received(ours, 1) == ["message.created 1"]
        assert await received(theirs, 9, 0.1) == []
        slow.known.set()
        await asyncio.sleep(0.05)
        assert await received(theirs, 2) == ["identity.updated", "tenant.updated"]


async def test_a_stream_that_catches_up_reads_nothing_while_it_is_checked(cast: Cast) -> None:
    admin = cast.rival.actor("ada")
    async with realtime_of(cast.engine) as realtime:
        slow = _Slow(admin)
        theirs = await realtime.connect(slow, None)
        slow.known.clear()
        slow.begun.clear()
        await tenants.change(cast.engine, admin, TenantChanges(name="Slow"))
        await asyncio.wait_for(slow.begun.wait(), 5)
        assert await received(theirs, 9, 0.05) == []
        slow.known.set()
        assert await received(theirs, 1) == ["tenant.updated"]


class _Slow(PlainReader):
    """A reader whose credential takes long to check."""

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor)
        self.begun = asyncio.Event()
        self.known = asyncio.Event()
        self.known.set()

    async def authenticate(self) -> Actor:
        self.begun.set()
        await self.known.wait()
        return self.actor


async def test_a_key_that_was_revoked_without_open_streams_opens_none(cast: Cast) -> None:
    node = await open_engine(
        cast.engine.db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    async with realtime_of(node) as there:
        reader = _Holder(await credentials.by_key(node, cast.acme.key), node, cast.acme.key)
        await api_keys.revoke(cast.engine, cast.acme.actor("ada"), reader.actor.key_id or "")
        last = (await node.db.read("", events.log_snapshot)).last
        await eventually(lambda: there.log_reader.stable >= last)
        assert await reason_of(await there.connect(reader, None)) == "revoked"


async def test_a_credential_is_checked_again_only_if_rights_changed(
    cast: Cast,
) -> None:
    async with realtime_of(cast.engine) as realtime:
        await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        known_at, alice = realtime.hub.rights_version, PlainReader(cast.acme.actor("alice"))
        await send_message(
            cast, await create_conversation(cast, "dan"), "this changes nobody's rights"
        )
        await realtime.connect(alice, None, known_at)
        assert alice.asked == 0
        admin, less = cast.acme.actor("ada"), PersonChanges(role="driver")
        alice.revoked = True
        await directory.change(cast.engine, admin, cast.acme.id("olaf"), "user", less)
        await eventually(lambda: realtime.hub.rights_version != known_at)
        assert await reason_of(await realtime.connect(alice, None, known_at)) == "revoked"


async def test_a_credential_checked_before_the_first_stream_is_checked_again(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        await realtime.cursor()
        known_at, alice = realtime.hub.rights_version, PlainReader(cast.acme.actor("alice"))
        await realtime.connect(alice, None, known_at)
        assert alice.asked == 1
        realtime.hub.subscribers()[0].leave()
        admin, less = cast.acme.actor("ada"), PersonChanges(role="driver")
        await directory.change(cast.engine, admin, cast.acme.id("alice"), "user", less)
        await eventually(lambda: realtime.hub.rights_version != known_at)
        await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        await realtime.connect(alice, None, known_at)
        assert alice.asked == 2


class _Holder(PlainReader):
    """A reader with an API key, at one node."""

    def __init__(self, actor: Actor, node: Engine, key: str) -> None:
        super().__init__(actor)
        self.node, self.key = node, key

    async def authenticate(self) -> Actor:
        return await credentials.by_key(self.node, self.key)


async def test_a_stream_opened_while_draining_is_closed_as_draining(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        realtime.shutdown_signal.start()
        await asyncio.sleep(0.05)
        assert await reason_of(
            await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        ) == ("draining")


class _Forgetful(PlainReader):
    away = False

    async def authenticate(self) -> Actor:
        if self.away:
            raise Unavailable()
        return self.actor
