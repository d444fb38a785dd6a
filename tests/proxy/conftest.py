"""A live server behind each reverse proxy, with the configurations of docs/proxy.md.

On SQLite alone: what a proxy passes on does not depend on the database.
"""

import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from msgspec import Struct

from koine.server import dialects
from koine.store.core.db import Database
from tests.cast import Cast
from tests.dialects.inbox.cable_client import LiveServer, new_conversation
from tests.support.live_server import Live, live
from tests.support.reverse_proxies import PROXIES, ReverseProxy
from tests.support.tls import Authority, Certificate

CLIENT = "127.0.0.5"
"""The address of the clients of `Proxied.web`; that of the proxies is 127.0.0.1."""
UPLOAD_LIMIT = 300_000


class Proxied(Struct):
    """A live server of all dialects, the proxy in front of it, and a client of the proxy."""

    proxy: ReverseProxy
    behind: LiveServer
    web: httpx.AsyncClient
    context: ssl.SSLContext

    @property
    def cast(self) -> Cast:
        """The people of the server."""
        return self.behind.cast

    @property
    def front(self) -> LiveServer:
        """The same server by the proxy's URL."""
        live_ = Live(self.proxy.url, self.behind.server.realtime)
        return LiveServer(self.cast, live_, self.behind.conversation)


@pytest.fixture(params=PROXIES)
def proxy_name(request: pytest.FixtureRequest) -> str:
    """Each test runs with each proxy."""
    return str(request.param)


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    return sqlite_db


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {
        "trusted_proxies": "127.0.0.1",
        "upload_limit": UPLOAD_LIMIT,
        "json_limit": 2048,
        "data_dir": str(tmp_path),
    }


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Certificate:
    """A certificate of the host that clients connect to."""
    return authority.certificate(x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))


@pytest.fixture
def context(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """What clients connect with; websockets gets it from the environment."""
    file = tmp_path / "authority.pem"
    file.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority.trusted()


@pytest.fixture
async def proxied(
    cast: Cast, proxy_name: str, context: ssl.SSLContext, certificate: Certificate, tmp_path: Path
) -> AsyncIterator[Proxied]:
    """The server, the proxy and a client."""
    conversation = await new_conversation(cast)
    folder = tmp_path / proxy_name
    folder.mkdir()
    transport = httpx.AsyncHTTPTransport(verify=context, local_address=CLIENT)
    async with live(cast.engine, *dialects()) as server:
        behind = LiveServer(cast, server, conversation)
        port = int(server.url.rpartition(":")[2])
        with PROXIES[proxy_name](folder, [port], certificate) as proxy:
            async with httpx.AsyncClient(
                base_url=proxy.url, transport=transport, timeout=20
            ) as web:
                yield Proxied(proxy, behind, web, context)
