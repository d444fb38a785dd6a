"""A rolling restart that no client notices, and the signals that begin it."""

import asyncio
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from chaos.http_client import Request, get, read_response, send_request
from chaos.servers import Server, ServerHome, nodes
from tests.support.shared_postgres import SharedPostgres

ROUNDS = 3
CLIENTS = 6
FINE = {"200", "refused"}


class Callers:
    """Clients that ask without a pause, and try a refused connection again. `seen` counts what
    came back; anything but a status or a refusal is a failure."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: Counter[str] = Counter()
        self.stop = False

    async def run(self) -> None:
        await asyncio.gather(*(self._call(keep=bool(i % 2)) for i in range(CLIENTS)))

    async def answered(self, more: int = 5 * CLIENTS) -> None:
        """Wait until all are at it: so many more answers have come."""
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
                    await asyncio.sleep(0.02)
                except httpx.HTTPError as error:
                    self.seen[repr(error)] += 1


def workers_of(pid: int) -> set[int]:
    """The processes that serve, of those that a process has started."""
    printed = subprocess.run(
        ["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True
    ).stdout
    rows = [line.split(None, 2) for line in printed.splitlines()]
    return {int(row[0]) for row in rows if int(row[1]) == pid and "spawn_main" in row[2]}


async def restarted(server: Server, rounds: int, *, until_reset: bool = False) -> Counter[str]:
    """What callers see of restarts: of so many, or of no more than it takes."""
    callers = Callers(server.url)
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


async def test_a_restart_of_workers_causes_no_error(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    async with nodes(home, workers=2) as (server,):
        seen = await restarted(server, 1)
    assert seen.keys() <= FINE and seen["200"] > 10, seen


async def test_replacing_workers_causes_no_error(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    async with nodes(home, workers=2) as (server,):
        callers = Callers(server.url)
        asking = asyncio.create_task(callers.run())
        before = workers_of(server.pid)
        server.send_signal(signal.SIGHUP)
        assert len(before) == 2
        for _ in range(600):
            await asyncio.sleep(0.1)
            if not before & workers_of(server.pid):
                break
        assert not before & workers_of(server.pid), server.log.read_text()
        callers.stop = True
        await asking
        assert callers.seen.keys() == {"200"}, callers.seen
        assert await server.terminate() == 0


async def test_planted_a_server_that_closes_at_once_resets_connections(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), fault="abrupt_close") as (server,):
        # Whether anyone stands in the queue just then is chance: in one of many it is certain.
        seen = await restarted(server, 10 * ROUNDS, until_reset=True)
    assert seen.keys() - FINE, seen


async def test_a_draining_server_is_not_ready_but_serves(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        ready = await get(server.port, "/readyz")
        assert ready.status == 503 and b"draining" in ready.body
        async with httpx.AsyncClient() as client:
            response = await client.get(f"{server.url}/livez")
        assert (response.status_code, response.headers["connection"]) == (200, "close")


async def test_an_open_request_is_finished(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path)) as (server,):
        body = b'{"email": "ann@acme.test", "password": "wrong horse"}'
        head = f"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode() + body[:10])
        await asyncio.sleep(0.2)
        server.send_signal(signal.SIGTERM)
        await asyncio.sleep(1)
        writer.write(body[10:])
        response = await read_response(reader)
        writer.close()
        assert response.status < 500 and response.headers["connection"] == "close"
        assert await server.ended() == 0


async def test_an_endless_request_is_cancelled_after_the_grace_seconds(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), settings={"grace_seconds": 1}) as (server,):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await asyncio.sleep(0.2)
        server.send_signal(signal.SIGTERM)
        assert await server.ended(8) == 0
        writer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: int) -> None:
    async with nodes(ServerHome(tmp_path), settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        began = time.monotonic()
        server.send_signal(number)
        assert await server.ended() == 128 + number
        assert time.monotonic() - began < 2


async def test_a_second_signal_ends_all_workers(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    async with nodes(home, workers=2, settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        assert await server.ended(5) == 128 + signal.SIGTERM
        with pytest.raises(OSError):
            await send_request(server.port, Request("GET", "/livez"))


async def test_after_ctrl_c_there_is_no_drain_time(tmp_path: Path) -> None:
    async with nodes(ServerHome(tmp_path), settings={"drain_seconds": 30}) as (server,):
        server.send_signal(signal.SIGINT)
        assert await server.ended(5) == 0
