"""The logs of the proxies have what an operator needs, and no credential."""

import asyncio
import ssl
from pathlib import Path

import httpx

from koine.dialects.native.exports.schemas import DownloadQuery
from koine.http.route import Route
from koine.server import dialects
from tests.cast import Cast
from tests.proxy.conftest import CLIENT, Proxied
from tests.proxy.test_passed_on import contact_path
from tests.support.ports import free_port
from tests.support.reverse_proxies import PROXIES, ReverseProxy
from tests.support.tls import Certificate

SECRET = "s3cret"
PATIENCE_S = 10.0


async def logged(proxy: ReverseProxy, text: str) -> str:
    """Everything in the logs, once they have this text."""
    async with asyncio.timeout(PATIENCE_S):
        while text not in (found := "\n".join(proxy.logs().values())):  # noqa: ASYNC110  # files
            await asyncio.sleep(0.01)
    return found


async def request_everything(proxy: ReverseProxy, context: ssl.SSLContext, cast: Cast) -> list[str]:
    """Make requests whose paths, queries and headers have credentials; return these."""
    path = contact_path(cast)
    encoded = f"/%70ublic{path.removeprefix('/public')}"
    below = [path, f"/{path}", encoded, f"/files/{SECRET}/a.png", f"//files/{SECRET}/a.png"]
    others = ["/v1/socket", "/cable", "/v1/me", "/nowhere"]
    headers = dict.fromkeys(("X-API-Key", "Referer"), f"{SECRET}-header")
    headers["Authorization"] = f"Bearer {SECRET}-header"
    urls = [f"{proxy.url}{each}" for each in (*below, *others)]
    urls += [f"{proxy.plain_url}{each}" for each in below]
    transport = httpx.AsyncHTTPTransport(verify=context, local_address=CLIENT)
    async with httpx.AsyncClient(transport=transport, headers=headers, timeout=20) as web:
        sent = [web.get(f"{url}?token={SECRET}&pubsub_token={SECRET}") for url in urls]
        for response in await asyncio.gather(*sent):
            assert response.status_code in (200, 301, 308, 401, 404, 502, 503), response
    return [*path.split("/")[-3::2], SECRET]


async def test_no_log_has_a_credential(proxied: Proxied) -> None:
    credentials = await request_everything(proxied.proxy, proxied.context, proxied.cast)
    headers = {"X-Request-Id": "the-last-request"} | proxied.cast.bearer("ada")
    assert (await proxied.web.get(f"/v1/users?token={SECRET}", headers=headers)).is_success
    text = await logged(proxied.proxy, "/v1/users")
    assert CLIENT in text
    assert [each for each in credentials if each in text] == []


async def test_no_log_has_a_credential_when_no_node_is_reached(
    cast: Cast, proxy_name: str, context: ssl.SSLContext, certificate: Certificate, tmp_path: Path
) -> None:
    with PROXIES[proxy_name](tmp_path, [free_port()], certificate) as proxy:
        credentials = await request_everything(proxy, context, cast)
        text = await logged(proxy, "/nowhere")
    assert "502" in text or "503" in text
    assert [each for each in credentials if each in text] == []


def test_paths_that_are_credentials_are_below_those_that_the_proxies_leave_out() -> None:
    """A new prefix of the contacts' API, or a new public route with a parameter, needs a line in
    docs/proxy.md."""
    found: set[str] = set()
    for dialect in dialects():
        if dialect.name == "inbox":
            found.update(dialect.prefixes)
        found.update(_start(route) for route in dialect.routes if _is_credential(route))
    assert found == {"/public/api/v1", "/cable", "/files"}


def _is_credential(route: Route) -> bool:
    """Whether the path of a route is a credential. One in the query string is in no log."""
    return route.public and "{" in route.path and route.query is not DownloadQuery


def _start(route: Route) -> str:
    return route.path.partition("/{")[0]
