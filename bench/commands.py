"""What the benchmarks of commands share: filled databases, options, the memory of a command."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
from msgspec import Struct

from bench import large_seed, postgres, seed
from bench.seed import Execute, SqlSyntax
from bench.tenant_size import TenantSize
from koine.store.sqlite.connection import connect
from tests.support.postgres import at_database

MILLION = TenantSize(
    conversations=50_000, messages=20, drivers=100, customers=5_000, deep_messages=20
)
EVENTS = """
INSERT INTO events (tenant_id, kind, audience, conversation_id, subject_id, seq, body, created_at)
SELECT tenant_id, 'message.created', 'everyone', conversation_id, id, seq, '{}', created_at
FROM messages ORDER BY conversation_id, seq
"""
CONNECTIONS = 4
"""Connections that send while a command runs."""


class Databases(Struct, frozen=True):
    """The URLs of the database with the tenant, of an empty one, and of one with a small tenant."""

    full: str
    empty: str
    small: str


def each_kind(arguments: argparse.Namespace) -> Iterator[tuple[str, Path, Databases]]:
    """For each kind of database that is measured: its name, a temporary folder, its databases."""
    for name in ("sqlite", "postgres"):
        if getattr(arguments, name) or not (arguments.sqlite or arguments.postgres):
            with (
                tempfile.TemporaryDirectory(prefix="koine-bench-") as folder,
                _open_databases(name, Path(folder)) as urls,
            ):
                yield name, Path(folder), urls


@contextmanager
def _open_databases(name: str, folder: Path) -> Iterator[Databases]:
    """The databases of a measurement, for as long as the context is open."""
    if name == "sqlite":
        yield Databases(*(f"sqlite:///{folder / each}.db" for each in ("full", "empty", "small")))
        return
    cluster = postgres.start()
    try:
        urls = [at_database(cluster.url, f"bench_{each}") for each in ("full", "empty", "small")]
        for url in urls:
            asyncio.run(large_seed.create(url))
        yield Databases(*urls)
    finally:
        cluster.stop()


async def fill(url: str, size: TenantSize, *, events: bool = True) -> None:
    """Create the tables and the tenant, with an event for each message where wanted."""
    await large_seed.migrate(url)
    sql = SqlSyntax(postgres=not url.startswith("sqlite"))
    async with _connected(url) as execute:
        await seed.small(execute, sql, size)
        if events:
            await execute(EVENTS)
        if sql.postgres:
            await execute("VACUUM (ANALYZE)")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Execute]:
    """A function that runs a statement, and commits it."""
    if not url.startswith("sqlite"):
        connection = await asyncpg.connect(url)
        try:
            yield connection.execute
        finally:
            await connection.close()
        return
    file = connect(Path(url.removeprefix("sqlite:///")), cache_mib=256)

    async def execute(text: str) -> object:
        return file.execute(text).fetchall()

    yield execute
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    file.close()


def peak_mb(pid: int) -> float:
    """The largest resident memory of a process until now, in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def parse_arguments(name: str, description: str | None) -> argparse.Namespace:
    """The options of a benchmark that is named so, with its documentation."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=description)
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL alone")
    parser.add_argument("--short", action="store_true", help="a small tenant: no figures")
    return parser.parse_args()


def log(text: str) -> None:
    """Say on standard error what is done now."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
