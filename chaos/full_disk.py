"""A full disk: writes are refused clearly, reads go on, and with room it goes on by itself.

The server's data lie on a disk of a few megabytes. Clients send in all dialects; a ballast takes
the room away until writes are refused, and is taken away again. On PostgreSQL the tables lie there
and the write-ahead log elsewhere, as it should: a PostgreSQL without room for its log stops.
"""

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct, field

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.full_disk_calls import is_clear_refusal, reads, upload
from chaos.http_client import Line, Reply, ask
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.sends import Send, Sends
from chaos.servers import ROOT, Server, ServerHome, nodes
from chaos.small_disk import SmallDisk, can_mount, can_mount_apart, small_disk
from tests.support.binaries import new_directory, unprivileged
from tests.support.postgres import at_database, drop_database, execute, running_postgres

LONG, SHORT = 30, 2
SIZE, TIGHT = 160 << 20, 512 << 10
"""Bytes of the disk, and how many of them are left free before writes fill the rest."""
CLIENTS = 8
FULL_SECONDS = 0.7
"""Seconds for which the disk stays full, with sends and reads going on."""
REFUSED_AT_LEAST = 20
CONVERSATIONS, FEW_TALKS, FEW = 300, 40, 3
"""So many, in a run of more than a few rounds, that none of them meets the inbox dialect's limit of
messages a minute."""
RECOVERED_SENDS = 200
"""Messages acknowledged between one full disk and the next."""
FILLED_WITHIN = GOES_ON_WITHIN = 20.0


class FullDiskResult(Struct):
    """What was seen on one database. `worst_s` is the longest it took to write again once there
    was room; `wrong` has the answers that should not be."""

    database: str
    rounds: int = 0
    refused: int = 0
    reads: int = 0
    refused_files: int = 0
    worst_s: float = 0.0
    wrong: dict[str, int] = field(default_factory=dict)
    verdict: Consistency = Consistency(0, 0, 0, 0, 0)
    intact: bool = False

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict.ok and self.intact and not self.wrong and self.refused > 0

    def note(self, wrong: str) -> None:
        """Count an answer that should not be."""
        self.wrong[wrong] = self.wrong.get(wrong, 0) + 1

    def __str__(self) -> str:
        return (
            f"{self.database}: full {self.rounds:,} times, {self.refused:,} refused, "
            f"{self.reads:,} reads at that time, {self.verdict}, "
            f"{sum(self.wrong.values())} wrong responses, writes again within {self.worst_s:.2f} s"
        )


async def run(settings: RigSettings) -> Figure:
    """Fill the disk `n` times (30) under each database; where only a namespace of our own lets us
    mount, under SQLite alone. Raises NoSmallDisk."""
    rounds, dice = settings.trials(LONG, SHORT), settings.random()
    if not can_mount() and can_mount_apart():
        done = [await _apart(settings.folder, rounds, settings.seed)]
    else:
        done = [await fill_sqlite(settings.folder / "sqlite", rounds, dice)]
        with running_postgres(fsync=True) as server:
            folder = settings.folder / "postgres"
            done.append(await fill_postgres(folder, rounds, dice, server.url))
    for text in (f"{count} x {text}" for each in done for text, count in each.wrong.items()):
        settings.say(text)
    counts: dict[str, int | float] = {
        f"{each.database}_{name}": value
        for each in done
        for name, value in (
            ("full", each.rounds), ("refused", each.refused), ("reads", each.reads),
            ("refused_files", each.refused_files),
            ("acknowledged", each.verdict.acknowledged), ("lost", each.verdict.lost),
            ("doubled", each.verdict.doubled), ("wrong", sum(each.wrong.values())),
            ("worst_s", round(each.worst_s, 3)),
        )
    }  # fmt: skip
    return Figure(
        rig=RIG.name,
        params={"rounds": rounds, "seed": settings.seed, "clients": CLIENTS},
        counts=counts,
        ok=all(each.ok for each in done),
        line="; ".join(map(str, done)),
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
    folder: Path, rounds: int, dice: random.Random, sabotage: str = ""
) -> FullDiskResult:
    """Fill the disk under an embedded database so often, and compare."""
    home = ServerHome(folder)
    with small_disk(folder / "data", SIZE) as disk:
        done = await _fill(home, disk, rounds, dice, sabotage)
        found = apsw.Connection(str(folder / "data" / "koine.db"))
        done.intact = found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found.close()
        return done


async def fill_postgres(
    folder: Path, rounds: int, dice: random.Random, server_url: str
) -> FullDiskResult:
    """Fill the disk on which a database of this PostgreSQL has its tables so often, and compare.
    The server runs here, and its user may make tablespaces."""
    place = new_directory(unprivileged())
    try:
        with small_disk(place / "disk", SIZE) as disk, _tables_on(disk, server_url) as url:
            done = await _fill(ServerHome(folder, url), disk, rounds, dice)
            done.intact = True
            return done
    finally:
        place.rmdir()


async def _fill(
    home: ServerHome, disk: SmallDisk, rounds: int, dice: random.Random, sabotage: str = ""
) -> FullDiskResult:
    seeded = await seed(home, CONVERSATIONS if rounds > FEW else FEW_TALKS)
    ledger, done = ConsistencyCheck(), FullDiskResult(home.database)
    async with nodes(home, settings={"drain_seconds": 0}, sabotage=sabotage) as (server,):
        load = _Load(server, Sends(seeded, dice), ledger, done)
        try:
            for _ in range(rounds):
                await _round(disk, server, seeded, load, done)
        finally:
            await load.stop()
        code = await server.terminate()
        if code:
            done.note(f"exit code {code}")
    disk.make_room()
    done.verdict = await ledger.compare(home, seeded)
    return done


async def _round(
    disk: SmallDisk, server: Server, seeded: SeededTenant, load: "_Load", done: FullDiskResult
) -> None:
    disk.leave(TIGHT)
    before = done.refused
    await load.until(lambda: done.refused >= before + REFUSED_AT_LEAST, FILLED_WITHIN)
    ends = time.monotonic() + FULL_SECONDS
    while time.monotonic() < ends:
        await _call(server, seeded, done)
    disk.make_room()
    began = time.monotonic()
    await load.until(lambda: load.latest_began > began, GOES_ON_WITHIN)
    done.worst_s = max(done.worst_s, time.monotonic() - began)
    kept = len(load.ledger.told)
    await load.until(lambda: len(load.ledger.told) >= kept + RECOVERED_SENDS, GOES_ON_WITHIN)
    done.rounds += 1


class _Load:
    """Clients that send on and on, each message once, and note what they are told."""

    def __init__(
        self, server: Server, sends: Sends, ledger: ConsistencyCheck, done: FullDiskResult
    ) -> None:
        self._server, self._sends, self.ledger, self._done = server, sends, ledger, done
        self.latest_began = 0.0
        self._tasks = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]

    async def until(self, reached: Callable[[], bool], within: float) -> None:
        """Wait for something to come true. Raises TimeoutError."""
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
        line = Line(self._server.port)
        while True:
            send, began = self._sends.new(), time.monotonic()
            reply = await line.ask(send.request)
            if reply.status in (200, 201):
                self.ledger.acknowledged(send, send.shown_id(reply))
                self.latest_began = max(self.latest_began, began)
            else:
                self._note(send, reply)
                await asyncio.sleep(0.01)

    def _note(self, send: Send, reply: Reply) -> None:
        self._done.refused += 1
        if not is_clear_refusal(send.dialect, reply):
            self._done.note(f"{send.dialect}: {reply.status} {reply.body[:200]!r}")


async def _call(server: Server, seeded: SeededTenant, done: FullDiskResult) -> None:
    """Read in every dialect, and send a file."""
    conversation = seeded.conversations[done.reads % len(seeded.conversations)]
    for request in reads(seeded, conversation):
        reply = await ask(server.port, request)
        done.reads += 1
        if reply.status != 200:
            done.note(f"GET {request.path}: {reply.status} {reply.body[:200]!r}")
    reply = await ask(server.port, upload(seeded, conversation))
    if reply.status != 200:
        done.refused_files += 1
        if not is_clear_refusal("inbox", reply):
            done.note(f"upload: {reply.status} {reply.body[:200]!r}")


@contextmanager
def _tables_on(disk: SmallDisk, server_url: str) -> Iterator[str]:
    """The URL of a database whose tables lie on the disk, and nothing else of its server's."""
    place, name = disk.path / "tables", f"small_{secrets.token_hex(6)}"
    place.mkdir()
    unprivileged().chown(place)
    url = at_database(server_url, name)
    execute(server_url, f"CREATE TABLESPACE {name} LOCATION '{place}'")
    try:
        execute(server_url, f"CREATE DATABASE {name} TABLESPACE {name}")
        yield url
        drop_database(url)
    finally:
        execute(server_url, f"DROP TABLESPACE {name}")


async def _apart(folder: Path, rounds: int, seed: int) -> FullDiskResult:
    """The SQLite part in a namespace of its own; PostgreSQL would not start there."""
    words = (sys.executable, "-m", "chaos.full_disk", str(folder / "apart"), str(rounds), str(seed))
    running = await asyncio.create_subprocess_exec(
        "unshare", "-rm", *words, cwd=ROOT, stdout=subprocess.PIPE
    )
    said, _ = await running.communicate()
    if running.returncode:
        raise RuntimeError(f"{words} ended with {running.returncode}")
    return msgspec.json.decode(said, type=FullDiskResult)


def _main(folder: str, rounds: str, seed: str) -> None:
    done = asyncio.run(fill_sqlite(Path(folder), int(rounds), random.Random(int(seed))))
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    _main(*sys.argv[1:])
