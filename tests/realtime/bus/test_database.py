"""Nodes exchange messages through the real database, also after its connection broke."""

import asyncio
import os
import signal
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from koine.kit.settings import load
from koine.realtime.bus import factory
from koine.realtime.bus.protocol import LocalBus
from koine.realtime.bus.reconnecting import MAX_PAYLOAD_BYTES, ReconnectingBus
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase, notify_transport
from koine.store.postgres.notify_transport import PostgresNotifyTransport
from tests.realtime.bus.recorder import (
    SHORT_SECONDS,
    Recorder,
    connected,
    publish_until_received,
    short_timeouts,
)
from tests.support.postgres import running_postgres
from tests.support.shared_postgres import SharedPostgres

PIDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'koine-bus'"


@pytest.fixture(scope="module")
def url(shared_postgres: SharedPostgres) -> str:
    """A database of these tests; nothing of Koine's need be in it."""
    return shared_postgres.new_empty_database()


@asynccontextmanager
async def node(url: str) -> AsyncIterator[tuple[ReconnectingBus, Recorder]]:
    line, recorder = (
        ReconnectingBus(PostgresNotifyTransport(url), factory.DATABASE_INTERVAL),
        Recorder(),
    )
    await line.start(recorder)
    try:
        yield line, recorder
    finally:
        await line.close()


async def ask(url: str, text: str, *args: object) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(text, *args)]
    finally:
        await connection.close()


async def test_other_nodes_receive_messages_and_the_sender_does_not(url: str) -> None:
    async with node(url) as (a, own), node(url) as (b, recorder):
        await connected(a, b)
        a.publish("ephemeral", b"\x00\xff typing")
        a.publish("log_advanced")
        assert await recorder.until(2) == [("log_advanced", b""), ("ephemeral", b"\x00\xff typing")]
        assert own.received == []


async def test_nodes_of_another_database_receive_nothing(
    url: str, shared_postgres: SharedPostgres
) -> None:
    elsewhere = shared_postgres.new_empty_database()
    async with node(url) as (a, _), node(url) as (b, recorder), node(elsewhere) as (c, other):
        await connected(a, b, c)
        a.publish("log_advanced")
        await recorder.until(1)
        assert other.received == []


async def test_many_hints_are_sent_as_few(url: str) -> None:
    async with node(url) as (a, _), node(url) as (b, recorder):
        await connected(a, b)
        began = asyncio.get_running_loop().time()
        while (lasted := asyncio.get_running_loop().time() - began) < 0.5:
            a.publish("log_advanced")
            await asyncio.sleep(0)
        assert 2 <= len(await recorder.until(2)) <= lasted / factory.DATABASE_INTERVAL + 2


async def test_a_large_payload_is_not_sent(url: str) -> None:
    async with node(url) as (a, _), node(url) as (b, recorder):
        await connected(a, b)
        a.publish("ephemeral", b"x" * (MAX_PAYLOAD_BYTES + 1))
        a.publish("ephemeral", b"x" * MAX_PAYLOAD_BYTES)
        assert await recorder.until(1) == [("ephemeral", b"x" * MAX_PAYLOAD_BYTES)]


async def test_the_channels_are_those_of_the_documentation(url: str) -> None:
    async with node(url) as (a, recorder):
        await connected(a)
        for channel, text in (("log_advanced", "one"), ("ephemeral", "two")):
            message = b64encode(b"0123456789abcdef" + text.encode()).decode()
            await ask(url, f"SELECT 1 FROM pg_notify('koine_{channel}', $1)", message)
        assert await recorder.until(2) == [("log_advanced", b"one"), ("ephemeral", b"two")]


@pytest.mark.parametrize(
    "message", ["", "garbage", "é", "TWFu", b64encode(b"0123456789ABCDEF{}").decode()]
)
async def test_garbage_is_ignored(url: str, message: str) -> None:
    async with node(url) as (a, _), node(url) as (b, recorder):
        await connected(a, b)
        for text in (message, b64encode(b"0123456789abcdefgood").decode()):
            await ask(url, "SELECT 1 FROM pg_notify('koine_ephemeral', $1)", text)
        assert await recorder.until(1) == [("ephemeral", b"good")]


async def test_a_cut_connection_is_opened_again(url: str) -> None:
    async with node(url) as (a, _), node(url) as (b, recorder):
        await connected(a, b)
        await ask(url, f"SELECT pg_terminate_backend(pid) FROM ({PIDS}) AS bus")
        assert await publish_until_received(a, recorder) < 5


async def test_a_connection_that_hangs_is_replaced() -> None:
    waits = short_timeouts(notify_transport, "_RESPONSE_SECONDS", "_CLOSE_SECONDS")
    with running_postgres() as server, waits:
        async with node(server.url) as (a, _), node(server.url) as (b, recorder):
            await connected(a, b)
            hanging = await ask(server.url, PIDS)
            for pid in hanging:
                os.kill(pid, signal.SIGSTOP)
            try:
                assert await publish_until_received(a, recorder) > SHORT_SECONDS / 2
            finally:
                for pid in hanging:
                    os.kill(pid, signal.SIGCONT)


async def test_a_server_that_restarts_is_reconnected() -> None:
    with running_postgres() as server:
        async with node(server.url) as (a, _), node(server.url) as (b, recorder):
            await connected(a, b)
            await asyncio.to_thread(server.restart_immediately)
            await publish_until_received(a, recorder)


async def test_a_dead_server_delays_nothing() -> None:
    async with asyncio.timeout(1), node("postgresql://koine@127.0.0.1:1/none") as (a, _):
        await asyncio.sleep(0.1)
        a.publish("log_advanced")
        assert not a.connected


async def test_the_bus_is_chosen(db: Database, backend: str) -> None:
    plain, nats = load({}), load({}, {"nats_url": "nats://127.0.0.1:4222"})
    chosen = [kind_of(factory.create_bus(given, db)) for given in (plain, nats)]
    of_nodes = ["PostgresNotifyTransport", "NatsTransport"]
    assert chosen == (["", ""] if backend == "sqlite" else of_nodes)


def kind_of(bus: object) -> str:
    assert isinstance(bus, LocalBus | ReconnectingBus)
    return "" if isinstance(bus, LocalBus) else type(bus._transport).__name__


async def test_two_processes_name_their_database_alike(url: str) -> None:
    async def identity(at: str) -> str:
        opened = await PostgresDatabase.open(at)
        try:
            return await opened.database_id()
        finally:
            await opened.close()

    first, second = await identity(url), await identity(url)
    assert first == second
    assert first != await identity(url.rpartition("/")[0] + "/postgres")
