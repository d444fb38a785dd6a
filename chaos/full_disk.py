"""Fill the disk of a server under load, and free it again.

The server's data are on a file system of a few megabytes. Clients send in all dialects while a
large file (the ballast) takes the free space; it is deleted again after a while. With PostgreSQL
only the tables are on that file system, not the write-ahead log: PostgreSQL stops without space for
its log. The rig checks that writes are refused with 503 or 507 in the format of the dialect, that
reads work, that the server writes again by itself once there is space, and that no acknowledged
message is lost.
"""

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct, field

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.full_disk_calls import is_clear_refusal, reads, upload
from chaos.http_client import Connection, Response, send_request
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Send, Sends
from chaos.servers import ROOT, Server, ServerHome, nodes
from chaos.small_disk import SmallDisk, can_mount, can_mount_in_namespace, small_disk
from tests.support.binaries import new_directory, unprivileged
from tests.support.postgres import at_database, drop_database, execute, running_postgres

LONG, SHORT = 30, 1
DISK_BYTES, LEFT_FREE = 160 << 20, 512 << 10
"""Size of the disk in bytes, and how much the ballast leaves free: the load fills that."""
CLIENTS = 8
FULL_SECONDS = 0.7
"""How long the disk stays full, with sends and reads."""
REFUSED_AT_LEAST = 20
CONVERSATIONS, FEW_CONVERSATIONS, FEW_ROUNDS = 300, 40, 3
"""So many conversations in a run of more than a few rounds that none reaches the inbox dialect's
limit of messages a minute."""
RECOVERED_SENDS = 200
"""Messages acknowledged between one full disk and the next."""
FILLED_WITHIN = RECOVERED_WITHIN = 20.0


class FullDiskResult(Struct):
    """The result for one database. `worst_s` is the longest time from the freed disk to the first
    successful write; `wrong` counts responses that break a promise."""

    database: str
    rounds: int = 0
    refused: int = 0
    reads: int = 0
    refused_files: int = 0
    worst_s: float = 0.0
    wrong: dict[str, int] = field(default_factory=dict)
    consistency: Consistency = Consistency(0, 0, 0, 0, 0)
    intact: bool = False

    @property
    def ok(self) -> bool:
        """Whether all promises were kept, and the disk was full at all."""
        return self.consistency.ok and self.intact and not self.wrong and self.refused > 0

    def count_wrong(self, wrong: str) -> None:
        """Count something that breaks a promise."""
        self.wrong[wrong] = self.wrong.get(wrong, 0) + 1

    def __str__(self) -> str:
        return (
            f"{self.database}: full {self.rounds:,} times, {self.refused:,} refused, "
            f"{self.reads:,} reads at that time, {self.consistency}, "
            f"{sum(self.wrong.values())} wrong responses, writes again within {self.worst_s:.2f} s"
        )


async def run(settings: RigSettings) -> Figure:
    """Fill the disk `n` times (30) with each database; only with SQLite where mounting needs a
    namespace of our own. Raises NoSmallDisk."""
    rounds, rng = settings.trials(LONG, SHORT), settings.random()
    if not can_mount() and can_mount_in_namespace():
        results = [await _run_in_namespace(settings.folder, rounds, settings.seed)]
    else:
        results = [await fill_sqlite(settings.folder / "sqlite", rounds, rng)]
        with running_postgres(fsync=True) as server:
            folder = settings.folder / "postgres"
            results.append(await fill_postgres(folder, rounds, rng, server.url))
    for text in (f"{count} x {text}" for each in results for text, count in each.wrong.items()):
        settings.log(text)
    counts: dict[str, int | float] = {
        f"{each.database}_{name}": value
        for each in results
        for name, value in (
            ("full", each.rounds), ("refused", each.refused), ("reads", each.reads),
            ("refused_files", each.refused_files),
            ("acknowledged", each.consistency.acknowledged), ("lost", each.consistency.lost),
            ("doubled", each.consistency.doubled), ("wrong", sum(each.wrong.values())),
            ("worst_s", round(each.worst_s, 3)),
        )
    }  # fmt: skip
    return Figure(
        rig=RIG.name,
        params={"rounds": rounds, "seed": settings.seed, "clients": CLIENTS},
        counts=counts,
        ok=all(each.ok for each in results),
        line="; ".join(map(str, results)),
    )


RIG = Rig(
    "full_disk",
    "the disk is full, under load: refusals, reads at that time, and writes when there is space "
    "again",
    "503 or 507 in every dialect's format, reads work, 0 acknowledged lost, writes "
    "continue by themselves",
    run,
)


async def fill_sqlite(
    folder: Path, rounds: int, rng: random.Random, fault: str = ""
) -> FullDiskResult:
    """Fill the disk with the SQLite database `rounds` times, and compare."""
    home = ServerHome(folder)
    with small_disk(folder / "data", DISK_BYTES) as disk:
        result = await _fill(home, disk, rounds, rng, fault)
        found = apsw.Connection(str(folder / "data" / "koine.db"))
        result.intact = found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found.close()
        return result


async def fill_postgres(
    folder: Path, rounds: int, rng: random.Random, server_url: str
) -> FullDiskResult:
    """Fill the disk with the tables of a PostgreSQL database `rounds` times, and compare. The
    PostgreSQL runs on this machine, and its user may create tablespaces."""
    directory = new_directory(unprivileged())
    try:
        with (
            small_disk(directory / "disk", DISK_BYTES) as disk,
            _tables_on(disk, server_url) as url,
        ):
            result = await _fill(ServerHome(folder, url), disk, rounds, rng)
            result.intact = True
            return result
    finally:
        directory.rmdir()


async def _fill(
    home: ServerHome, disk: SmallDisk, rounds: int, rng: random.Random, fault: str = ""
) -> FullDiskResult:
    tenant = await seed(home, CONVERSATIONS if rounds > FEW_ROUNDS else FEW_CONVERSATIONS)
    check, result = ConsistencyCheck(), FullDiskResult(home.database)
    async with nodes(home, settings={"drain_seconds": 0}, fault=fault) as (server,):
        load = _Senders(server, Sends(tenant, rng), check, result)
        try:
            for _ in range(rounds):
                await _round(disk, server, tenant, load, result)
        finally:
            await load.stop()
        code = await server.terminate()
        if code:
            result.count_wrong(f"exit code {code}")
    disk.free_again()
    result.consistency = await check.compare(home, tenant)
    return result


async def _round(
    disk: SmallDisk,
    server: Server,
    tenant: SeededTenant,
    load: "_Senders",
    result: FullDiskResult,
) -> None:
    disk.fill_up_to(LEFT_FREE)
    before = result.refused
    await load.wait_until(lambda: result.refused >= before + REFUSED_AT_LEAST, FILLED_WITHIN)
    ends = time.monotonic() + FULL_SECONDS
    while time.monotonic() < ends:
        await _read_and_upload(server, tenant, result)
    disk.free_again()
    began = time.monotonic()
    await load.wait_until(lambda: load.latest_began > began, RECOVERED_WITHIN)
    result.worst_s = max(result.worst_s, time.monotonic() - began)
    acknowledged = len(load.check.acknowledged)
    await load.wait_until(
        lambda: len(load.check.acknowledged) >= acknowledged + RECOVERED_SENDS, RECOVERED_WITHIN
    )
    result.rounds += 1


class _Senders:
    """Clients that send each message once, and check and record the responses."""

    def __init__(
        self, server: Server, sends: Sends, check: ConsistencyCheck, result: FullDiskResult
    ) -> None:
        self._server, self._sends, self.check, self._result = server, sends, check, result
        self.latest_began = 0.0
        self._tasks = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]

    async def wait_until(self, reached: Callable[[], bool], within: float) -> None:
        """Wait until a condition holds. Raises TimeoutError, and what ended a client."""
        async with asyncio.timeout(within):
            while not reached():
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.002)

    async def stop(self) -> None:
        """End all clients."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self) -> None:
        with closing(Connection(self._server.port)) as connection:
            while True:
                send, began = self._sends.new(), time.monotonic()
                response = await connection.send(send.request)
                if response.status in (200, 201):
                    self.check.record(send, send.shown_id(response))
                    self.latest_began = max(self.latest_began, began)
                else:
                    self._check_refusal(send, response)
                    await asyncio.sleep(0.01)

    def _check_refusal(self, send: Send, response: Response) -> None:
        self._result.refused += 1
        if not is_clear_refusal(send.dialect, response):
            self._result.count_wrong(f"{send.dialect}: {response.status} {response.body[:200]!r}")


async def _read_and_upload(server: Server, tenant: SeededTenant, result: FullDiskResult) -> None:
    """Read in every dialect, and upload a file."""
    conversation = tenant.conversations[result.reads % len(tenant.conversations)]
    for request in reads(tenant, conversation):
        response = await send_request(server.port, request)
        result.reads += 1
        if response.status != 200:
            result.count_wrong(f"GET {request.path}: {response.status} {response.body[:200]!r}")
    response = await send_request(server.port, upload(tenant, conversation))
    if response.status != 200:
        result.refused_files += 1
        if not is_clear_refusal("inbox", response):
            result.count_wrong(f"upload: {response.status} {response.body[:200]!r}")


@contextmanager
def _tables_on(disk: SmallDisk, server_url: str) -> Iterator[str]:
    """The URL of a database whose tables, and nothing else of its PostgreSQL, are on the disk."""
    directory, name = disk.path / "tables", f"small_{secrets.token_hex(6)}"
    directory.mkdir()
    unprivileged().chown(directory)
    url = at_database(server_url, name)
    execute(server_url, f"CREATE TABLESPACE {name} LOCATION '{directory}'")
    try:
        execute(server_url, f"CREATE DATABASE {name} TABLESPACE {name}")
        yield url
        drop_database(url)
    finally:
        execute(server_url, f"DROP TABLESPACE {name}")


async def _run_in_namespace(folder: Path, rounds: int, seed: int) -> FullDiskResult:
    """The SQLite part in a process with its own mount namespace; PostgreSQL cannot start in one."""
    command = (
        sys.executable,
        "-m",
        "chaos.full_disk",
        str(folder / "apart"),
        str(rounds),
        str(seed),
    )
    running = await asyncio.create_subprocess_exec(
        "unshare", "-rm", *command, cwd=ROOT, stdout=subprocess.PIPE
    )
    output, _ = await running.communicate()
    if running.returncode:
        raise RuntimeError(f"{command} ended with {running.returncode}")
    return msgspec.json.decode(output, type=FullDiskResult)


def _main(folder: str, rounds: str, seed: str) -> None:
    result = asyncio.run(fill_sqlite(Path(folder), int(rounds), random.Random(int(seed))))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    _main(*sys.argv[1:])
