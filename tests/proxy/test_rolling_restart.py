"""Two nodes behind nginx and Caddy are restarted in turn, and no request fails.

With real processes, on PostgreSQL: a SQLite file has one node.
"""

import asyncio
import ssl
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx

from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.servers import ServerHome, unstarted
from tests.support.reverse_proxies import PROXIES, ReverseProxy
from tests.support.shared_postgres import SharedPostgres
from tests.support.tls import Certificate

DRAIN_S = 2
SEEN_BY_PROXY_S = 2
"""How long docs/proxy.md says to wait after a node is ready: Caddy asks every half second."""
PAUSE_S = 0.02
CLIENTS_OF_EACH = 3


class Client:
    """Sends messages and reads them, and never repeats a request."""

    def __init__(self, web: httpx.AsyncClient, tenant: SeededTenant) -> None:
        self._web = web
        self._path = f"/v1/conversations/{tenant.conversations[0].id}/messages"
        self._headers = tenant.bearer("alice")
        self.responses: Counter[str] = Counter()
        self.sent: list[str] = []
        self.stopping = False

    async def work(self) -> None:
        """Work until `stopping` is set."""
        while not self.stopping:
            sent = await self._count("POST", json={"content": "hello"})
            if sent is not None:
                self.sent.append(sent["id"])
            await self._count("GET", params={"limit": 1})
            await asyncio.sleep(PAUSE_S)

    async def _count(self, method: str, **options: object) -> dict[str, str] | None:
        try:
            response = await self._web.request(
                method,
                self._path,
                headers=self._headers,
                **options,  # type: ignore[arg-type]  # httpx's
            )
        except httpx.HTTPError as error:
            self.responses[repr(error)] += 1
            return None
        text = "" if response.is_success else f" {response.text[:300]}"
        self.responses[f"{response.status_code}{text}"] += 1
        return response.json() if response.status_code == 201 else None


async def test_no_request_fails(
    tmp_path: Path,
    shared_postgres: SharedPostgres,
    context: ssl.SSLContext,
    certificate: Certificate,
) -> None:
    home = ServerHome(tmp_path / "home", shared_postgres.new_empty_database())
    tenant = await seed(home, 1)
    settings = {"drain_seconds": DRAIN_S, "trusted_proxies": "127.0.0.1"}
    with unstarted(home, 2, settings=settings) as nodes, ExitStack() as stack:
        for node in nodes:
            node.start()
        for node in nodes:
            await node.wait_ready()
        clients: list[Client] = []
        proxies: list[ReverseProxy] = []
        for name, start in PROXIES.items():
            (tmp_path / name).mkdir()
            ports = [node.port for node in nodes]
            proxy = stack.enter_context(start(tmp_path / name, ports, certificate))
            proxies.append(proxy)
            for _ in range(CLIENTS_OF_EACH):
                web = httpx.AsyncClient(base_url=proxy.url, verify=context, timeout=30)
                clients.append(Client(web, tenant))
        work = [asyncio.create_task(client.work()) for client in clients]
        for node in nodes:
            assert await node.terminate() == 0
            node.start()
            await node.wait_ready()
            await asyncio.sleep(SEEN_BY_PROXY_S)
        for client in clients:
            client.stopping = True
        await asyncio.gather(*work)
        logs = "\n".join(proxy.logs().get("stderr.log", "")[-6000:] for proxy in proxies)
    responses = sum((client.responses for client in clients), Counter[str]())
    assert set(responses) == {"200", "201"}, f"{responses}\n{logs}"
    assert all(client.responses.total() > 5 for client in clients), responses
    sent = [each for client in clients for each in client.sent]
    assert len(sent) == len(set(sent)) == responses["201"]
