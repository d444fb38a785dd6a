"""A certificate must be for the host, of a trusted authority, and not expired."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from koine.kit.outbound import EgressPolicy, OutboundClient, Request, RequestFailed
from tests.kit.outbound.receiver import NameServer, RawReceiver, running_receiver
from tests.support.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


GOOD = x509.DNSName("good.example")


@asynccontextmanager
async def speaking(
    authority: Authority, server: ssl.SSLContext, *, trusted: bool = True
) -> AsyncIterator[tuple[RawReceiver, OutboundClient]]:
    """A receiver with TLS, and a client that resolves every name to it."""
    async with running_receiver(tls=server) as receiver:
        outbound = OutboundClient(
            EgressPolicy.parse("127.0.0.1"),
            resolver=NameServer(("127.0.0.1",)),
            tls=authority.trusted() if trusted else None,
        )
        yield receiver, outbound
        await outbound.close()


async def test_a_certificate_for_the_host_is_accepted(authority: Authority) -> None:
    names: list[str | None] = []
    server = authority.server(GOOD)
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    async with speaking(authority, server) as (receiver, outbound):
        for _ in range(3):
            url = f"https://good.example:{receiver.port}/"
            assert (await outbound.send(Request("POST", url, {}, b"x"))).body == b"ok"
        assert (names, receiver.connections) == (["good.example"], 1)
        assert (
            receiver.requests[0].split(b"\r\n")[1] == f"Host: good.example:{receiver.port}".encode()
        )


async def test_a_certificate_for_the_address_is_accepted(authority: Authority) -> None:
    server = authority.server(x509.IPAddress(ip_address("127.0.0.1")))
    async with speaking(authority, server) as (receiver, outbound):
        assert (
            await outbound.send(Request("GET", f"https://127.0.0.1:{receiver.port}/"))
        ).body == b"ok"


@pytest.mark.parametrize("host", ["evil.example", "sub.good.example", "127.0.0.1"])
async def test_a_certificate_for_another_host_is_refused(authority: Authority, host: str) -> None:
    async with speaking(authority, authority.server(GOOD)) as (receiver, outbound):
        with pytest.raises(RequestFailed, match="certificate is not good"):
            await outbound.send(Request("POST", f"https://{host}:{receiver.port}/", {}, b"secret"))
        assert receiver.requests == []


async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    async with speaking(authority, authority.server(GOOD, days=-1)) as (receiver, outbound):
        with pytest.raises(RequestFailed, match="expired"):
            await outbound.send(Request("POST", f"https://good.example:{receiver.port}/"))
        assert receiver.requests == []


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    server = authority.server(GOOD)
    async with speaking(authority, server, trusted=False) as (receiver, outbound):
        with pytest.raises(RequestFailed, match="certificate is not good"):
            await outbound.send(Request("POST", f"https://good.example:{receiver.port}/"))
        assert receiver.requests == []


async def test_a_server_without_tls(authority: Authority) -> None:
    received = bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read(9))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), tls=authority.trusted())
    with pytest.raises(RequestFailed):
        await outbound.send(Request("POST", url, {}, b"secret"))
    await outbound.close()
    server.close()
    assert received and b"POST" not in received
