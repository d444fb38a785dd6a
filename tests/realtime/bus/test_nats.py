"""Nodes exchange messages over real NATS servers, also after these failed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest

from koine.kit.metrics import REGISTRY
from koine.realtime.bus import nats as transport
from koine.realtime.bus.nats import NatsTransport, subject_name
from koine.realtime.bus.reconnecting import MAX_PAYLOAD_BYTES, ReconnectingBus
from tests.realtime.bus.recorder import (
    Recorder,
    eventually,
    publish_until_received,
    short_timeouts,
)
from tests.realtime.bus.recorder import connected as bus_connected
from tests.support.nats import NatsCluster
from tests.support.nats_keys import credentials
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def cluster() -> Iterator[NatsCluster]:
    """Three servers, all of which run when a test begins."""
    with NatsCluster(3).start() as started:
        yield started


@asynccontextmanager
async def node(
    url: str, database: str = "1.5", creds: str = ""
) -> AsyncIterator[tuple[ReconnectingBus, Recorder]]:
    async def identity() -> str:
        return database

    line, recorder = ReconnectingBus(NatsTransport(url, creds, identity), 0.002), Recorder()
    await line.start(recorder)
    try:
        yield line, recorder
    finally:
        await line.close()


async def connected(*lines: ReconnectingBus) -> None:
    """Wait until each is connected, and receives from the others."""
    await bus_connected(*lines)
    # NATS servers forward subscriptions to each other; nothing says when they have.
    await asyncio.sleep(0.1)


async def test_other_nodes_receive_messages_and_the_sender_does_not(cluster: NatsCluster) -> None:
    async with node(cluster.url) as (a, own), node(cluster.url) as (b, recorder):
        await connected(a, b)
        a.publish("ephemeral", b'{"typing":1}')
        a.publish("log_advanced")
        assert await recorder.until(2) == [("log_advanced", b""), ("ephemeral", b'{"typing":1}')]
        assert own.received == []


async def test_nodes_of_another_database_receive_nothing(cluster: NatsCluster) -> None:
    async with (
        node(cluster.url) as (a, _),
        node(cluster.url) as (b, recorder),
        node(cluster.url, "2.5") as (c, other),
    ):
        await connected(a, b, c)
        a.publish("log_advanced")
        await recorder.until(1)
        assert other.received == []


async def test_many_hints_are_sent_as_few(cluster: NatsCluster) -> None:
    async with node(cluster.url) as (a, _), node(cluster.url) as (b, recorder):
        await connected(a, b)
        for _ in range(1000):
            a.publish("log_advanced")
        a.publish("ephemeral", b"last")
        await recorder.until_received("ephemeral", b"last")
        assert recorder.count("log_advanced") == 1


async def test_a_killed_server_is_replaced_by_another() -> None:
    with NatsCluster(3).start() as cluster:
        async with node(cluster.url) as (a, _), node(cluster.url) as (b, recorder):
            await connected(a, b)
            cluster.kill(0)
            cluster.kill(1)
            await publish_until_received(a, recorder)
            assert await asyncio.to_thread(cluster.clients, 2) == 2


async def test_a_paused_server_is_replaced_by_another() -> None:
    waits = short_timeouts(transport, "_TIMEOUT_SECONDS")
    with NatsCluster(3).start() as cluster, waits:
        async with node(cluster.url) as (a, _), node(cluster.url) as (b, recorder):
            await connected(a, b)
            cluster.pause(0)
            cluster.pause(1)
            await publish_until_received(a, recorder, within=20)


async def test_a_bus_that_is_dead_at_first_is_connected_when_it_lives() -> None:
    cluster = NatsCluster(1)
    async with node(cluster.url) as (a, _), node(cluster.url) as (_, recorder):
        for n in range(5000):
            a.publish("ephemeral", b"%d" % n)
        a.publish("log_advanced")
        assert not a.connected
        with await asyncio.to_thread(cluster.start):
            await publish_until_received(a, recorder)
            assert recorder.count("ephemeral") == 0  # worth nothing by now


async def test_closing_is_fast_while_the_bus_is_dead() -> None:
    async with asyncio.timeout(1):
        async with node(f"nats://127.0.0.1:{free_port()}") as (a, _):
            await asyncio.sleep(0.1)
            a.publish("log_advanced")


@pytest.mark.parametrize(
    ("subject", "messages"),
    [
        ("log_advanced", b""),
        ("ephemeral", b"\xff\x00garbage"),
        ("ephemeral", b"0123456789ABCDEF{}"),
        ("ephemeral", b"0123456789abcdef" + b"x" * (MAX_PAYLOAD_BYTES + 1)),
        ("other", b"0123456789abcdef{}"),
        ("moved.more", b"0123456789abcdef{}"),
    ],
)
async def test_garbage_is_ignored(cluster: NatsCluster, subject: str, messages: bytes) -> None:
    async with node(cluster.url) as (a, _), node(cluster.url) as (b, recorder):
        await connected(a, b)
        other = await nats.connect(cluster.url.split(","))
        await other.publish(f"koine.{subject_name('1.5')}.{subject}", messages)
        await other.publish(f"koine.{subject_name('1.5')}.ephemeral", b"0123456789abcdefgood")
        await other.close()
        assert await recorder.until(1) == [("ephemeral", b"good")]


async def test_a_large_payload_is_not_sent(cluster: NatsCluster) -> None:
    async with node(cluster.url) as (a, _), node(cluster.url) as (b, recorder):
        await connected(a, b)
        a.publish("ephemeral", b"x" * (MAX_PAYLOAD_BYTES + 1))
        a.publish("ephemeral", b"x" * MAX_PAYLOAD_BYTES)
        assert await recorder.until(1) == [("ephemeral", b"x" * MAX_PAYLOAD_BYTES)]


async def test_reconnects_are_counted() -> None:
    before = counted("koine_bus_reconnects_total")
    with NatsCluster(2).start() as cluster:
        async with node(cluster.url) as (a, _):
            await connected(a)
            cluster.kill(0 if await asyncio.to_thread(cluster.clients, 0) else 1)
            await eventually(lambda: counted("koine_bus_reconnects_total") == before + 1)
            assert counted("koine_bus_connected") == 1
    assert counted("koine_bus_connected") == 0


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0


async def test_a_credentials_file_logs_in(tmp_path: Path) -> None:
    config, text = credentials()
    creds = tmp_path / "node.creds"
    creds.write_text(text)
    with NatsCluster(1, config).start() as cluster:
        async with (
            node(cluster.url) as (other, _),
            node(cluster.url, creds=str(creds)) as (a, _),
        ):
            await connected(a)
            assert not other.connected


async def test_the_url_may_have_the_password() -> None:
    config = "authorization { user: koine, password: s3cret }\n"
    with NatsCluster(1, config).start() as cluster:
        with_password = cluster.url.replace("nats://", "nats://koine:s3cret@")
        async with node(cluster.url) as (other, _), node(with_password) as (a, _):
            await connected(a)
            assert not other.connected


async def test_an_invalid_credentials_file_does_not_fail_the_start(tmp_path: Path) -> None:
    async with node("nats://127.0.0.1:1", creds=str(tmp_path / "none")) as (a, _):
        await asyncio.sleep(0.05)
        a.publish("log_advanced")
        assert not a.connected
