"""A certificate must be for the host, of a trusted authority, and not expired."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from koine.kit.outbound import EgressPolicy, OutboundClient, Request, RequestFailed
from tests.kit.outbound.receiver import NameServer, RawReceiver, running_receiver

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        made = self._made(self._name, self._key, days=1)
        self._authority = made.add_extension(x509.BasicConstraints(True, None), True)
        signed = self._authority.sign(self._key, hashes.SHA256())
        self.pem = signed.public_bytes(serialization.Encoding.PEM).decode()

    def trusted(self) -> ssl.SSLContext:
        """An SSL context of a client that trusts only this authority."""
        return ssl.create_default_context(cadata=self.pem)

    def server(self, *names: x509.GeneralName, days: int = 1) -> ssl.SSLContext:
        """An SSL context of a server with a certificate for these names, valid for `days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        made = self._made(subject, key, days)
        made = made.add_extension(x509.SubjectAlternativeName(names), False)
        pem = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem += key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = self._folder / "server.pem"
        file.write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _made(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + days * DAY)
        )


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
