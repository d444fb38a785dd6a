"""Connections are reused for the same host; their number and their age are limited."""

import asyncio

import pytest

from koine.kit.outbound import (
    Blocked,
    EgressPolicy,
    OutboundClient,
    Request,
    RequestFailed,
    connection_pool,
    resolver_cache,
)
from tests.kit.outbound.receiver import OK, NameServer, RawReceiver, client, running_receiver


async def post(outbound: OutboundClient, receiver: RawReceiver, host: str = "127.0.0.1") -> bytes:
    reply = await outbound.send(Request("POST", f"http://{host}:{receiver.port}/", {}, b"x"))
    return reply.body


async def test_a_connection_is_reused() -> None:
    async with running_receiver() as receiver, client() as outbound:
        assert [await post(outbound, receiver) for _ in range(5)] == [b"ok"] * 5
        assert (receiver.connections, len(receiver.requests)) == (1, 5)


async def test_concurrent_requests_have_a_connection_each() -> None:
    async with running_receiver() as receiver, client() as outbound:
        for _ in range(3):
            await asyncio.gather(*(post(outbound, receiver) for _ in range(10)))
        assert receiver.connections == 10


async def test_the_number_of_idle_connections_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_pool, "MAX_IDLE_PER_KEY", 2)
    async with running_receiver() as receiver, client() as outbound:
        for _ in range(2):
            await asyncio.gather(*(post(outbound, receiver) for _ in range(10)))
        assert receiver.connections == 18


@pytest.mark.parametrize(
    "response",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK.replace(b": 2", b": 2000") + b"x" * 1998,
        OK + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["close header", "HTTP 1.0", "truncated", "more than was asked for"],
)
async def test_a_connection_that_is_not_kept(response: bytes) -> None:
    async with running_receiver(response) as receiver, client() as outbound:
        await post(outbound, receiver)
        await asyncio.sleep(0.02)
        await post(outbound, receiver)
        assert receiver.connections == 2


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Responds once with keep-alive, and closes the connection at the next request."""
    writer.write(OK)
    await reader.readuntil(b"\r\n\r\n")


async def test_a_request_on_a_closed_idle_connection_is_sent_again() -> None:
    async with running_receiver(script=closing) as receiver, client() as outbound:
        assert [await post(outbound, receiver) for _ in range(3)] == [b"ok"] * 3
        assert receiver.connections == 3


async def test_a_new_connection_that_is_closed_is_a_failure() -> None:
    async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with running_receiver(script=rude) as receiver, client() as outbound:
        with pytest.raises(RequestFailed, match="without a response"):
            await post(outbound, receiver)
        assert receiver.connections == 1


async def test_an_old_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_pool, "MAX_AGE_SECONDS", 0.05)
    async with running_receiver() as receiver, client() as outbound:
        for connections in (1, 2):
            await post(outbound, receiver)
            await post(outbound, receiver)
            assert receiver.connections == connections
            await asyncio.sleep(0.1)


async def test_two_names_of_an_address_share_no_connection() -> None:
    async with running_receiver() as receiver:
        outbound = OutboundClient(
            EgressPolicy.parse("127.0.0.1"), resolver=NameServer(("127.0.0.1",))
        )
        for host in ("a.example", "b.example", "a.example"):
            await post(outbound, receiver, host)
        await outbound.close()
    assert receiver.connections == 2
    hosts = [request.split(b"\r\n")[1].split(b":")[1] for request in receiver.requests]
    assert hosts == [b" a.example", b" b.example", b" a.example"]


async def test_a_name_is_looked_up_once_and_its_tested_address_used() -> None:
    # 127.0.0.1 stands for a public address; the receiver listens on all of 127/8.
    async with running_receiver() as receiver:
        responses = NameServer(("127.0.0.1",), ("127.0.0.2",))
        outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), resolver=responses)
        await asyncio.gather(*(post(outbound, receiver, "rebinds.example") for _ in range(5)))
        await outbound.close()
    assert (responses.asked, len(receiver.requests)) == (["rebinds.example"], 5)


async def test_a_changed_address_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_cache, "CACHE_SECONDS", 0)
    async with running_receiver() as receiver:
        responses = NameServer(("127.0.0.1",), ("127.0.0.2",))
        outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), resolver=responses)
        await post(outbound, receiver, "rebinds.example")
        with pytest.raises(Blocked, match="loopback"):
            await post(outbound, receiver, "rebinds.example")
        await outbound.close()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("response", [(), ("nonsense",), ("127.0.0.1",) * 33])
async def test_a_name_without_a_usable_address_is_refused(response: tuple[str, ...]) -> None:
    outbound = OutboundClient(resolver=NameServer(response))
    with pytest.raises(RequestFailed, match="name was not found"):
        await outbound.send(Request("POST", "https://example.com/"))
    await outbound.close()


async def test_a_lookup_that_hangs_ends_with_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(_: str) -> tuple[str, ...]:
        await asyncio.sleep(60)
        return ()

    monkeypatch.setattr(resolver_cache, "LOOKUP_TIMEOUT_SECONDS", 0.05)
    outbound = OutboundClient(resolver=hangs)
    with pytest.raises(RequestFailed, match="in time"):
        await outbound.send(Request("POST", "https://example.com/"))
    await outbound.close()


async def test_the_next_address_is_tried() -> None:
    async with running_receiver() as receiver:
        responses = NameServer(("127.0.0.1", "127.0.0.2"))
        outbound = OutboundClient(EgressPolicy.parse("127.0.0.0/8"), resolver=responses)
        assert await post(outbound, receiver, "two.example") == b"ok"
        with pytest.raises(RequestFailed, match="refused"):
            await outbound.send(Request("POST", "http://two.example:1/"))
        await outbound.close()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_receiver() as proxy, running_receiver() as receiver, client() as outbound:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await post(outbound, receiver)
        assert (proxy.connections, receiver.connections) == (0, 1)


async def test_close_ends_open_requests() -> None:
    asked = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.sleep(30)

    async with running_receiver(script=silent) as receiver, client() as outbound:
        sent = asyncio.create_task(post(outbound, receiver))
        await asked.wait()
        await outbound.close()
        with pytest.raises(RequestFailed):
            await sent
