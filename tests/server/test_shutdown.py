"""Rolling restarts without a failed request, and the signals that start them."""

import asyncio
import json
import signal
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from chaos.http_client import Request, get, read_response, send_request
from chaos.servers import Server, ServerHome, nodes
from tests.support.databases import with_tables
from tests.support.ports import free_ports
from tests.support.shared_postgres import SharedPostgres

ROUNDS = 3
CLIENTS = 6
PAUSE_SECONDS = 0.01
FINE = {"200", "refused"}


class SteadyClients:
    """Clients that ask again and again, and try a refused connection again. `seen` counts what
    came back; anything but a status or a refusal is a failure."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: Counter[str] = Counter()
        self.stop = False

    async def run(self) -> None:
        await asyncio.gather(*(self._call(keep=bool(i % 2)) for i in range(CLIENTS)))

    async def answered(self, more: int = 5 * CLIENTS) -> None:
        """Wait for `more` further requests with a result."""
        enough = self.seen["200"] + more
        for _ in range(3000):
            if self.seen["200"] >= enough:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the callers are not answered: {self.seen}")

    async def _call(self, *, keep: bool) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if keep else 0)
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:
            while not self.stop:
                try:
                    response = await client.get(f"{self._url}/livez")
                    self.seen[str(response.status_code)] += 1
                except httpx.ConnectError:
                    self.seen["refused"] += 1
                except httpx.HTTPError as error:
                    self.seen[repr(error)] += 1
                await asyncio.sleep(PAUSE_SECONDS)


def workers_of(pid: int) -> set[int]:
    """The processes that serve, of those that a process has started."""
    printed = subprocess.run(
        ["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True
    ).stdout
    rows = [line.split(None, 2) for line in printed.splitlines()]
    return {int(row[0]) for row in rows if int(row[1]) == pid and "spawn_main" in row[2]}


async def restarted(server: Server, rounds: int, *, until_reset: bool = False) -> Counter[str]:
    """What callers see of restarts: of so many, or of no more than it takes."""
    callers = SteadyClients(server.url)
    asking = asyncio.create_task(callers.run())
    for _ in range(rounds):
        await callers.answered()
        assert await server.terminate() == 0
        server.start()
        await server.wait_ready()
        if until_reset and callers.seen.keys() - FINE:
            break
    callers.stop = True
    await asking
    return callers.seen


async def test_a_restart_causes_no_error(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path)) as (server,):
        seen = await restarted(server, ROUNDS)
    assert seen.keys() <= FINE and seen["200"] > 10, seen


async def test_workers_are_replaced_restarted_and_killed(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    """One test, as each start of two workers takes seconds of a core."""
    home = ServerHome(tmp_path, shared_postgres.new_database(with_tables))
    metrics_port, _ = free_ports(2)
    first = Server(home, workers=2, settings={"metrics_port": metrics_port})
    second = Server(home, port=first.port, workers=2, settings={"drain_seconds": 30})
    try:
        first.start()
        await first.wait_ready()
        callers = SteadyClients(first.url)
        asking = asyncio.create_task(callers.run())
        await replace_workers(first)
        assert (await get(metrics_port, "/metrics")).status == 200
        await callers.answered()
        assert callers.seen.keys() == {"200"}, callers.seen
        assert await first.terminate() == 0
        second.start()
        await second.wait_ready()
        await callers.answered()
        callers.stop = True
        await asking
        assert callers.seen.keys() <= FINE, callers.seen
        second.send_signal(signal.SIGTERM)
        await until_draining(second)
        second.send_signal(signal.SIGTERM)
        assert await second.ended(5) == 128 + signal.SIGTERM
        with pytest.raises(OSError):
            await send_request(second.port, Request("GET", "/livez"))
    finally:
        first.kill()
        second.kill()


async def replace_workers(server: Server) -> None:
    before = workers_of(server.pid)
    assert len(before) == 2
    server.send_signal(signal.SIGHUP)
    for _ in range(300):
        if not before & workers_of(server.pid):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"the workers are not replaced: {server.log.read_text()}")


async def until_draining(server: Server) -> None:
    for _ in range(2000):
        ready = await get(server.port, "/readyz")
        if ready.status == 503:
            assert b"draining" in ready.body
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it is not draining")


async def test_planted_a_server_that_closes_at_once_resets_connections(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), fault="abrupt_close") as (server,):
        # Whether a connection is in the queue at that moment is chance; over many restarts one is.
        seen = await restarted(server, 10 * ROUNDS, until_reset=True)
    assert seen.keys() - FINE, seen


async def test_a_draining_server_is_not_ready_but_serves(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGTERM)
        await until_draining(server)
        async with httpx.AsyncClient() as client:
            response = await client.get(f"{server.url}/livez")
        assert (response.status_code, response.headers["connection"]) == (200, "close")


async def begun_login(
    server: Server, body_size: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body the server waits for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"Host: x\r\nContent-Length: {body_size}\r\nExpect: 100-continue"
    writer.write(f"POST /v1/auth/login HTTP/1.1\r\n{head}\r\n\r\n".encode())
    assert (await read_response(reader)).status == 100
    return reader, writer


async def until_refused(server: Server) -> None:
    """Wait until the server accepts no connection any more."""
    for _ in range(2000):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.01)
    raise AssertionError("it accepts connections")


async def test_an_open_request_is_finished(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path)) as (server,):
        body = b'{"email": "ann@acme.test", "password": "wrong horse"}'
        reader, writer = await begun_login(server, len(body))
        server.send_signal(signal.SIGTERM)
        await until_refused(server)
        writer.write(body)
        response = await read_response(reader)
        writer.close()
        assert response.status < 500 and response.headers["connection"] == "close"
        assert await server.ended() == 0


async def test_an_endless_request_is_cancelled_after_the_grace_seconds(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), settings={"grace_seconds": 1}) as (server,):
        _, writer = await begun_login(server, 9)
        server.send_signal(signal.SIGTERM)
        assert await server.ended(8) == 0
        writer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: int) -> None:
    async with nodes(ServerHome(tmp_path), settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGTERM)
        await until_draining(server)
        server.send_signal(number)
        assert await server.ended(2) == 128 + number


async def test_after_ctrl_c_there_is_no_drain_time_and_no_thread_is_waited_for(
    tmp_path: Path,
) -> None:
    settings = {"drain_seconds": 30}
    async with nodes(ServerHome(tmp_path), settings=settings, fault="hanging_thread") as (server,):
        server.send_signal(signal.SIGINT)
        assert await server.ended(5) == 0
        (line,) = (each for each in server.log.read_text().splitlines() if "is draining" in each)
        assert json.loads(line)["seconds"] == 0
