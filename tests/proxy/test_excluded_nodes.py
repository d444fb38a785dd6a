"""A node that refused a connection a moment ago is used as soon as it serves again."""

import socket
import ssl
from pathlib import Path

import httpx

from koine.server import dialects
from tests.cast import Cast
from tests.support.live_server import live
from tests.support.ports import free_ports
from tests.support.reverse_proxies import nginx
from tests.support.tls import Certificate


async def test_nginx_excludes_no_node(
    cast: Cast, context: ssl.SSLContext, certificate: Certificate, tmp_path: Path
) -> None:
    """First one of two nodes serves, then the other: with nginx's default of `max_fails` each is
    excluded for ten seconds when it has refused one connection, and then no node is left."""
    ports = free_ports(2)
    with nginx(tmp_path, ports, certificate) as proxy:
        async with httpx.AsyncClient(base_url=proxy.url, verify=context) as web:
            for port in [*ports, ports[0]]:
                listener = socket.create_server(("127.0.0.1", port))
                async with live(cast.engine, *dialects(), listener=listener):
                    statuses = [(await web.get("/livez")).status_code for _ in range(4)]
                assert statuses == [200] * 4, port
