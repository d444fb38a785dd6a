"""Several workers on one PostgreSQL: what they share, and what becomes of them when one or their
parent is killed."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from uvicorn.config import STARTUP_FAILURE

from chaos.http_client import IncompleteResponse, Request, Response, get, send_request
from chaos.seed import seed
from chaos.servers import Server, ServerHome
from koine.server.workers import next_pause
from tests.server.test_shutdown import workers_of
from tests.support.databases import with_tables
from tests.support.ports import free_port, free_ports
from tests.support.processes import is_running
from tests.support.shared_postgres import SharedPostgres

NEVER_SERVES = """
import socket, sys
from koine.kit.settings import load
from koine.server.workers import Supervisor, WorkerFailed

data, url = sys.argv[1:]
settings = load({}, {"data_dir": data, "database_url": url, "database_wait_seconds": 0})
with socket.create_server(("127.0.0.1", 0)) as listener:
    try:
        Supervisor(settings, listener, []).run()
    except WorkerFailed as error:
        sys.exit(error.exit_code)
"""
LOGINS_PER_MINUTE = 3
ENDS_WITHIN_S = 20.0


async def test_workers_share_a_port_and_a_limit_and_end_with_their_parent(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    """One test, as each start of two workers takes seconds of a core."""
    home = ServerHome(tmp_path, shared_postgres.new_database(with_tables))
    tenant, (first, second) = await seed(home, 12), free_ports(2)
    settings: dict[str, object] = {
        "metrics_port": first,
        "login_rate_limit_per_minute": LOGINS_PER_MINUTE,
        "drain_seconds": 1,
    }
    server = Server(home, workers=2, settings=settings)
    again = Server(home, port=server.port, workers=2, settings=settings | {"drain_seconds": 60})
    try:
        server.start()
        await server.wait_ready()
        for port in (first, second):  # each worker has one; the second may still be starting
            assert "koine_worker_restarts_total 0.0" in await metrics(port)
        key = {"Authorization": f"Bearer {tenant.key}"}
        replies = [await get(server.port, "/api/v1/conversations", key) for _ in range(8)]
        assert {reply.json()["pagination"]["total"] for reply in replies} == {12}
        assert await failed_logins(server, 4 * LOGINS_PER_MINUTE) == {
            401: LOGINS_PER_MINUTE,
            429: 3 * LOGINS_PER_MINUTE,
        }
        await kill_a_worker(server, (first, second))
        await kill_the_parent(server)
        # A restart finds the ports free; Ctrl-C does not wait for a load balancer.
        again.start()
        await kill_starting_workers(again)
        await again.wait_ready()
        again.send_signal(signal.SIGINT)
        assert await again.ended(ENDS_WITHIN_S) == 0
    finally:
        server.kill()
        again.kill()


async def failed_logins(server: Server, n: int) -> dict[int, int]:
    """The statuses of `n` concurrent wrong logins, each on a connection of its own."""
    body = {"email": "nobody@acme.test", "password": "wrong horse battery"}
    login = Request("POST", "/v1/auth/login", body=body)
    replies = await asyncio.gather(*(send_request(server.port, login) for _ in range(n)))
    return dict(Counter(reply.status for reply in replies))


async def kill_a_worker(server: Server, ports: tuple[int, ...]) -> None:
    """Kill one worker; another takes its place, and its end is logged and counted."""
    victim, *_ = before = sorted(workers_of(server.pid))
    os.kill(victim, signal.SIGKILL)
    line = await logged(server, "ended unexpectedly")
    assert (line["pid"], line["signal"], line["restarts"]) == (victim, "SIGKILL", 1)
    async with asyncio.timeout(ENDS_WITHIN_S):
        while len(workers_of(server.pid) - set(before)) != 1:  # noqa: ASYNC110  # processes
            await asyncio.sleep(0.05)
    restarts = [await metrics(port) for port in ports]
    assert sorted("koine_worker_restarts_total 1.0" in each for each in restarts) == [False, True]


async def kill_starting_workers(server: Server) -> None:
    """Kill the first workers before any serves, as a kernel without memory does: others start."""
    async with asyncio.timeout(ENDS_WITHIN_S):
        while len(first := workers_of(server.pid)) < 2:  # noqa: ASYNC110  # processes
            await asyncio.sleep(0.01)
    for each in first:
        os.kill(each, signal.SIGKILL)


async def kill_the_parent(server: Server) -> None:
    """Kill the parent alone; the workers end, and nobody listens any more."""
    workers = workers_of(server.pid)
    assert len(workers) == 2
    os.kill(server.pid, signal.SIGKILL)
    until = time.monotonic() + ENDS_WITHIN_S
    while any(map(is_running, workers)):
        assert time.monotonic() < until, server.log.read_text()
        await asyncio.sleep(0.02)
    with pytest.raises(OSError):
        await get(server.port, "/livez")
    await logged(server, "the parent process has ended")


async def logged(server: Server, words: str) -> Any:
    """The first log line with these words, once it is there."""
    async with asyncio.timeout(ENDS_WITHIN_S):
        while True:
            for line in server.log.read_text().splitlines():
                if words in line:
                    return json.loads(line)
            await asyncio.sleep(0.02)


async def metrics(port: int) -> str:
    """The metrics of a port, once somebody serves there."""
    async with asyncio.timeout(60):
        while True:
            try:
                reply: Response = await get(port, "/metrics")
            except (OSError, IncompleteResponse):
                await asyncio.sleep(0.02)
            else:
                assert reply.status == 200
                return reply.body.decode()


async def test_a_worker_that_cannot_start_ends_the_parent(tmp_path: Path) -> None:
    nobody = f"postgresql://koine@127.0.0.1:{free_port()}/koine"
    command = [sys.executable, "-c", NEVER_SERVES, str(tmp_path), nobody]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, log = await process.communicate()
    assert process.returncode == STARTUP_FAILURE, log.decode()
    assert b"a worker cannot start" in log and b"replaced" not in log


def test_workers_that_end_soon_are_replaced_ever_later() -> None:
    pauses = [0.0]
    for age in (61, 1, 1, 1, 1, 1, 1, 1, 61, 1):
        pauses.append(next_pause(pauses[-1], age))
    assert pauses[1:] == [0, 1, 2, 4, 8, 16, 30, 30, 0, 1]
